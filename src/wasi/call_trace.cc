// SPDX-License-Identifier: Apache-2.0
#include "wasi/call_trace.h"

#include <unistd.h>

#include <string>

#include "base/fd.h"
#include "wasi/host/clock.h"

namespace wherry::wasi {
namespace {

std::string numbers_of(std::string_view type, std::span<const abi::Value> args) {
  std::string text;
  for (size_t i = 0; i < args.size(); i++) {
    if (i != 0) text += ", ";
    text += type[i] == 'I' ? std::to_string(static_cast<int64_t>(args[i].i64)) : std::to_string(args[i].i32);
  }
  return text;
}

std::string outcome_of(const Result<void, Trap>& done, const Guest& guest, const runtime::HostCall& call) {
  if (guest.ending) return "ends the guest";
  if (!done) return "trap: " + std::string(to_string(done.error()));
  if (call.results.empty()) return "-";
  return std::string(name_of(static_cast<Errno>(call.results[0].i32)));
}

}  // namespace

void* CallTrace::add(const Import& import, Guest& guest) {
  functions_.push_back({&import, &guest});
  return &functions_.back();
}

Result<void, Trap> CallTrace::call(void* data, runtime::HostCall& call) {
  const Traced& traced = *static_cast<const Traced*>(data);
  std::string line = std::string(traced.import->name) + "(" + numbers_of(traced.import->type, call.args) + ")";
  const uint64_t begin = monotonic_now();
  Result<void, Trap> done = traced.import->body(traced.guest, call);
  const uint64_t microseconds = (monotonic_now() - begin) / 1000;
  line += " = " + outcome_of(done, *traced.guest, call) + " <" + std::to_string(microseconds) + " us>\n";
  (void)write_all(STDERR_FILENO, line, "standard error");
  return done;
}

}  // namespace wherry::wasi
