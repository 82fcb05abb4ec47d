// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace toolbox {

enum class Follow : bool { no, yes };

// What is known about a file; mode with its type. Permissions and owner are what
// the host says, or a guess where it says nothing (`knows_owner`).
struct FileInfo {
  uint32_t mode = 0;
  uint32_t uid = 0, gid = 0;
  bool knows_owner = false;
  uint64_t size = 0, links = 1, device = 0, inode = 0;
  timespec accessed{}, modified{}, changed{};

  bool is_directory() const { return S_ISDIR(mode); }
  bool is_link() const { return S_ISLNK(mode); }
  bool is_file() const { return S_ISREG(mode); }
};

// False with errno.
bool file_info(const std::string& path, Follow follow, FileInfo& info);

// The names in a directory but "." and "..", sorted; false with errno.
bool directory_names(const std::string& path, std::vector<std::string>& names);

// "drwxr-xr-x"; '?' for permissions that nobody told.
std::string mode_text(const FileInfo& info);

std::string join(std::string_view directory, std::string_view name);
// "c" of "a/b/c/", "/" of "/".
std::string base_name(std::string_view path);
std::string directory_name(std::string_view path);

// false with errno, 0 for too long a target.
bool link_target(const std::string& path, std::string& target);

// "mkdir -p".
bool make_directories(const std::string& path);

// Removes a file, or a directory with all that is in it; calls `failed` with the
// path of each that it can not, errno set.
bool remove_all(const std::string& path, const std::function<void(const std::string&)>& failed);

// The working directory as it was, again at the end: applets share it with the shell.
class WorkingDirectory {
 public:
  WorkingDirectory();
  ~WorkingDirectory();
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Where cp, mv and ln put `source`: `target` itself, or inside it if it is a directory.
std::string place_in(const std::string& target, const std::string& source);

}  // namespace toolbox
