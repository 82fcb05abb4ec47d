// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include "shim/proto/types.pb.h"

namespace wherry::shim {

inline pb::Timestamp now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  pb::Timestamp result;
  result.set_seconds(time.tv_sec);
  result.set_nanos(static_cast<int32_t>(time.tv_nsec));
  return result;
}

}  // namespace wherry::shim
