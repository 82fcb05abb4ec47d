// SPDX-License-Identifier: Apache-2.0
#include "core/host.h"

#include <fcntl.h>
#include <unistd.h>
#include <wasi/api.h>
#include <wasi/libc-find-relpath.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/io.h"

#define HOST(function) __attribute__((import_module("wherry_toolbox"), import_name(#function)))

extern "C" {
struct HostOwner {
  uint32_t mode, uid, gid;
};
uint32_t host_path_owner_get(int fd, uint32_t flags, const char* path, size_t size, HostOwner* owner) HOST(path_owner_get);
uint32_t host_path_create_file(int fd, const char* path, size_t size, uint32_t mode, int* opened) HOST(path_create_file);
uint32_t host_path_create_directory(int fd, const char* path, size_t size, uint32_t mode) HOST(path_create_directory);
uint32_t host_path_space_get(int fd, const char* path, size_t size, toolbox::Space* space) HOST(path_space_get);
}

namespace toolbox {
namespace {

constexpr uint32_t kFollow = 1;

// A path as host functions take it: below a directory that is open.
class Reached {
 public:
  explicit Reached(const std::string& path) { fd_ = ::__wasilibc_find_relpath_alloc(path.c_str(), &prefix_, &relative_, &room_, 1); }
  ~Reached() { ::free(relative_); }
  Reached(const Reached&) = delete;
  Reached& operator=(const Reached&) = delete;

  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  const char* path() const { return relative_; }
  size_t size() const { return std::strlen(relative_); }

 private:
  int fd_;
  const char* prefix_ = nullptr;
  char* relative_ = nullptr;
  size_t room_ = 0;
};

// The libc's errno has WASI's numbers.
bool succeeded(uint32_t code) {
  if (code != 0) errno = static_cast<int>(code);
  return code == 0;
}

}  // namespace

void enter_working_directory() {
  const char* const directory = ::getenv("PWD");
  if (directory == nullptr || ::chdir(directory) != 0) (void)::chdir("/");
}

void ask_owner(const std::string& path, Follow follow, FileInfo& info) {
  const Reached place(path);
  HostOwner owner;
  if (!place.ok() || !succeeded(host_path_owner_get(place.fd(), follow == Follow::yes ? kFollow : 0, place.path(), place.size(), &owner))) return;
  info.mode = (info.mode & S_IFMT) | owner.mode;
  info.uid = owner.uid;
  info.gid = owner.gid;
  info.knows_owner = true;
}

int create_file(const std::string& path, uint32_t permissions) {
  const Reached place(path);
  int fd = -1;
  if (!place.ok() || !succeeded(host_path_create_file(place.fd(), place.path(), place.size(), permissions & 0777, &fd))) return -1;
  return fd;
}

bool create_directory(const std::string& path, uint32_t permissions) {
  const Reached place(path);
  return place.ok() && succeeded(host_path_create_directory(place.fd(), place.path(), place.size(), permissions & 0777));
}

bool set_times_to_now(const std::string& path, Follow follow) {
  const Reached place(path);
  return place.ok() && succeeded(__wasi_path_filestat_set_times(place.fd(), follow == Follow::yes ? __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW : 0, place.path(), 0, 0,
                                                                __WASI_FSTFLAGS_ATIM_NOW | __WASI_FSTFLAGS_MTIM_NOW));
}

bool ask_space(const std::string& path, Space& space) {
  const Reached place(path);
  return place.ok() && succeeded(host_path_space_get(place.fd(), place.path(), place.size(), &space));
}

std::string process_file(const std::string& path) {
  const int fd = ::open(("/proc/" + path).c_str(), O_RDONLY);
  if (fd < 0) return {};
  Input file(fd, true);
  return file.rest();
}

}  // namespace toolbox
