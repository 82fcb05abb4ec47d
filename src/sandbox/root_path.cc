// SPDX-License-Identifier: Apache-2.0
#include "sandbox/root_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <vector>

namespace wherry::sandbox {
namespace {

constexpr int kMaxLinks = 40;

// -1 and errno on failure. EAGAIN: something was renamed meanwhile, look again.
int openat2_in(int root, const char* path, int flags, uint64_t more_resolve) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | more_resolve;
  constexpr int kTries = 32;
  long fd = -1;
  for (int i = 0; i < kTries; ++i) {
    fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return static_cast<int>(fd);
}

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin && path.compare(begin, end - begin, ".") != 0) parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string read_link(int directory, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t n = ::readlinkat(directory, name.c_str(), target, sizeof target);
  return n > 0 && static_cast<size_t>(n) < sizeof target ? std::string(target, static_cast<size_t>(n)) : std::string();
}

// Walks down to the parent of the last component. `done` is the path, without
// links or `..`, of what is open; `left` (in reverse) is still to come.
class Walk {
 public:
  Walk(int root, const std::string& path) : root_(root), path_(path) { prepend(path); }

  Result<UniqueFd> directory() {
    while (!left_.empty()) TRY(step());
    return open_done();
  }

  Result<UniqueFd> file() {
    while (left_.size() > 1) TRY(step());
    if (left_.empty()) return error(ErrorKind::invalid, path_ + ": is a directory");
    const UniqueFd parent = TRY(open_done());
    const std::string name = left_.back();
    if (name == "..") return error(ErrorKind::invalid, path_ + ": is a directory");
    const UniqueFd made(::openat(parent.get(), name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644));
    if (made) return open_done(name);
    if (errno != EEXIST) return os_error(errno, path_);
    TRY(follow(parent.get(), name));
    return file();
  }

 private:
  void prepend(const std::string& path) {
    const std::vector<std::string> parts = components(path);
    left_.insert(left_.end(), parts.rbegin(), parts.rend());
  }

  std::string joined() const {
    std::string path;
    for (const std::string& part : done_) path.append("/").append(part);
    return path.empty() ? "/" : path;
  }

  // The links in `done_` were resolved by hand, so none may have appeared since.
  Result<UniqueFd> open_done(const std::string& last = "") {
    const std::string path = last.empty() ? joined() : joined() + "/" + last;
    UniqueFd fd(openat2_in(root_, path.c_str(), last.empty() ? O_PATH | O_DIRECTORY : O_PATH, RESOLVE_NO_SYMLINKS));
    if (!fd) return os_error(errno, path_);
    return fd;
  }

  // Goes one component down, making it if it is missing.
  Result<void> step() {
    const std::string name = left_.back();
    if (name == "..") {
      if (!done_.empty()) done_.pop_back();
      left_.pop_back();
      return {};
    }
    const UniqueFd parent = TRY(open_done());
    if (::mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return os_error(errno, path_);
    struct stat info;
    if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return os_error(errno, path_);
    if (S_ISLNK(info.st_mode)) return follow(parent.get(), name);
    if (!S_ISDIR(info.st_mode)) return os_error(ENOTDIR, path_);
    left_.pop_back();
    done_.push_back(name);
    return {};
  }

  // Replaces the link at the front of `left_` by its target; for the last
  // component of a file an existing file that is no link ends the walk.
  Result<void> follow(int parent, const std::string& name) {
    const std::string target = read_link(parent, name);
    if (target.empty()) return os_error(EINVAL, path_);
    if (++links_ > kMaxLinks) return os_error(ELOOP, path_);
    left_.pop_back();
    if (target.front() == '/') done_.clear();
    prepend(target);
    return {};
  }

  const int root_;
  const std::string path_;
  std::vector<std::string> done_;
  std::vector<std::string> left_;
  int links_ = 0;
};

}  // namespace

Result<UniqueFd> open_in_root(int root, const std::string& path, int flags, uint64_t more_resolve) {
  UniqueFd fd(openat2_in(root, path.c_str(), flags, more_resolve));
  if (!fd) return os_error(errno, path);
  return fd;
}

Result<UniqueFd> make_directory_in_root(int root, const std::string& path) {
  UniqueFd existing(openat2_in(root, path.c_str(), O_PATH | O_DIRECTORY, 0));
  if (existing) return existing;
  if (errno != ENOENT) return os_error(errno, path);
  return Walk(root, path).directory();
}

Result<UniqueFd> make_file_in_root(int root, const std::string& path) {
  UniqueFd existing(openat2_in(root, path.c_str(), O_PATH, 0));
  if (existing) {
    struct stat info;
    if (::fstat(existing.get(), &info) != 0) return os_error(errno, path);
    if (S_ISDIR(info.st_mode)) return os_error(EISDIR, path);
    return existing;
  }
  if (errno != ENOENT) return os_error(errno, path);
  return Walk(root, path).file();
}

}  // namespace wherry::sandbox
