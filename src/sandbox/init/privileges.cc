// SPDX-License-Identifier: Apache-2.0
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/init/steps.h"

namespace wherry::sandbox {
namespace {

// Of what the specification grants, what a guest may keep. A user other than root
// keeps only ambient ones, as after any exec.
uint64_t kept_capabilities(const Process& process) {
  if (!process.capabilities) return 0;
  const Capabilities& sets = *process.capabilities;
  const uint64_t granted = process.user.uid == 0 ? sets.permitted & sets.effective : sets.ambient & sets.permitted;
  return granted & sets.bounding & guest_capabilities();
}

Result<void> drop_bounding(uint64_t keep) {
  constexpr int kBits = 64;
  for (int number = 0; number < kBits; ++number) {
    if (keep >> number & 1 || ::prctl(PR_CAPBSET_DROP, number) == 0) continue;
    if (errno == EINVAL) return {};  // past the last that the kernel knows
    return os_error(errno, "cannot drop a capability");
  }
  return {};
}

Result<void> set_capabilities(const Capabilities& sets) {
  constexpr int kBits = 64;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  for (int i = 0; i < 2; ++i) {
    data[i].effective = static_cast<uint32_t>(sets.effective >> (32 * i));
    data[i].permitted = static_cast<uint32_t>(sets.permitted >> (32 * i));
    data[i].inheritable = static_cast<uint32_t>(sets.inheritable >> (32 * i));
  }
  if (::syscall(SYS_capset, &header, data) != 0) return os_error(errno, "capset");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return os_error(errno, "ambient capabilities");
  for (int number = 0; number < kBits; ++number) {
    if (!(sets.ambient >> number & 1)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return os_error(errno, "ambient capabilities");
  }
  return {};
}

Error id_error(const char* what, uint32_t id) {
  if (errno == EINVAL) return error(ErrorKind::invalid, std::string(what) + ' ' + std::to_string(id) + " is not mapped in the user namespace");
  return os_error(errno, std::string("cannot become ") + what + ' ' + std::to_string(id));
}

// The raw calls: one thread, so there is nobody for glibc to tell.
Result<void> set_user(const User& user) {
  const std::vector<gid_t> groups(user.additionalGids.begin(), user.additionalGids.end());
  if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) return os_error(errno, "setgroups");
  if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) return id_error("group", user.gid);
  if (::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) return id_error("user", user.uid);
  return {};
}

// Sets beyond what this process has are cut to it, as runc's are.
Capabilities granted_capabilities(const Process& process) {
  if (!process.capabilities) return {};
  Capabilities sets = *process.capabilities;
  sets.effective &= sets.permitted;
  sets.ambient &= sets.permitted & sets.inheritable;
  return sets;
}

Result<void> become(const Process& process, const Capabilities& sets, bool no_new_privileges) {
  TRY(drop_bounding(sets.bounding));
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0) return os_error(errno, "PR_SET_KEEPCAPS");
  TRY(set_user(process.user));
  TRY(set_capabilities(sets));
  if (::prctl(PR_SET_KEEPCAPS, 0) != 0) return os_error(errno, "PR_SET_KEEPCAPS");
  if (no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return os_error(errno, "no_new_privs");
  // Not to be traced or read by another process of the same user in the pod.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return os_error(errno, "PR_SET_DUMPABLE");
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return os_error(errno, "PR_SET_PDEATHSIG");
  ::umask(process.user.umask.value_or(022));
  return {};
}

}  // namespace

Result<void> drop_privileges(const InitContext& context) {
  const uint64_t keep = kept_capabilities(context.spec.process);
  return become(context.spec.process, {.bounding = keep, .effective = keep, .permitted = keep}, true);
}

Result<void> take_privileges(const InitContext& context) {
  const Process& process = context.spec.process;
  return become(process, granted_capabilities(process), process.noNewPrivileges);
}

}  // namespace wherry::sandbox
