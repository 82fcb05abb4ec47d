// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The words of the host core, with the names and numbers of WASI preview 1.
namespace wherry::wasi {

using Rights = uint64_t;

namespace right {
#define RIGHT(name, bit) inline constexpr Rights name = Rights{1} << (bit);
#include "wasi/host/right.def"
#undef RIGHT
inline constexpr Rights kAll = (Rights{1} << 30) - 1;
}  // namespace right

enum class Filetype : uint8_t {
  unknown,
  block_device,
  character_device,
  directory,
  regular_file,
  socket_dgram,
  socket_stream,
  symbolic_link,
};

using Fdflags = uint16_t;
namespace fdflag {
inline constexpr Fdflags append = 1, dsync = 2, nonblock = 4, rsync = 8, sync = 16, kAll = 31;
}

using Oflags = uint16_t;
namespace oflag {
inline constexpr Oflags creat = 1, directory = 2, excl = 4, trunc = 8, kAll = 15;
}

using Fstflags = uint16_t;
namespace fstflag {
inline constexpr Fstflags atim = 1, atim_now = 2, mtim = 4, mtim_now = 8, kAll = 15;
}

enum class Follow : bool { no, yes };
enum class Whence : uint8_t { set, cur, end };
enum class Clock : uint32_t { realtime, monotonic, process_cputime_id, thread_cputime_id };
enum class Advice : uint8_t { normal, sequential, random, willneed, dontneed, noreuse };

using Timestamp = uint64_t;  // nanoseconds

struct Filestat {
  uint64_t dev = 0;
  uint64_t ino = 0;
  Filetype filetype = Filetype::unknown;
  uint32_t permissions = 0;  // these three are for the toolbox alone
  uint32_t uid = 0, gid = 0;
  uint64_t nlink = 0;
  uint64_t size = 0;
  Timestamp atim = 0;
  Timestamp mtim = 0;
  Timestamp ctim = 0;
};

}  // namespace wherry::wasi
