// SPDX-License-Identifier: Apache-2.0
#include "core/calendar.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {

int sleep(Context& context, Arguments arguments) {
  int64_t total = 0;
  if (arguments.size() < 2) return usage_error(context);
  for (size_t i = 1; i < arguments.size(); i++) {
    if (arguments[i] == "infinity" || arguments[i] == "inf") {
      for (;;) sleep_for(int64_t{86400} * 1'000'000'000);
    }
    const auto time = parse_duration(arguments[i]);
    if (!time || __builtin_add_overflow(total, *time, &total)) return context.fail("invalid number '%s'", arguments[i].c_str());
  }
  sleep_for(total);
  return 0;
}

}  // namespace toolbox
