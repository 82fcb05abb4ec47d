// SPDX-License-Identifier: Apache-2.0
#include "shim/modules.h"

namespace wherry::shim {

std::function<Result<Module>(const sandbox::Entrypoint&)> module_source(const Log&) {
  return [](const sandbox::Entrypoint& entrypoint) -> Result<Module> {
    return error(ErrorKind::unsupported, entrypoint.path + ": no engine in this build");
  };
}

}  // namespace wherry::shim
