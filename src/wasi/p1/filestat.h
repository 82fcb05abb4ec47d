// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wasi/host/types.h"
#include "wasi/p1/layout.h"

namespace wherry::wasi {

inline layout::Filestat to_snapshot(const Filestat& stat) {
  layout::Filestat result{};
  result.dev = stat.dev;
  result.ino = stat.ino;
  result.filetype = static_cast<uint8_t>(stat.filetype);
  result.nlink = stat.nlink;
  result.size = stat.size;
  result.atim = stat.atim;
  result.mtim = stat.mtim;
  result.ctim = stat.ctim;
  return result;
}

inline layout::UnstableFilestat to_unstable(const Filestat& stat) {
  layout::UnstableFilestat result{};
  result.dev = stat.dev;
  result.ino = stat.ino;
  result.filetype = static_cast<uint8_t>(stat.filetype);
  result.nlink = static_cast<uint32_t>(stat.nlink);
  result.size = stat.size;
  result.atim = stat.atim;
  result.mtim = stat.mtim;
  result.ctim = stat.ctim;
  return result;
}

}  // namespace wherry::wasi
