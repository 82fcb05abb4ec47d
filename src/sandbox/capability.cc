// SPDX-License-Identifier: Apache-2.0
#include "sandbox/capability.h"

#include <linux/capability.h>

#include <cstddef>

namespace wherry::sandbox {
namespace {

// By number: the position is the bit.
constexpr std::string_view kNames[] = {
    "CHOWN",          "DAC_OVERRIDE",   "DAC_READ_SEARCH", "FOWNER",           "FSETID",         "KILL",
    "SETGID",         "SETUID",         "SETPCAP",         "LINUX_IMMUTABLE",  "NET_BIND_SERVICE",
    "NET_BROADCAST",  "NET_ADMIN",      "NET_RAW",         "IPC_LOCK",         "IPC_OWNER",      "SYS_MODULE",
    "SYS_RAWIO",      "SYS_CHROOT",     "SYS_PTRACE",      "SYS_PACCT",        "SYS_ADMIN",      "SYS_BOOT",
    "SYS_NICE",       "SYS_RESOURCE",   "SYS_TIME",        "SYS_TTY_CONFIG",   "MKNOD",          "LEASE",
    "AUDIT_WRITE",    "AUDIT_CONTROL",  "SETFCAP",         "MAC_OVERRIDE",     "MAC_ADMIN",      "SYSLOG",
    "WAKE_ALARM",     "BLOCK_SUSPEND",  "AUDIT_READ",      "PERFMON",          "BPF",            "CHECKPOINT_RESTORE",
};
static_assert(kNames[CAP_NET_BIND_SERVICE] == "NET_BIND_SERVICE");
static_assert(kNames[CAP_CHECKPOINT_RESTORE] == "CHECKPOINT_RESTORE");

}  // namespace

std::optional<int> capability_number(std::string_view name) {
  if (!name.starts_with("CAP_")) return std::nullopt;
  name.remove_prefix(4);
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<int>(i);
  }
  return std::nullopt;
}

uint64_t guest_capabilities() {
  return uint64_t{1} << CAP_CHOWN | uint64_t{1} << CAP_DAC_OVERRIDE | uint64_t{1} << CAP_FOWNER |
         uint64_t{1} << CAP_NET_BIND_SERVICE;
}

}  // namespace wherry::sandbox
