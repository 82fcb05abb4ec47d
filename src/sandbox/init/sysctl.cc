// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sandbox/cgroup_files.h"
#include "sandbox/init/steps.h"

namespace wherry::sandbox {
namespace {

struct Allowed {
  std::string_view prefix;
  NamespaceType needs;
  bool whole;  // the name, not only its beginning
};

// Parameters that belong to a namespace. Anything else would change the host.
constexpr Allowed kAllowed[] = {
    {"net.", NamespaceType::network, false},
    {"fs.mqueue.", NamespaceType::ipc, false},
    {"kernel.msgmax", NamespaceType::ipc, true},
    {"kernel.msgmnb", NamespaceType::ipc, true},
    {"kernel.msgmni", NamespaceType::ipc, true},
    {"kernel.sem", NamespaceType::ipc, true},
    {"kernel.shmall", NamespaceType::ipc, true},
    {"kernel.shmmax", NamespaceType::ipc, true},
    {"kernel.shmmni", NamespaceType::ipc, true},
    {"kernel.shm_rmid_forced", NamespaceType::ipc, true},
    {"kernel.domainname", NamespaceType::uts, true},
};

// "net.ipv4.conf.eth0/1.x": dots separate unless a slash does, as sysctl(8) has it.
std::string file_of(std::string name) {
  const size_t dot = name.find('.');
  const size_t slash = name.find('/');
  if (slash != std::string::npos && (dot == std::string::npos || slash < dot)) return name;
  for (char& c : name) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return name;
}

std::string dotted(std::string name) {
  std::string file = file_of(std::move(name));
  for (char& c : file) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return file;
}

Result<void> check(const Linux& spec, const std::string& name) {
  const std::string canonical = dotted(name);
  for (const Allowed& row : kAllowed) {
    if (row.whole ? canonical != row.prefix : !canonical.starts_with(row.prefix)) continue;
    if (spec.find(row.needs)) return {};
    return error(ErrorKind::denied, "sysctl `" + name + "`: the container shares this namespace with the host");
  }
  return error(ErrorKind::denied, "sysctl `" + name + "` is not of a namespace, it would change the host");
}

}  // namespace

Result<void> set_sysctls(const InitContext& context) {
  for (const auto& [name, value] : context.spec.linux_.sysctl) {
    TRY(check(context.spec.linux_, name));
    const std::string file = file_of(name);
    for (const std::string_view part : split_words(file, "/")) {
      if (part == "..") return error(ErrorKind::invalid, "sysctl `" + name + "`: not a name");
    }
    auto written = write_control("/proc/sys/" + file, value);
    if (!written) return error(written.error().kind, "sysctl `" + name + "`: " + written.error().message);
  }
  return {};
}

}  // namespace wherry::sandbox
