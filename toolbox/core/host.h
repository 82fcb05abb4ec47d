// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/files.h"

// What WASI does not know: Wherry tells it to its own toolbox, by the module
// wherry_toolbox (src/wasi/toolbox) and some of /proc.
namespace toolbox {

// A guest has no working directory of its own, so it starts at $PWD.
void enter_working_directory();

// Permissions and owner of a file, if the host tells them.
void ask_owner(const std::string& path, Follow follow, FileInfo& info);

// A new file for writing, or -1 with errno; EEXIST if there is one. And a directory.
int create_file(const std::string& path, uint32_t permissions);
bool create_directory(const std::string& path, uint32_t permissions);

// Its times; utimensat() of the libc sets 1970. False with errno.
bool set_times_to_now(const std::string& path, Follow follow);

struct Space {
  uint64_t size = 0, free = 0, available = 0;  // bytes
};
// Of the file system that a file is on; false with errno.
bool ask_space(const std::string& path, Space& space);

// A file of /proc, "" where there is none.
std::string process_file(const std::string& path);

}  // namespace toolbox
