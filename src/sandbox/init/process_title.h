// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace wherry::sandbox {

// The command line of this process as others see it (/proc/PID/cmdline, ps): it was
// executed as `init ID`, and is to be called what the container's specification
// calls its program. Written over the words of main(), of which the last is room for it.
class ProcessTitle {
 public:
  // The words of main(), which the kernel has laid one behind the other.
  ProcessTitle(int argc, char** argv);

  // Cut to the room. Without CAP_SYS_RESOURCE zeros follow it up to the old end.
  void set(const std::vector<std::string>& args);

 private:
  std::span<char> area_;
};

}  // namespace wherry::sandbox
