// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/process_stat.h"
#include "sandbox/launch_message.h"
#include "shim/task/bundle.h"

namespace wherry::ociruntime {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxState = 1 << 20;
constexpr size_t kMaxConfig = 4 << 20;

Result<UniqueFd> lock_directory(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return os_error(errno, path);
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return os_error(errno, path);
  }
  return fd;
}

Result<void> make_directories(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0711) != 0 && errno != EEXIST) return os_error(errno, "cannot make " + part);
    if (slash == std::string::npos) return {};
  }
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return error(ErrorKind::invalid, path + ": too long for a socket; choose a shorter --root");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

std::string text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

uint64_t number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

}  // namespace

Result<std::unique_ptr<Entry>> Entry::create(const std::string& root, const std::string& id) {
  TRY(shim::check_id(id));
  TRY(make_directories(root));
  const std::string path = root + "/" + id;
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return error(ErrorKind::already_exists, "container with id exists: " + id);
    return os_error(errno, path);
  }
  auto lock = lock_directory(path);
  if (!lock) return lock.error();
  return std::unique_ptr<Entry>(new Entry(path, std::move(*lock)));
}

Result<std::unique_ptr<Entry>> Entry::open(const std::string& root, const std::string& id) {
  TRY(shim::check_id(id));
  const std::string path = root + "/" + id;
  auto lock = lock_directory(path);
  if (!lock) {
    if (lock.error().kind == ErrorKind::not_found) return error(ErrorKind::not_found, "container " + id + " does not exist");
    return lock.error();
  }
  std::unique_ptr<Entry> entry(new Entry(path, std::move(*lock)));
  entry->record_.id = id;
  TRY(entry->read());
  return entry;
}

// An entry without a state is what a `create` left that was killed: there is
// nothing but a directory, and delete --force takes that away.
Result<void> Entry::read() {
  const auto bytes = read_file(path_ + "/state.json", kMaxState);
  if (!bytes && bytes.error().kind == ErrorKind::not_found) return {};
  if (!bytes) return bytes.error();
  const Json json = Json::parse(*bytes, nullptr, false);
  if (!json.is_object()) return error(ErrorKind::malformed, path_ + "/state.json: expected an object");
  record_.bundle = text(json, "bundle");
  record_.rootfs = text(json, "rootfs");
  record_.cgroup = text(json, "cgroup");
  record_.created = text(json, "created");
  record_.settings = text(json, "settings");
  record_.pid = static_cast<int>(number(json, "pid"));
  record_.start_time = number(json, "start_time");
  return {};
}

Result<void> Entry::write(const Record& record) {
  const Json json{{"id", record.id},           {"bundle", record.bundle}, {"rootfs", record.rootfs},        {"cgroup", record.cgroup},
                  {"pid", static_cast<unsigned>(record.pid)}, {"start_time", record.start_time}, {"created", record.created},
                  {"settings", record.settings}};
  TRY(replace_file(path_ + "/state.json", json_text(json, 2) + "\n", 0600));
  record_ = record;
  return {};
}

Result<void> Entry::write_config(std::string_view json) const { return replace_file(path_ + "/config.json", json, 0600); }
Result<std::string> Entry::config() const { return read_file(path_ + "/config.json", kMaxConfig); }

Result<UniqueFd> Entry::bind_start_socket() const {
  const sockaddr_un address = TRY(address_of(start_socket()));
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return os_error(errno, "socket");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return os_error(errno, start_socket());
  return fd;
}

bool Entry::is_started() const { return ::access(start_socket().c_str(), F_OK) != 0; }

Result<void> Entry::start() const {
  const sockaddr_un address = TRY(address_of(start_socket()));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return os_error(errno, "socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT) return error(ErrorKind::failed_precondition, "cannot start a container that has started");
    if (errno == ECONNREFUSED) return error(ErrorKind::failed_precondition, "cannot start a container that has stopped");
    return os_error(errno, start_socket());
  }
  TRY(sandbox::say(fd.get(), sandbox::Say::start));
  ::unlink(start_socket().c_str());
  return {};
}

Result<void> Entry::remove() {
  // A command that was killed may have left a new state beside the old one.
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path_.c_str()), ::closedir);
  while (const dirent* const one = directory ? ::readdir(directory.get()) : nullptr) {
    if (one->d_type != DT_DIR) ::unlink((path_ + "/" + one->d_name).c_str());
  }
  if (::rmdir(path_.c_str()) != 0 && errno != ENOENT) return os_error(errno, "cannot remove " + path_);
  return {};
}

std::vector<std::string> ids(const std::string& root) {
  std::vector<std::string> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(root.c_str()), ::closedir);
  if (!directory) return found;
  while (const dirent* const one = ::readdir(directory.get())) {
    if (one->d_type == DT_DIR && shim::check_id(one->d_name)) found.emplace_back(one->d_name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

const char* name_of(Status status) {
  switch (status) {
    case Status::created:
      return "created";
    case Status::running:
      return "running";
    case Status::paused:
      return "paused";
    case Status::stopped:
      break;
  }
  return "stopped";
}

std::optional<UniqueFd> process_of(const Record& record) {
  if (record.pid <= 0) return std::nullopt;
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, record.pid, 0)));
  // The number is only meaningful while the process that we know is there.
  if (!pidfd || start_time(record.pid) != record.start_time) return std::nullopt;
  return pidfd;
}

Result<std::unique_ptr<sandbox::Cgroup>> cgroup_of(const Record& record) {
  return sandbox::Cgroup::open(TRY(sandbox::CgroupHost::detect()), record.cgroup);
}

Status status_of(const Entry& entry) {
  const auto process = process_of(entry.record());
  if (!process) return Status::stopped;
  pollfd poll{process->get(), POLLIN, 0};
  if (::poll(&poll, 1, 0) > 0) return Status::stopped;  // dead, and nobody has reaped it
  if (!entry.is_started()) return Status::created;
  const auto cgroup = cgroup_of(entry.record());
  return cgroup && (*cgroup)->is_frozen() ? Status::paused : Status::running;
}

Result<void> write_pid_file(const std::string& path, int pid) {
  return path.empty() ? Result<void>() : replace_file(path, std::to_string(pid), 0644);
}

}  // namespace wherry::ociruntime
