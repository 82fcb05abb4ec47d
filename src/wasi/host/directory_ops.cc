// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/directory_ops.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "wasi/host/path.h"
#include "wasi/host/utf8.h"

namespace wherry::wasi {
namespace {

Io<void> done(int result) {
  if (result != 0) return last_errno();
  return {};
}

Io<Place> locate_to_change(const Descriptor& directory, const std::string& path) {
  if (directory.read_only) return denied_read_only(directory);
  return locate(directory, path);
}

}  // namespace

Io<void> create_directory(const Descriptor& directory, const std::string& path, mode_t mode) {
  const Place place = TRY(locate_to_change(directory, path));
  return done(::mkdirat(place.parent, place.name, mode));
}

Io<void> remove_directory(const Descriptor& directory, const std::string& path) {
  const Place place = TRY(locate_to_change(directory, path));
  return done(::unlinkat(place.parent, place.name, AT_REMOVEDIR));
}

Io<void> unlink_file(const Descriptor& directory, const std::string& path) {
  const Place place = TRY(locate_to_change(directory, path));
  return done(::unlinkat(place.parent, place.name, 0));
}

Io<void> rename(const Descriptor& from, const std::string& old_path, const Descriptor& to, const std::string& new_path) {
  const Place source = TRY(locate_to_change(from, old_path));
  const Place target = TRY(locate_to_change(to, new_path));
  return done(::renameat(source.parent, source.name, target.parent, target.name));
}

Io<void> link(const Descriptor& from, const std::string& old_path, const Descriptor& to, const std::string& new_path) {
  const Place source = TRY(locate_to_change(from, old_path));
  const Place target = TRY(locate_to_change(to, new_path));
  // linkat would follow a link before a trailing slash, out of the directory.
  // Nothing that a trailing slash allows can be linked.
  if (source.trailing_slash()) {
    struct stat info;
    const std::string name(source.name, std::strcspn(source.name, "/"));
    if (::fstatat(source.parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return last_errno();
    return S_ISDIR(info.st_mode) ? Errno::perm : Errno::notdir;
  }
  return done(::linkat(source.parent, source.name, target.parent, target.name, 0));
}

Io<void> symlink(std::span<const uint8_t> target, const Descriptor& directory, const std::string& path) {
  if (target.empty()) return Errno::noent;
  if (target.size() >= PATH_MAX) return Errno::nametoolong;
  if (std::memchr(target.data(), 0, target.size()) != nullptr) return Errno::inval;
  if (!is_utf8(target)) return Errno::ilseq;
  if (target[0] == '/' && directory.scope == Descriptor::Scope::beneath) return Errno::perm;
  const Place place = TRY(locate_to_change(directory, path));
  const std::string text(reinterpret_cast<const char*>(target.data()), target.size());
  return done(::symlinkat(text.c_str(), place.parent, place.name));
}

Io<size_t> read_link(const Descriptor& directory, const std::string& path, std::span<uint8_t> buffer) {
  const Place place = TRY(locate(directory, path));
  if (place.trailing_slash()) {
    TRY(open_within(directory, path.c_str(), O_PATH));
    return Errno::inval;
  }
  char one;
  char* const out = buffer.empty() ? &one : reinterpret_cast<char*>(buffer.data());
  const ssize_t n = ::readlinkat(place.parent, place.name, out, buffer.empty() ? 1 : buffer.size());
  if (n < 0) return last_errno();
  return buffer.empty() ? 0 : static_cast<size_t>(n);
}

}  // namespace wherry::wasi
