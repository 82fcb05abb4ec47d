// SPDX-License-Identifier: Apache-2.0
#include "shim/address.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "shim/cri_annotations.h"
#include "shim/task/bundle.h"
#include "shim/ttrpc/socket.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kScheme = "unix://";
constexpr const char* kGroupAnnotations[] = {"io.containerd.runc.v2.group", cri::kSandboxId};

// Go's filepath.Join: empty parts are left out and the result is made canonical.
std::string join(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    if (!joined.empty()) joined += '/';
    joined += part;
  }
  return std::filesystem::path(joined).lexically_normal().string();
}

Result<void> make_socket_directory(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return os_error(errno, directory);
  }
  return {};
}

// Nothing tells a stale socket from one that its owner is about to replace, so
// whoever unlinks holds this.
Result<UniqueFd> lock_directory_of(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/'));
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return os_error(errno, directory);
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return os_error(errno, directory);
  }
  return fd;
}

}  // namespace

std::string socket_path(std::string_view root, std::string_view containerd_address, std::string_view ns, std::string_view group) {
  return std::string(root) + "/" + to_hex(sha256(join({containerd_address, ns, group})));
}

std::string_view path_of_address(std::string_view address) {
  if (address.substr(0, kScheme.size()) == kScheme) address.remove_prefix(kScheme.size());
  return address;
}

std::string group_of_bundle(const std::string& bundle, std::string_view id) {
  const auto text = Bundle(bundle).config();
  const auto config = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
  if (!config.is_object()) return std::string(id);
  const auto annotations = config.find("annotations");
  if (annotations == config.end() || !annotations->is_object()) return std::string(id);
  for (const char* name : kGroupAnnotations) {
    const auto value = annotations->find(name);
    if (value != annotations->end() && value->is_string() && !value->get_ref<const std::string&>().empty()) return value->get<std::string>();
  }
  return std::string(id);
}

Result<Bound> bind_or_find(const std::string& path) {
  TRY(make_socket_directory(path));
  const UniqueFd lock = TRY(lock_directory_of(path));
  auto listener = listen_unix(path);
  if (!listener && listener.error().kind == ErrorKind::already_exists) {
    if (!nobody_listens(path)) return Bound{};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return os_error(errno, path);
    listener = listen_unix(path);
  }
  Bound bound{TRY(std::move(listener))};
  if (::chmod(path.c_str(), 0600) != 0) return os_error(errno, path);
  return bound;
}

bool is_served(const std::string& path) { return ::access(path.c_str(), F_OK) == 0 && !nobody_listens(path); }

void remove_stale_socket(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  const auto lock = lock_directory_of(path);
  if (lock && nobody_listens(path)) ::unlink(path.c_str());
}

}  // namespace wherry::shim
