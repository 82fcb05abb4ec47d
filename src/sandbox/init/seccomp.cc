// SPDX-License-Identifier: Apache-2.0
// The specification's filter of system calls, for native programs.
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "sandbox/init/steps.h"

namespace wherry::sandbox {
namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

struct Named {
  std::string_view name;
  uint32_t value;
};
constexpr Named kActions[] = {
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
};
constexpr Named kComparisons[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},       {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT}, {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};
constexpr Named kArchitectures[] = {
    {"SCMP_ARCH_X86", SCMP_ARCH_X86}, {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64}, {"SCMP_ARCH_X32", SCMP_ARCH_X32},
    {"SCMP_ARCH_ARM", SCMP_ARCH_ARM}, {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
};
constexpr Named kFlags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SCMP_FLTATR_CTL_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SCMP_FLTATR_CTL_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SCMP_FLTATR_CTL_SSB},
};

Error fail(std::string_view what) { return error(ErrorKind::unsupported, "linux.seccomp: " + std::string(what)); }

Error fail(int code, const char* what) { return os_error(-code, std::string("linux.seccomp: ") + what); }

template <size_t N>
Result<uint32_t> find(const Named (&table)[N], std::string_view name) {
  const auto* const found = std::find_if(std::begin(table), std::end(table), [&](const Named& named) { return named.name == name; });
  if (found == std::end(table)) return fail("`" + std::string(name) + "` is not supported");
  return found->value;
}

Result<uint32_t> action_of(const std::string& name, std::optional<uint32_t> number) {
  constexpr uint32_t kMostErrno = 4095;
  const uint32_t code = number.value_or(EPERM);
  if (name == "SCMP_ACT_ERRNO" && code <= kMostErrno) return SCMP_ACT_ERRNO(code);
  if (name == "SCMP_ACT_TRACE" && code <= kMostErrno) return SCMP_ACT_TRACE(code);
  return find(kActions, name);
}

// Several conditions on one argument are alternatives, as for runc: libseccomp takes
// one of each argument.
std::vector<std::vector<scmp_arg_cmp>> alternatives(const std::vector<scmp_arg_cmp>& conditions) {
  uint32_t seen = 0;
  bool twice = false;
  for (const scmp_arg_cmp& condition : conditions) {
    twice = twice || (seen >> condition.arg & 1);
    seen |= 1u << condition.arg;
  }
  if (!twice) return {conditions};
  std::vector<std::vector<scmp_arg_cmp>> each;
  for (const scmp_arg_cmp& condition : conditions) each.push_back({condition});
  return each;
}

Result<void> add_rule(scmp_filter_ctx filter, uint32_t default_action, const SeccompRule& rule) {
  const uint32_t action = TRY(action_of(rule.action, rule.errnoRet));
  if (action == default_action) return {};
  std::vector<scmp_arg_cmp> conditions;
  for (const SeccompArgument& argument : rule.args) {
    const auto op = static_cast<scmp_compare>(TRY(find(kComparisons, argument.op)));
    conditions.push_back({.arg = argument.index, .op = op, .datum_a = argument.value, .datum_b = argument.valueTwo});
  }
  for (const std::string& name : rule.names) {
    const int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;  // of another kernel: profiles name them all
    for (const auto& together : alternatives(conditions)) {
      const int code = seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(together.size()), together.data());
      // What an architecture of the profile does not have is no rule for it.
      if (code != 0 && code != -EEXIST && code != -EDOM) return fail(code, name.c_str());
    }
  }
  return {};
}

Result<void> set_attributes(scmp_filter_ctx filter, const Seccomp& seccomp) {
  // no_new_privs is the specification's to decide.
  if (const int code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); code != 0) return fail(code, "no_new_privs");
  for (const std::string& flag : seccomp.flags) {
    const auto attribute = static_cast<scmp_filter_attr>(TRY(find(kFlags, flag)));
    if (const int code = seccomp_attr_set(filter, attribute, 1); code != 0) return fail(code, flag.c_str());
  }
  for (const std::string& name : seccomp.architectures) {
    const int code = seccomp_arch_add(filter, TRY(find(kArchitectures, name)));
    if (code != 0 && code != -EEXIST) return fail(code, name.c_str());
  }
  return {};
}

}  // namespace

Result<void> apply_seccomp(const Seccomp& seccomp) {
  if (!seccomp.listenerPath.empty()) return fail("a listener is not supported");
  const uint32_t default_action = TRY(action_of(seccomp.defaultAction, seccomp.defaultErrnoRet));
  const Filter filter(seccomp_init(default_action), seccomp_release);
  if (!filter) return fail("not a default action: `" + seccomp.defaultAction + "`");
  TRY(set_attributes(filter.get(), seccomp));
  for (const SeccompRule& rule : seccomp.syscalls) TRY(add_rule(filter.get(), default_action, rule));
  if (const int code = seccomp_load(filter.get()); code != 0) return fail(code, "cannot load the filter");
  return {};
}

}  // namespace wherry::sandbox
