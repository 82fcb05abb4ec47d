// SPDX-License-Identifier: Apache-2.0
#include "core/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/host.h"

namespace toolbox {
namespace {

constexpr int kMaxDepth = 256;  // of directories; each level is a call

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string_view without_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

bool remove_below(const std::string& path, const std::function<void(const std::string&)>& failed, int depth) {
  FileInfo info;
  if (!file_info(path, Follow::no, info)) return failed(path), false;
  if (!info.is_directory()) {
    if (::unlink(path.c_str()) == 0) return true;
    return failed(path), false;
  }
  std::vector<std::string> names;
  if (depth == 0) errno = ENAMETOOLONG;
  if (depth == 0 || !directory_names(path, names)) return failed(path), false;
  bool all = true;
  for (const std::string& name : names) all &= remove_below(join(path, name), failed, depth - 1);
  if (!all) return false;
  if (::rmdir(path.c_str()) == 0) return true;
  return failed(path), false;
}

}  // namespace

bool file_info(const std::string& path, Follow follow, FileInfo& info) {
  struct stat raw;
  const int result = follow == Follow::yes ? ::stat(path.c_str(), &raw) : ::lstat(path.c_str(), &raw);
  if (result != 0) return false;
  info.mode = raw.st_mode;
  info.size = static_cast<uint64_t>(raw.st_size);
  info.links = raw.st_nlink;
  info.device = raw.st_dev;
  info.inode = raw.st_ino;
  info.accessed = raw.st_atim;
  info.modified = raw.st_mtim;
  info.changed = raw.st_ctim;
  ask_owner(path, follow, info);
  return true;
}

bool directory_names(const std::string& path, std::vector<std::string>& names) {
  const std::unique_ptr<DIR, DirectoryCloser> directory(::opendir(path.c_str()));
  if (!directory) return false;
  errno = 0;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return false;
  std::sort(names.begin(), names.end());
  return true;
}

std::string mode_text(const FileInfo& info) {
  constexpr struct {
    uint32_t type;
    char letter;
  } kTypes[] = {{S_IFDIR, 'd'}, {S_IFLNK, 'l'}, {S_IFREG, '-'}, {S_IFCHR, 'c'}, {S_IFBLK, 'b'}, {S_IFIFO, 'p'}, {S_IFSOCK, 's'}};
  std::string text = "??????????";
  for (const auto& type : kTypes) {
    if ((info.mode & S_IFMT) == type.type) text[0] = type.letter;
  }
  if (!info.knows_owner) return text;
  for (size_t i = 0; i < 9; i++) text[1 + i] = info.mode & (0400u >> i) ? "rwx"[i % 3] : '-';
  constexpr uint32_t kSpecial[] = {04000, 02000, 01000};
  for (size_t i = 0; i < 3; i++) {
    if (!(info.mode & kSpecial[i])) continue;
    char& letter = text[3 + 3 * i];
    letter = letter == 'x' ? "sst"[i] : "SST"[i];
  }
  return text;
}

std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

std::string base_name(std::string_view path) {
  path = without_slashes(path);
  if (path == "/") return "/";
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string directory_name(std::string_view path) {
  path = without_slashes(path);
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return std::string(without_slashes(path.substr(0, std::max(slash, size_t{1}))));
}

bool link_target(const std::string& path, std::string& target) {
  target.resize(4096);
  const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  target.resize(static_cast<size_t>(std::max(n, ssize_t{0})));
  return n >= 0;
}

bool make_directories(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0777) != 0) {
      const int code = errno;
      FileInfo info;
      // A directory that is there may not be one that we could make.
      if (!file_info(part, Follow::yes, info) || !info.is_directory()) return errno = code, false;
    }
    if (slash == path.npos) return true;
  }
}

bool remove_all(const std::string& path, const std::function<void(const std::string&)>& failed) {
  return remove_below(path, failed, kMaxDepth);
}

WorkingDirectory::WorkingDirectory() : path_(4096, '\0') {
  if (::getcwd(path_.data(), path_.size()) == nullptr) path_ = "/";
  path_.resize(std::strlen(path_.c_str()));
}

WorkingDirectory::~WorkingDirectory() { (void)::chdir(path_.c_str()); }

std::string place_in(const std::string& target, const std::string& source) {
  FileInfo info;
  if (!file_info(target, Follow::yes, info) || !info.is_directory()) return target;
  return join(target, base_name(source));
}

}  // namespace toolbox
