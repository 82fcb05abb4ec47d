// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/process_files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "wasi/host/host.h"
#include "wasi/host/open.h"

namespace wherry::wasi {
namespace {

constexpr std::string_view kOfTheMachine[] = {
    "cpuinfo",   "filesystems", "loadavg",  "meminfo",  "mounts",       "net/arp",   "net/dev",    "net/if_inet6", "net/ipv6_route",
    "net/route", "net/snmp",    "net/tcp",  "net/tcp6", "net/udp",      "net/udp6",  "net/unix",   "stat",         "swaps",
    "sys/kernel/domainname",    "sys/kernel/hostname",  "sys/kernel/osrelease",      "sys/kernel/ostype",          "sys/kernel/pid_max",
    "sys/kernel/version",       "uptime",   "version",
};
constexpr std::string_view kOfAProcess[] = {
    "cgroup", "cmdline", "comm", "limits", "mountinfo", "mounts", "oom_score", "oom_score_adj", "stat", "statm", "status",
};

template <size_t kSize>
bool is_in(const std::string_view (&list)[kSize], std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

}  // namespace

bool is_process_file(std::string_view path) {
  if (is_in(kOfTheMachine, path)) return true;
  const size_t slash = path.find('/');
  if (slash == path.npos || slash == 0) return false;
  const std::string_view process = path.substr(0, slash);
  const bool named = process == "self" || process.find_first_not_of("0123456789") == process.npos;
  return named && is_in(kOfAProcess, path.substr(slash + 1));
}

Io<Descriptor> process_directory() {
  Descriptor result;
  result.fd.reset(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct statfs info;
  if (!result.fd || ::fstatfs(result.fd.get(), &info) != 0) return last_errno();
  if (info.f_type != PROC_SUPER_MAGIC) return Errno::noent;
  result.kind = Descriptor::Kind::directory;
  result.filetype = Filetype::directory;
  result.base = result.inheriting = rights_of(Filetype::directory, true, false);
  result.scope = Descriptor::Scope::processes;
  result.read_only = true;
  result.preopened = std::make_unique<std::string>("/proc");
  return result;
}

}  // namespace wherry::wasi
