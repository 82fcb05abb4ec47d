// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/exec_process.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sandbox/spec.h"

namespace wherry::ociruntime {
namespace {

constexpr std::string_view kSpec = R"({"process": {"args": ["/a.wasm"], "cwd": "/", "terminal": true, "consoleSize": {"width": 1, "height": 2},
  "env": ["A=1"], "user": {"uid": 5, "gid": 6, "additionalGids": [7]}, "noNewPrivileges": true}})";

Result<sandbox::Process> made(const CommandOptions& options, const std::vector<std::string>& command, std::string_view spec = kSpec) {
  return sandbox::parse_process(TRY(exec_process(spec, options, command)));
}

std::string failure(const CommandOptions& options, const std::vector<std::string>& command, std::string_view spec = kSpec) {
  const auto process = made(options, command, spec);
  return process ? "" : process.error().message;
}

TEST(ExecProcess, is_the_containers_with_another_command) {
  const auto process = made({}, {"/b.wasm", "-x", "y"});
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->args, (std::vector<std::string>{"/b.wasm", "-x", "y"}));
  EXPECT_EQ(process->env, std::vector<std::string>{"A=1"});
  EXPECT_EQ(process->user.uid, 5u);
  EXPECT_TRUE(process->noNewPrivileges);
  // The terminal is the exec's own choice.
  EXPECT_FALSE(process->terminal);
  EXPECT_FALSE(process->consoleSize);
}

TEST(ExecProcess, has_what_the_options_change) {
  CommandOptions options;
  options.terminal = true;
  options.env = {"A=2", "B=3"};
  options.cwd = "/tmp";
  options.user = "1000:1001";
  options.additional_gids = {"8", "9"};
  options.cap = {"CAP_KILL"};
  const auto process = made(options, {"sh"});
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_TRUE(process->terminal);
  EXPECT_EQ(process->env, (std::vector<std::string>{"A=2", "B=3"}));
  EXPECT_EQ(process->cwd, "/tmp");
  EXPECT_EQ(process->user.uid, 1000u);
  EXPECT_EQ(process->user.gid, 1001u);
  EXPECT_EQ(process->user.additionalGids, (std::vector<uint32_t>{7, 8, 9}));
  EXPECT_TRUE(process->capabilities);
}

TEST(ExecProcess, keeps_the_group_of_a_user_without_one) {
  CommandOptions options;
  options.user = "1000";
  const auto process = made(options, {"sh"});
  ASSERT_TRUE(process);
  EXPECT_EQ(process->user.uid, 1000u);
  EXPECT_EQ(process->user.gid, 6u);
}

TEST(ExecProcess, needs_no_lists_in_the_containers) {
  CommandOptions options;
  options.env = {"B=3"};
  options.additional_gids = {"8"};
  const auto process = made(options, {"sh"}, R"({"process": {"args": ["/a"], "cwd": "/"}})");
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->env, std::vector<std::string>{"B=3"});
  EXPECT_EQ(process->user.additionalGids, std::vector<uint32_t>{8});
}

TEST(ExecProcess, says_what_is_wrong) {
  const auto with = [](auto member, auto value) {
    CommandOptions options;
    options.*member = value;
    return options;
  };
  EXPECT_EQ(failure({}, {}), "exec: expected a command, or --process");
  for (const char* const user : {"root", "1:", ":1", "1:x", "-1", "4294967296", "1:2:3"}) {
    EXPECT_NE(failure(with(&CommandOptions::user, user), {"sh"}), "") << user;
  }
  EXPECT_EQ(failure(with(&CommandOptions::user, "root"), {"sh"}), "--user: expected a number, found `root`");
  EXPECT_NE(failure(with(&CommandOptions::additional_gids, std::vector<std::string>{"x"}), {"sh"}), "");
  EXPECT_NE(failure(with(&CommandOptions::process, "/nonexistent/file"), {}), "");
  EXPECT_EQ(failure({}, {"sh"}, "[]"), "config.json: no process");
  EXPECT_EQ(failure({}, {"sh"}, "{"), "config.json: no process");
}

}  // namespace
}  // namespace wherry::ociruntime
