// SPDX-License-Identifier: Apache-2.0
#include "sandbox/device_filter.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "sandbox/device_program.h"

namespace wherry::sandbox {
namespace {

constexpr uint32_t kMostPrograms = 64;  // that the kernel lets a cgroup have

// The kernel refuses what it does not know behind its own end of the union unless it is zero.
long bpf(bpf_cmd command, bpf_attr attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

Result<UniqueFd> load_program(std::span<const DeviceRule> rules) {
  const std::vector<bpf_insn> program = device_program(rules);
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = reinterpret_cast<uint64_t>(program.data());
  load.insn_cnt = static_cast<uint32_t>(program.size());
  load.license = reinterpret_cast<uint64_t>("Apache-2.0");
  UniqueFd fd(static_cast<int>(bpf(BPF_PROG_LOAD, load)));
  if (!fd) return os_error(errno, "rules of devices (BPF_PROG_LOAD)");
  return fd;
}

// Those that are attached to this cgroup itself.
Result<std::vector<uint32_t>> programs_of(int cgroup) {
  std::vector<uint32_t> ids(kMostPrograms);
  bpf_attr query{};
  query.query.target_fd = static_cast<uint32_t>(cgroup);
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = reinterpret_cast<uint64_t>(ids.data());
  query.query.prog_cnt = kMostPrograms;
  if (::syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof query) != 0) return os_error(errno, "rules of devices (BPF_PROG_QUERY)");
  ids.resize(query.query.prog_cnt);
  return ids;
}

Result<void> detach(int cgroup, uint32_t id) {
  bpf_attr by_id{};
  by_id.prog_id = id;
  const UniqueFd program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, by_id)));
  if (!program && errno == ENOENT) return {};
  bpf_attr detach{};
  detach.target_fd = static_cast<uint32_t>(cgroup);
  detach.attach_bpf_fd = static_cast<uint32_t>(program.get());
  detach.attach_type = BPF_CGROUP_DEVICE;
  if (!program || bpf(BPF_PROG_DETACH, detach) != 0) return os_error(errno, "rules of devices (BPF_PROG_DETACH)");
  return {};
}

bool is_root_of_the_machine() {
  const auto map = read_file("/proc/self/uid_map", 4096);
  return ::geteuid() == 0 && map && map->find("4294967295") != std::string::npos;
}

}  // namespace

Result<void> set_device_filter(const std::string& directory, std::span<const DeviceRule> rules) {
  const UniqueFd cgroup(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) return os_error(errno, directory);
  const auto program = load_program(rules);
  if (!program && program.error().kind == ErrorKind::denied && !is_root_of_the_machine()) return {};
  if (!program) return program.error();
  const std::vector<uint32_t> before = TRY(programs_of(cgroup.get()));
  bpf_attr attach{};
  attach.target_fd = static_cast<uint32_t>(cgroup.get());
  attach.attach_bpf_fd = static_cast<uint32_t>(program->get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;  // those of the cgroups above count as well
  if (bpf(BPF_PROG_ATTACH, attach) != 0) return os_error(errno, directory + ": rules of devices (BPF_PROG_ATTACH)");
  for (const uint32_t id : before) TRY(detach(cgroup.get(), id));
  return {};
}

}  // namespace wherry::sandbox
