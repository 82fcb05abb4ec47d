// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace wherry::shim {

// google.rpc.Code: what an answer that is not OK carries.
enum class Status : int {
  ok = 0,
  canceled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
};

Status status_of(ErrorKind kind);

}  // namespace wherry::shim
