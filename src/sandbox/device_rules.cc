// SPDX-License-Identifier: Apache-2.0
#include "sandbox/device_rules.h"

#include <cstdint>

namespace wherry::sandbox {
namespace {

constexpr size_t kMaxRules = 1000;

struct Number {
  int64_t major;
  std::optional<int64_t> minor;
};

// null, zero, full, random, urandom, tty, ptmx, and the terminals of a devpts.
constexpr Number kGuestDevices[] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, std::nullopt}};

bool is_number(const std::optional<int64_t>& number) { return !number || (*number >= 0 && *number <= UINT32_MAX); }

std::string number_text(const std::optional<int64_t>& number) { return number ? std::to_string(*number) : "*"; }

}  // namespace

Result<std::vector<DeviceRule>> device_rules(const std::vector<DeviceRule>& specified) {
  std::vector<DeviceRule> rules = specified;
  if (rules.empty()) return rules;
  if (rules.size() > kMaxRules) return error(ErrorKind::exhausted, "linux.resources.devices: more than " + std::to_string(kMaxRules) + " rules");
  for (const DeviceRule& rule : rules)
    if (!is_number(rule.major) || !is_number(rule.minor)) return error(ErrorKind::invalid, "linux.resources.devices: no device is " + to_string(rule));
  // 'm' because the init makes the nodes.
  for (const Number& device : kGuestDevices) rules.push_back({.allow = true, .type = 'c', .major = device.major, .minor = device.minor, .access = "rwm"});
  return rules;
}

std::string to_string(const DeviceRule& rule) {
  if (rule.type == 'a') return "a";
  return std::string(1, rule.type) + " " + number_text(rule.major) + ":" + number_text(rule.minor) + " " + rule.access;
}

}  // namespace wherry::sandbox
