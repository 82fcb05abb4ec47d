// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::sandbox {

// The memory files of ours that another process maps (a SharedLimit, a GuestStats),
// which is how they are found when nobody else holds them any more. For root.
class MappedFiles {
 public:
  // As of now. The caller sees to it that the number is that process's.
  static Result<MappedFiles> of(int pid);

  // not_found if there is none of that name. The process may have been taken over: only
  // a file that can neither shrink nor grow, so one in memory, is taken for ours.
  Result<UniqueFd> open(std::string_view name, int flags) const;

 private:
  MappedFiles(std::string process, std::string maps) : process_(std::move(process)), maps_(std::move(maps)) {}

  std::string process_;  // /proc/PID
  std::string maps_;
};

}  // namespace wherry::sandbox
