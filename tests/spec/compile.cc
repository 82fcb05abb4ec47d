// SPDX-License-Identifier: Apache-2.0
#include "compile.h"

#include <sys/mman.h>

#include <cerrno>

#include "decode/decode.h"
#include "validate/validate.h"

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

Result<std::unique_ptr<runtime::Artifact>> compile(const std::string& binary, bool) {
  TRY(check(binary));
  return error(ErrorKind::unavailable, "no compiler");
}

}  // namespace wherry::spec
