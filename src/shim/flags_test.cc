// SPDX-License-Identifier: Apache-2.0
#include "shim/flags.h"

#include <gtest/gtest.h>

#include <vector>

namespace wherry::shim {
namespace {

Flags parse(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return parse_flags(pointers);
}

TEST(ParseFlags, reads_what_containerd_1_6_sends) {
  const Flags flags = parse({"-namespace", "k8s.io", "-address", "/run/c.sock", "-publish-binary", "/usr/bin/containerd", "-id", "c1", "-debug", "start"});
  EXPECT_EQ(flags.ns, "k8s.io");
  EXPECT_EQ(flags.address, "/run/c.sock");
  EXPECT_EQ(flags.publish_binary, "/usr/bin/containerd");
  EXPECT_EQ(flags.id, "c1");
  EXPECT_TRUE(flags.debug);
  EXPECT_EQ(flags.action, "start");
}

TEST(ParseFlags, takes_both_dashes_and_both_ways_to_give_a_value) {
  const Flags flags = parse({"--namespace=n", "--id", "x", "-bundle=/b", "--debug=false", "delete"});
  EXPECT_EQ(flags.ns, "n");
  EXPECT_EQ(flags.id, "x");
  EXPECT_EQ(flags.bundle, "/b");
  EXPECT_FALSE(flags.debug);
  EXPECT_EQ(flags.action, "delete");
}

TEST(ParseFlags, skips_flags_of_a_containerd_to_come) {
  const struct {
    const char* name;
    std::vector<std::string> arguments;
  } cases[] = {
      {"with a value", {"-new", "value", "-id", "x", "start"}},
      {"with a value by =", {"-new=value", "-id", "x", "start"}},
      {"without a value before a flag", {"-new", "-id", "x", "start"}},
      {"without a value before the action", {"-id", "x", "-new", "start"}},
      {"a value missing at the end", {"-id", "x", "start", "-namespace"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Flags flags = parse(c.arguments);
    EXPECT_EQ(flags.id, "x");
    EXPECT_EQ(flags.action, "start");
  }
}

TEST(ParseFlags, knows_the_questions) {
  EXPECT_TRUE(parse({"-v"}).version);
  EXPECT_TRUE(parse({"--version"}).version);
  EXPECT_TRUE(parse({"-info"}).info);
  EXPECT_EQ(parse({}).action, "");
}

}  // namespace
}  // namespace wherry::shim
