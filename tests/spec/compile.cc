// SPDX-License-Identifier: Apache-2.0
#include "compile.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "abi/cpu.h"
#include "baseline/compile_job.h"
#include "decode/decode.h"
#include "validate/validate.h"
#include "wasm/features.h"

namespace wherry::spec {
namespace {

std::span<const uint8_t> bytes_of(const std::string& binary) {
  return {reinterpret_cast<const uint8_t*>(binary.data()), binary.size()};
}

}  // namespace

Result<void> check(const std::string& binary) {
  const wasm::Module module = TRY(decode::decode(bytes_of(binary)));
  return validate::validate(module);
}

Result<std::unique_ptr<runtime::Artifact>> compile(const std::string& binary, bool explicit_checks) {
  UniqueFd file(memfd_create("artifact", MFD_CLOEXEC));
  if (!file) return os_error(errno, "artifact");
  abi::CompileRequest request;
  request.flags = explicit_checks ? uint32_t{abi::kExplicitBoundsChecks} : 0;
  request.features = wasm::FeatureSet::defaults().bits();
  // WHERRY_TEST_CPU=floor: without AVX, BMI and the like; WHERRY_TEST_DIRTY: upper halves of i32 are filled.
  const char* const cpu = getenv("WHERRY_TEST_CPU");
  request.cpu_features = cpu && std::string_view(cpu) == "floor" ? 0 : abi::host_cpu_features();
  if (getenv("WHERRY_TEST_DIRTY")) request.flags |= abi::kDirtyUpperBits;
  TRY(baseline::compile_job(bytes_of(binary), request, file.get()));
  return runtime::Artifact::map(std::move(file));
}

}  // namespace wherry::spec
