// SPDX-License-Identifier: Apache-2.0
#include "shim/image/architecture.h"

#include <sys/utsname.h>

#include <string_view>

namespace wherry::shim {

std::string architecture() {
  utsname name{};
  ::uname(&name);
  const std::string_view machine = name.machine;
  if (machine == "x86_64") return "amd64";
  return machine == "aarch64" ? "arm64" : std::string(machine);
}

}  // namespace wherry::shim
