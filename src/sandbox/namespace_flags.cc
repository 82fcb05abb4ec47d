// SPDX-License-Identifier: Apache-2.0
#include "sandbox/namespace_flags.h"

#include <linux/sched.h>

namespace wherry::sandbox {

int clone_flag(NamespaceType type) {
  switch (type) {
    case NamespaceType::pid:
      return CLONE_NEWPID;
    case NamespaceType::network:
      return CLONE_NEWNET;
    case NamespaceType::mount:
      return CLONE_NEWNS;
    case NamespaceType::ipc:
      return CLONE_NEWIPC;
    case NamespaceType::uts:
      return CLONE_NEWUTS;
    case NamespaceType::user:
      return CLONE_NEWUSER;
    case NamespaceType::cgroup:
      return CLONE_NEWCGROUP;
    case NamespaceType::time:
      return CLONE_NEWTIME;
  }
  return 0;
}

uint64_t clone_flags(const Linux& spec) {
  uint64_t flags = 0;
  for (const Namespace& entry : spec.namespaces) {
    if (entry.path.empty() && entry.type != NamespaceType::cgroup) flags |= static_cast<uint64_t>(clone_flag(entry.type));
  }
  return flags;
}

}  // namespace wherry::sandbox
