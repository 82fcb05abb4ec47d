// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <cerrno>

#include "sandbox/cgroup_files.h"
#include "sandbox/init/steps.h"

namespace wherry::sandbox {

// Lowering needs CAP_SYS_RESOURCE, which some nodes do not have; a container with
// a worse score than asked for is better than none.
Result<void> set_oom_score(InitContext& context) {
  const int score = context.spec.process.oomScoreAdj.value_or(context.message.oom_score_adj);
  auto written = write_control("/proc/self/oom_score_adj", std::to_string(score));
  if (written) return {};
  if (written.error().kind != ErrorKind::denied) return written;
  context.warn("cannot lower oom_score_adj to " + std::to_string(score) + ": CAP_SYS_RESOURCE is missing");
  return {};
}

Result<void> make_room_for_rlimits(const InitContext& context) {
  for (const Rlimit& limit : context.spec.process.rlimits) {
    rlimit now;
    if (::getrlimit(static_cast<__rlimit_resource_t>(limit.resource), &now) != 0) return os_error(errno, limit.type);
    if (limit.hard <= now.rlim_max) continue;
    now.rlim_max = limit.hard;
    if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &now) != 0) return os_error(errno, limit.type + " " + std::to_string(limit.hard));
  }
  return {};
}

Result<void> set_rlimits(InitContext& context) {
  for (const Rlimit& limit : context.spec.process.rlimits) {
    // The engine reserves address space without using it.
    if (limit.resource == RLIMIT_AS && context.message.kind != InitKind::native) {
      context.warn("RLIMIT_AS is not applied: a Wasm memory reserves its whole address range");
      continue;
    }
    const rlimit value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0) {
      return os_error(errno, limit.type + " " + std::to_string(limit.soft) + ":" + std::to_string(limit.hard));
    }
  }
  return {};
}

}  // namespace wherry::sandbox
