// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spec_seccomp.h"

namespace wherry::sandbox {
namespace {

Result<void> read_argument(const JsonNode& in, SeccompRule& rule) {
  constexpr uint32_t kArguments = 6;
  SeccompArgument& argument = rule.args.emplace_back();
  TRY(in.read("index", argument.index));
  TRY(in.read("value", argument.value));
  TRY(in.read("valueTwo", argument.valueTwo));
  TRY(in.read("op", argument.op));
  if (argument.index >= kArguments) return in.fail("index: a system call has six arguments");
  return {};
}

Result<void> read_rule(const JsonNode& in, Seccomp& out) {
  SeccompRule& rule = out.syscalls.emplace_back();
  TRY(in.read("names", rule.names));
  TRY(in.read("action", rule.action));
  TRY(in.read("errnoRet", rule.errnoRet));
  return in.each("args", [&](const JsonNode& node) { return read_argument(node, rule); });
}

}  // namespace

Result<void> read_seccomp(const JsonNode& in, Seccomp& out) {
  TRY(in.read("defaultAction", out.defaultAction));
  TRY(in.read("defaultErrnoRet", out.defaultErrnoRet));
  TRY(in.read("architectures", out.architectures));
  TRY(in.read("flags", out.flags));
  TRY(in.read("listenerPath", out.listenerPath));
  return in.each("syscalls", [&](const JsonNode& node) { return read_rule(node, out); });
}

}  // namespace wherry::sandbox
