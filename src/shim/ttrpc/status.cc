// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/status.h"

namespace wherry::shim {

Status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::malformed:
    case ErrorKind::invalid:
    case ErrorKind::unlinkable:
      return Status::invalid_argument;
    case ErrorKind::unsupported:
      return Status::unimplemented;
    case ErrorKind::not_found:
      return Status::not_found;
    case ErrorKind::already_exists:
      return Status::already_exists;
    case ErrorKind::denied:
      return Status::permission_denied;
    case ErrorKind::unavailable:
      return Status::unavailable;
    case ErrorKind::exhausted:
      return Status::resource_exhausted;
    case ErrorKind::failed_precondition:
      return Status::failed_precondition;
    case ErrorKind::io:
      break;
  }
  return Status::unknown;
}

}  // namespace wherry::shim
