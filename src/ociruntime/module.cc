// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/module.h"

#include <stdlib.h>

#include "sandbox/cgroup.h"
#include "shim/modules.h"

namespace wherry::ociruntime {

Result<shim::Module> prepare_module(const std::string& container, const sandbox::Entrypoint& program, wasm::FeatureSet features) {
  const shim::Log log(UniqueFd(), shim::Level::error, "", container);
  const sandbox::CgroupHost host = TRY(sandbox::CgroupHost::detect());
  const char* const cache = ::getenv("WHERRY_CACHE");
  return shim::Modules(host, log, {cache ? cache : "", "", ""}).prepare(program, features);
}

}  // namespace wherry::ociruntime
