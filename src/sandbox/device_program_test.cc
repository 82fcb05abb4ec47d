// SPDX-License-Identifier: Apache-2.0
#include "sandbox/device_program.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "sandbox/device_rules.h"

namespace wherry::sandbox {
namespace {

struct Access {
  uint32_t type, wanted, major, minor;
};

// A machine for the instructions that device_program() uses; -1 for any other, and for
// a jump to nowhere, backwards or out of the program, which the kernel refuses.
int run(const std::vector<bpf_insn>& program, const Access& access) {
  const bpf_cgroup_dev_ctx context{.access_type = access.wanted << 16 | access.type, .major = access.major, .minor = access.minor};
  std::array<uint32_t, 11> r{};
  for (size_t at = 0; at < program.size(); at++) {
    const bpf_insn& i = program[at];
    const auto value = static_cast<uint32_t>(i.imm);
    switch (i.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        r[i.dst_reg] = i.off == 0 ? context.access_type : i.off == 4 ? context.major : context.minor;
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        r[i.dst_reg] = r[i.src_reg];
        break;
      case BPF_ALU | BPF_MOV | BPF_K:
        r[i.dst_reg] = value;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        r[i.dst_reg] &= value;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        r[i.dst_reg] >>= value;
        break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        if (r[i.dst_reg] != value) at += static_cast<size_t>(i.off);
        break;
      case BPF_JMP32 | BPF_JEQ | BPF_K:
        if (r[i.dst_reg] == value) at += static_cast<size_t>(i.off);
        break;
      case BPF_JMP | BPF_EXIT:
        return static_cast<int>(r[0]);
      default:
        return -1;
    }
    if (i.off < 0) return -1;
  }
  return -1;
}

bool covers(const DeviceRule& rule, const Access& access, char bit) {
  if (rule.type == 'a') return true;
  const bool type = access.type == (rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  return type && rule.major.value_or(access.major) == access.major && rule.minor.value_or(access.minor) == access.minor && rule.access.find(bit) != rule.access.npos;
}

// What the rules mean, letter by letter.
int allowed(const std::vector<DeviceRule>& rules, const Access& access) {
  for (const auto& [letter, bit] : {std::pair{'m', BPF_DEVCG_ACC_MKNOD}, {'r', BPF_DEVCG_ACC_READ}, {'w', BPF_DEVCG_ACC_WRITE}}) {
    if (!(access.wanted & bit)) continue;
    bool allow = false;
    for (const DeviceRule& rule : rules)
      if (covers(rule, access, letter)) allow = rule.allow;
    if (!allow) return 0;
  }
  return 1;
}

DeviceRule device(bool allow, char type, std::optional<int64_t> major, std::optional<int64_t> minor, const char* access) {
  return {.allow = allow, .type = type, .major = major, .minor = minor, .access = access};
}

TEST(DeviceProgram, does_what_the_rules_say) {
  std::mt19937 random(20261126);
  const auto pick = [&](auto... values) { return std::array{values...}[random() % sizeof...(values)]; };
  const auto number = [&]() -> std::optional<int64_t> { return random() % 3 ? std::optional<int64_t>(pick(0, 1, 3, 0xfffff)) : std::nullopt; };
  for (int round = 0; round < 2000; round++) {
    std::vector<DeviceRule> rules;
    for (size_t i = random() % 8; i > 0; i--)
      rules.push_back(device(random() % 2, pick('c', 'b', 'c', 'b', 'c', 'b', 'a'), number(), number(), pick("r", "w", "m", "rw", "rm", "wm", "rwm")));
    const auto program = device_program(rules);
    for (uint32_t type : {BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR})
      for (uint32_t wanted = 1; wanted < 8; wanted++)
        for (uint32_t major : {0u, 1u, 3u})
          for (uint32_t minor : {0u, 1u, 0xfffffu}) {
            const Access access{type, wanted, major, minor};
            ASSERT_EQ(run(program, access), allowed(rules, access)) << round << ": " << type << " " << wanted << " " << major << ":" << minor;
          }
  }
}

TEST(DeviceProgram, denies_what_no_rule_names) {
  EXPECT_EQ(run(device_program({}), {BPF_DEVCG_DEV_CHAR, BPF_DEVCG_ACC_READ, 1, 3}), 0);
  const std::vector<DeviceRule> all = {device(true, 'a', std::nullopt, std::nullopt, "rwm")};
  EXPECT_EQ(run(device_program(all), {BPF_DEVCG_DEV_BLOCK, 7, 8, 0}), 1);
}

TEST(DeviceRules, end_with_what_every_guest_may_open) {
  EXPECT_TRUE(device_rules({})->empty());
  const auto rules = device_rules({device(false, 'a', std::nullopt, std::nullopt, "rwm"), device(true, 'c', 10, 229, "rw")});
  ASSERT_TRUE(rules);
  std::string text;
  for (const DeviceRule& rule : *rules) text += (rule.allow ? "+" : "-") + to_string(rule) + "\n";
  EXPECT_EQ(text, "-a\n+c 10:229 rw\n+c 1:3 rwm\n+c 1:5 rwm\n+c 1:7 rwm\n+c 1:8 rwm\n+c 1:9 rwm\n+c 5:0 rwm\n+c 5:2 rwm\n+c 136:* rwm\n");
  EXPECT_EQ(device_rules({device(true, 'c', int64_t{1} << 32, 0, "r")}).error().message, "linux.resources.devices: no device is c 4294967296:0 r");
  EXPECT_EQ(device_rules(std::vector<DeviceRule>(1001)).error().message, "linux.resources.devices: more than 1000 rules");
}

}  // namespace
}  // namespace wherry::sandbox
