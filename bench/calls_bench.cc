// SPDX-License-Identifier: Apache-2.0
// Calls between host and guest, with guests made by hand (runtime/test_guest.h).
#include <chrono>
#include <cstdio>

#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::Guest;
using test::i32;
using wasm::kI32;

double now_ns() {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The best of several runs, for each call of `body`.
template <class Body>
double best_ns(uint32_t count, Body body) {
  double best = 1e18;
  for (int run = 0; run < 300; ++run) {
    const double start = now_ns();
    for (uint32_t i = 0; i < count; ++i) body();
    best = std::min(best, (now_ns() - start) / count);
  }
  return best;
}

Result<void, Trap> add_one(void* data, HostCall& call) {
  auto& count = *static_cast<uint64_t*>(data);
  call.results[0].i64 = call.args[0].i32 + 1;
  if (--count == 0) return Trap::host_error;
  return {};
}

Result<void, Trap> count_down(void* data, HostCall&) {
  if (--*static_cast<uint64_t*>(data) == 0) return Trap::host_error;
  return {};
}

void host_to_guest() {
  const wasm::FuncType type{{kI32, kI32}, {kI32}};
  Guest guest({.functions = {{type, CODE(add)}}});
  const Function function = *guest.instance->exported_function("f0");
  const abi::Value args[] = {i32(1), i32(2)};
  abi::Value result;
  const double ns = best_ns(10'000, [&] { (void)function.call(args, {&result, 1}); });
  printf("host to guest and back, (i32, i32) -> i32   %6.1f ns\n", ns);
}

// A guest's loop of calls that the host ends with a trap after `count` of them.
void guest_to_host(const char* what, const wasm::FuncType& type, HostFunction::Body body) {
  constexpr uint64_t kCalls = 10'000;
  uint64_t left = 0;
  Linker linker;
  linker.define("env", "f", type, body, &left);
  Guest guest({.imports = {{"env", "f", abi::kFunc, {}, type}}, .functions = {{{}, CODE(loop_import)}}}, linker);
  const double ns = best_ns(1, [&] {
    left = kCalls;
    (void)guest.call("f1");
  });
  printf("guest to host and back, %-19s %6.1f ns\n", what, ns / kCalls);
}

}  // namespace
}  // namespace wherry::runtime

int main() {
  using namespace wherry::runtime;
  using wherry::wasm::kF64;
  host_to_guest();
  guest_to_host("(i32) -> i32", {{wherry::wasm::kI32}, {wherry::wasm::kI32}}, add_one);
  guest_to_host("() -> ()", {}, count_down);
  guest_to_host("(f64) -> ()", {{kF64}, {}}, count_down);
  return 0;
}
