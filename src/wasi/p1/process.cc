// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include "wasi/host/clock.h"
#include "wasi/host/random.h"
#include "wasi/p1/p1.h"

namespace wherry::wasi {
namespace {

enum class Action : uint8_t { none, end, refuse };

// What each of WASI's signals does to a guest, which can not catch any; 1 to 15
// have Linux's numbers.
constexpr Action kActions[] = {
    Action::none,    // none
    Action::end,     // hup
    Action::end,     // int
    Action::end,     // quit
    Action::end,     // ill
    Action::end,     // trap
    Action::end,     // abrt
    Action::end,     // bus
    Action::end,     // fpe
    Action::end,     // kill
    Action::end,     // usr1
    Action::end,     // segv
    Action::end,     // usr2
    Action::end,     // pipe
    Action::end,     // alrm
    Action::end,     // term
    Action::none,    // chld
    Action::none,    // cont
    Action::refuse,  // stop
    Action::refuse,  // tstp
    Action::refuse,  // ttin
    Action::refuse,  // ttou
    Action::none,    // urg
};

}  // namespace

Result<void, Trap> P1::store_strings(const std::vector<std::string>& strings, Ptr<uint32_t> pointers, Ptr<uint8_t> buf) const {
  for (const std::string& text : strings) {
    TRY(memory_.store(pointers, buf.address));
    const size_t size = text.size() + 1;
    const std::span<uint8_t> bytes = TRY(memory_.slice(buf.address, size));
    std::memcpy(bytes.data(), text.c_str(), size);
    pointers.address += sizeof(uint32_t);
    buf.address += static_cast<uint32_t>(size);
  }
  return {};
}

Result<void, Trap> P1::store_sizes(const std::vector<std::string>& strings, Ptr<uint32_t> count, Ptr<uint32_t> size) const {
  uint32_t total = 0;
  for (const std::string& text : strings) total += static_cast<uint32_t>(text.size() + 1);
  TRY(memory_.store(count, static_cast<uint32_t>(strings.size())));
  return memory_.store(size, total);
}

Outcome P1::args_get(Ptr<uint32_t> argv, Ptr<uint8_t> buf) {
  TRY(store_strings(host_.args, argv, buf));
  return Errno::success;
}

Outcome P1::args_sizes_get(Ptr<uint32_t> count, Ptr<uint32_t> size) {
  TRY(store_sizes(host_.args, count, size));
  return Errno::success;
}

Outcome P1::environ_get(Ptr<uint32_t> environ, Ptr<uint8_t> buf) {
  TRY(store_strings(host_.env, environ, buf));
  return Errno::success;
}

Outcome P1::environ_sizes_get(Ptr<uint32_t> count, Ptr<uint32_t> size) {
  TRY(store_sizes(host_.env, count, size));
  return Errno::success;
}

Outcome P1::clock_res_get(ClockId id, Ptr<uint64_t> resolution) {
  TRY(memory_.store(resolution, TRY(clock_resolution(id.value))));
  return Errno::success;
}

Outcome P1::clock_time_get(ClockId id, uint64_t, Ptr<uint64_t> time) {
  TRY(memory_.store(time, TRY(clock_time(id.value))));
  return Errno::success;
}

NoResult P1::proc_exit(uint32_t code) { return Outcome(Ending{Ending::Kind::exited, code}); }

Outcome P1::proc_raise(uint32_t signal) {
  if (signal >= std::size(kActions)) return Errno::inval;
  switch (kActions[signal]) {
    case Action::none:
      return Errno::success;
    case Action::end:
      return Ending{Ending::Kind::signalled, signal};
    case Action::refuse:
      return Errno::notsup;
  }
  return Errno::inval;
}

Outcome P1::sched_yield() {
  ::sched_yield();
  return Errno::success;
}

Outcome P1::random_get(Text buf) {
  TRY(fill_random(TRY(memory_.slice(buf)), host_.wake));
  return Errno::success;
}

}  // namespace wherry::wasi
