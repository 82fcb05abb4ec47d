// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

// What of procfs Wherry's own toolbox may read, which no other guest may at all:
// what `ps`, `df` and `id` need and somebody who looks for a fault asks for. Nothing
// of it says where this process's memory is, or reaches into any process.
namespace wherry::wasi {

// This process's /proc, read-only, named "/proc"; noent where there is none. Below
// it only is_process_file()s open.
Io<Descriptor> process_directory();

// By the path below /proc alone: nobody can rename or link there.
bool is_process_file(std::string_view path);

}  // namespace wherry::wasi
