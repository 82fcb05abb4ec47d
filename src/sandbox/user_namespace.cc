// SPDX-License-Identifier: Apache-2.0
#include "sandbox/user_namespace.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "sandbox/cgroup_files.h"

namespace wherry::sandbox {
namespace {

constexpr size_t kMaxMappings = 340;       // the kernel's
constexpr uint64_t kNoId = UINT32_MAX;  // (uid_t)-1 is nobody's

// Whether two ranges of those that begin at `first` share a number.
bool overlap(const std::vector<IdMapping>& mappings, uint32_t IdMapping::* first) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const IdMapping& mapping : mappings) ranges.emplace_back(mapping.*first, uint64_t{mapping.*first} + mapping.size);
  std::ranges::sort(ranges);
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) return true;
  }
  return false;
}

Result<void> check(const char* what, const std::vector<IdMapping>& mappings) {
  const auto fail = [&](const std::string& why) { return error(ErrorKind::invalid, std::string(what) + ": " + why); };
  if (mappings.empty()) return fail("a user namespace needs some");
  if (mappings.size() > kMaxMappings) return fail(std::to_string(mappings.size()) + " ranges, the kernel's limit is " + std::to_string(kMaxMappings));
  for (const IdMapping& mapping : mappings) {
    if (mapping.size == 0) return fail("a range of size 0");
    if (uint64_t{mapping.containerID} + mapping.size > kNoId || uint64_t{mapping.hostID} + mapping.size > kNoId) return fail("a range ends past 4294967294");
  }
  if (overlap(mappings, &IdMapping::containerID) || overlap(mappings, &IdMapping::hostID)) return fail("two ranges overlap");
  return {};
}

std::string map_text(const std::vector<IdMapping>& mappings) {
  std::string text;
  for (const IdMapping& mapping : mappings) {
    text += std::to_string(mapping.containerID) + ' ' + std::to_string(mapping.hostID) + ' ' + std::to_string(mapping.size) + '\n';
  }
  return text;
}

Result<uint32_t> parse_id(std::string_view text) {
  uint32_t id = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failure != std::errc() || end != text.data() + text.size()) return error(ErrorKind::invalid, "`" + std::string(text) + "` is no id");
  return id;
}

Result<std::vector<IdMapping>> parse(std::string_view text, std::string_view between_ranges, std::string_view between_ids) {
  std::vector<IdMapping> mappings;
  for (const std::string_view range : split_words(text, between_ranges)) {
    const auto ids = split_words(range, between_ids);
    if (ids.size() != 3 || mappings.size() == kMaxMappings) return error(ErrorKind::invalid, "`" + std::string(range) + "` is no mapping of ids");
    IdMapping& mapping = mappings.emplace_back();
    mapping.containerID = TRY(parse_id(ids[0]));
    mapping.hostID = TRY(parse_id(ids[1]));
    mapping.size = TRY(parse_id(ids[2]));
  }
  return mappings;
}

// A process that does nothing, in a user namespace of its own, until this object
// or this process is gone.
class Holder {
 public:
  static Result<Holder> create() {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return os_error(errno, "pipe");
    const UniqueFd reader(pipe[0]);
    Holder holder;
    holder.writer_.reset(pipe[1]);
    int pidfd = -1;
    clone_args args{};
    // A copy, since other threads may hold locks: nothing but system calls is left
    // to it. No signal tells of its end, so nobody else's wait finds it.
    args.flags = CLONE_NEWUSER | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
      ::syscall(SYS_close, pipe[1]);
      char byte;
      while (::syscall(SYS_read, pipe[0], &byte, 1) < 0 && errno == EINTR) {
      }
      ::syscall(SYS_exit_group, 0);
    }
    if (pid < 0) return os_error(errno, "cannot make a user namespace");
    holder.pidfd_.reset(pidfd);
    return holder;
  }
  Holder(Holder&&) = default;
  ~Holder() {
    if (!pidfd_) return;
    writer_.reset();
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    siginfo_t info;
    while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED | __WALL) != 0 && errno == EINTR) {
    }
  }

  // Its directory in the procfs at /proc, which may be of another pid namespace
  // than this process: that one's number of it is what the pidfd tells there.
  Result<std::string> directory() const {
    const std::string info = TRY(read_control("/proc/self/fdinfo/" + std::to_string(pidfd_.get())));
    for (const std::string_view line : split_words(info, "\n")) {
      const auto words = split_words(line);
      if (words.size() == 2 && words[0] == "Pid:" && words[1] != "0" && words[1] != "-1") return "/proc/" + std::string(words[1]);
    }
    return error(ErrorKind::unavailable, "/proc is not of a pid namespace that has this process");
  }

 private:
  Holder() = default;
  UniqueFd writer_, pidfd_;
};

}  // namespace

Result<void> check_id_maps(const IdMaps& maps) {
  TRY(check("uidMappings", maps.uids));
  return check("gidMappings", maps.gids);
}

Result<std::vector<IdMapping>> parse_id_mappings(std::string_view text) { return parse(text, ",", ":"); }

std::optional<uint32_t> host_id(const std::vector<IdMapping>& mappings, uint32_t id) {
  for (const IdMapping& mapping : mappings) {
    if (id >= mapping.containerID && id - mapping.containerID < mapping.size) return mapping.hostID + (id - mapping.containerID);
  }
  return std::nullopt;
}

Result<UniqueFd> make_user_namespace(const IdMaps& maps) {
  TRY(check_id_maps(maps));
  const Holder holder = TRY(Holder::create());
  const std::string directory = TRY(holder.directory());
  TRY(write_control(directory + "/uid_map", map_text(maps.uids)));
  TRY(write_control(directory + "/gid_map", map_text(maps.gids)));
  UniqueFd made(::open((directory + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (!made) return os_error(errno, "user namespace");
  return made;
}

Result<IdMaps> own_id_maps() {
  IdMaps maps;
  const std::string uids = TRY(read_control("/proc/self/uid_map"));
  const std::string gids = TRY(read_control("/proc/self/gid_map"));
  maps.uids = TRY(parse(uids, "\n", " "));
  maps.gids = TRY(parse(gids, "\n", " "));
  return maps;
}

}  // namespace wherry::sandbox
