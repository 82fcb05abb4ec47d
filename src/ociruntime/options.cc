// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/options.h"

namespace wherry::ociruntime {

Result<void> check_preserved(const CommandOptions& options) {
  const std::string& number = options.preserve_fds;
  if (number.find_first_not_of('0') == number.npos) return {};
  return error(ErrorKind::unsupported, "--preserve-fds " + number + ": a Wasm container gets no descriptors but the standard streams");
}

}  // namespace wherry::ociruntime
