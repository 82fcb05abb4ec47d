// SPDX-License-Identifier: Apache-2.0
#include "oci/tree.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/printable.h"
#include "base/utf8.h"

namespace wherry::oci {
namespace {

constexpr int kMaxDepth = 256;
constexpr size_t kMaxEntries = 1'000'000;

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

Result<std::vector<std::string>> names_in(const std::string& directory) {
  const std::unique_ptr<DIR, DirCloser> dir(::opendir(directory.c_str()));
  if (!dir) return os_error(errno, directory);
  std::vector<std::string> names;
  for (errno = 0; const dirent* entry = ::readdir(dir.get()); errno = 0) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return os_error(errno, directory);
  return names;
}

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() || directory.ends_with('/') ? directory + name : directory + "/" + name;
}

// What others may do with it is the owner's right to read and execute: an image
// must not depend on the umask it was made under.
uint32_t normal_mode(mode_t mode) { return mode & 0100 ? 0755 : 0644; }

}  // namespace

Result<std::string> image_path(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size();) {
    const size_t end = std::min(path.find('/', i), path.size());
    const std::string_view part = path.substr(i, end - i);
    if (part == "..") return error(ErrorKind::invalid, "`" + std::string(path) + "`: a path in an image has no `..`");
    if (!part.empty() && part != ".") out += (out.empty() ? "" : "/") + std::string(part);
    i = end + 1;
  }
  return out;
}

Result<void> Tree::insert(Node node) {
  const std::string& path = node.entry.path;
  if (!is_utf8(path) || !is_utf8(node.entry.target))
    return error(ErrorKind::invalid, "/" + printable(path) + ": not UTF-8, which names in an image are");
  if (nodes_.size() >= kMaxEntries)
    return error(ErrorKind::exhausted, "more than " + std::to_string(kMaxEntries) + " files in the image");
  for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    Node directory{{.kind = TarEntry::Kind::directory, .path = parent, .mode = 0755, .target = ""}, "", true};
    const auto [at, added] = nodes_.try_emplace(parent, std::move(directory));
    if (!added && at->second.entry.kind != TarEntry::Kind::directory)
      return error(ErrorKind::invalid, "/" + path + ": /" + parent + " is not a directory in the image");
  }
  const auto at = nodes_.find(path);
  if (at == nodes_.end()) {
    nodes_.emplace(path, std::move(node));
    return {};
  }
  const bool both_directories =
      at->second.entry.kind == TarEntry::Kind::directory && node.entry.kind == TarEntry::Kind::directory;
  if (!both_directories) return error(ErrorKind::already_exists, "/" + path + ": given twice");
  if (!node.implied) at->second = std::move(node);
  return {};
}

Result<void> Tree::add_directory(std::string_view path) {
  const std::string name = TRY(image_path(path));
  if (name.empty()) return {};
  return insert({{.kind = TarEntry::Kind::directory, .path = name, .mode = 0755, .target = ""}, "", false});
}

Result<void> Tree::add(const std::string& source, std::string_view path) {
  const std::string name = TRY(image_path(path));
  return add_below(source, name, 0);
}

Result<void> Tree::add_below(const std::string& source, const std::string& path, int depth) {
  struct stat info;
  // What the user names may be a link to it; inside a tree a link is kept.
  const int stat = depth == 0 ? ::stat(source.c_str(), &info) : ::lstat(source.c_str(), &info);
  if (stat != 0) return os_error(errno, source);
  if (S_ISDIR(info.st_mode)) {
    if (depth > kMaxDepth)
      return error(ErrorKind::exhausted, source + ": more than " + std::to_string(kMaxDepth) + " directories deep");
    if (!path.empty())
      TRY(insert({{.kind = TarEntry::Kind::directory, .path = path, .mode = 0755, .target = ""}, "", depth != 0}));
    for (const std::string& name : TRY(names_in(source)))
      TRY(add_below(join(source, name), join(path, name), depth + 1));
    return {};
  }
  if (path.empty()) return error(ErrorKind::invalid, source + ": a file needs a name in the image");
  if (S_ISLNK(info.st_mode)) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink(source.c_str(), target.data(), target.size());
    if (size < 0) return os_error(errno, source);
    return insert({{.kind = TarEntry::Kind::symlink,
                    .path = path,
                    .mode = 0777,
                    .target = std::string(target.data(), static_cast<size_t>(size))},
                   "",
                   false});
  }
  if (!S_ISREG(info.st_mode)) return error(ErrorKind::invalid, source + ": neither a file nor a directory");
  return insert(
      {{.path = path, .mode = normal_mode(info.st_mode), .target = "", .size = static_cast<uint64_t>(info.st_size)},
       source,
       false});
}

}  // namespace wherry::oci
