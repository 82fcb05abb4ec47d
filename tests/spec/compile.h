// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "runtime/artifact.h"

namespace wherry::spec {

// Decodes and validates; the error's kind and message are what the suite's
// assert_malformed and assert_invalid are about.
Result<void> check(const std::string& binary);

// All the way to a mapped artifact, in this process: the suite's 2,500 modules
// would take long in one of their own each.
Result<std::unique_ptr<runtime::Artifact>> compile(const std::string& binary, bool explicit_checks);

}  // namespace wherry::spec
