// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace wherry {

std::string Error::to_string() const {
  if (offset == kNoOffset) return message;
  char prefix[32];
  std::snprintf(prefix, sizeof prefix, "0x%" PRIx64 ": ", offset);
  return prefix + message;
}

namespace {
ErrorKind kind_of_errno(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
      return ErrorKind::not_found;
    case EEXIST:
    case EADDRINUSE:
      return ErrorKind::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::denied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ErrorKind::exhausted;
    default:
      return ErrorKind::io;
  }
}
}  // namespace

Error os_error(int saved_errno, std::string_view what) {
  return error(kind_of_errno(saved_errno), std::string(what) + ": " + std::strerror(saved_errno));
}

void check_failed(const char* file, int line, const char* condition, const char* what) {
  std::fprintf(stderr, "wherry: internal error at %s:%d: %s (%s)\n", file, line, what, condition);
  std::abort();
}

}  // namespace wherry
