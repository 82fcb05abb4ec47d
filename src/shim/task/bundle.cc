// SPDX-License-Identifier: Apache-2.0
#include "shim/task/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>

#include "base/fd.h"
#include "base/process_stat.h"

namespace wherry::shim {
namespace {

constexpr const char* kAddress = "/address";
constexpr const char* kCgroup = "/cgroup";
constexpr const char* kInit = "/init";
constexpr size_t kMaxConfig = 4u << 20;
constexpr size_t kMaxNote = 4096;
constexpr size_t kMaxId = 128;

// Notes are read by a process that comes after ours is gone, so a plain write will do.
Result<void> write_note(const std::string& path, std::string_view content) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return os_error(errno, path);
  return write_all(fd.get(), content, path);
}

std::string read_note(const std::string& path) {
  auto content = read_file(path, kMaxNote);
  return content ? std::move(*content) : std::string();
}

template <class T>
const char* parse(const char* from, const char* to, T& value) {
  while (from < to && *from == ' ') from++;
  const auto done = std::from_chars(from, to, value);
  return done.ec == std::errc() ? done.ptr : nullptr;
}

}  // namespace

Result<std::string> Bundle::config() const { return read_file(path_ + "/config.json", kMaxConfig); }

Result<void> Bundle::write_address(const std::string& address) const { return replace_file(path_ + kAddress, address, 0644); }
std::string Bundle::read_address() const { return read_note(path_ + kAddress); }

Result<void> Bundle::write_cgroup(const std::string& path) const { return write_note(path_ + kCgroup, path); }
std::string Bundle::read_cgroup() const { return read_note(path_ + kCgroup); }

Result<void> Bundle::write_init(int pid) const {
  return write_note(path_ + kInit, std::to_string(pid) + " " + std::to_string(start_time(pid)));
}

std::optional<Bundle::Process> Bundle::read_init() const {
  const std::string note = read_note(path_ + kInit);
  Process process;
  const char* const end = note.data() + note.size();
  const char* at = parse(note.data(), end, process.pid);
  if (at) at = parse(at, end, process.start_time);
  if (!at || process.pid <= 1 || process.start_time == 0) return std::nullopt;
  return process;
}

void Bundle::forget() const {
  for (const char* name : {kCgroup, kInit}) ::unlink((path_ + name).c_str());
}

Result<void> check_id(std::string_view id, std::string_view what) {
  if (id.empty() || id.size() > kMaxId) {
    return error(ErrorKind::invalid, std::string(what) + " of " + std::to_string(id.size()) + " bytes, expected 1 to " + std::to_string(kMaxId));
  }
  if (id == "." || id == ".." || id.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos) {
    return error(ErrorKind::invalid, std::string(what) + " may not be a path");
  }
  return {};
}

}  // namespace wherry::shim
