// SPDX-License-Identifier: Apache-2.0
#include "sandbox/label.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace wherry::sandbox {
namespace {

Process with(std::string profile, std::string context) {
  Process process;
  process.apparmorProfile = std::move(profile);
  process.selinuxLabel = std::move(context);
  return process;
}

std::string refusal(const Result<std::optional<Label>>& result) { return result ? "" : result.error().to_string(); }

TEST(Label, is_what_the_process_asks_for) {
  const auto profile = label_of(with("web", ""));
  ASSERT_TRUE(profile && *profile);
  EXPECT_EQ((*profile)->module, Label::Module::apparmor);
  EXPECT_EQ((*profile)->name, "web");
  const auto context = label_of(with("unconfined", "u:r:t:s0:c1,c2"));
  ASSERT_TRUE(context && *context);
  EXPECT_EQ((*context)->module, Label::Module::selinux);
  EXPECT_EQ((*context)->name, "u:r:t:s0:c1,c2");
}

TEST(Label, is_none_without_a_name_or_unconfined) {
  for (const char* profile : {"", "unconfined"}) {
    const auto label = label_of(with(profile, ""));
    ASSERT_TRUE(label);
    EXPECT_FALSE(label->has_value()) << profile;
  }
}

TEST(Label, refuses_both_and_control_characters) {
  EXPECT_NE(refusal(label_of(with("web", "u:r:t:s0"))).find("exclude each other"), std::string::npos);
  EXPECT_NE(refusal(label_of(with(std::string("we\0b", 4), ""))).find("apparmorProfile has a control character"), std::string::npos);
  EXPECT_NE(refusal(label_of(with("", "u:r:t:s0\n"))).find("selinuxLabel has a control character"), std::string::npos);
}

TEST(Label, of_an_exec_is_its_own_or_the_containers) {
  Process exec = with("", "own");
  inherit_label(exec, with("containers", "containers"));
  EXPECT_EQ(exec.apparmorProfile, "containers");
  EXPECT_EQ(exec.selinuxLabel, "own");
}

TEST(Label, that_the_host_has_not_is_refused_in_runcs_words) {
  std::string enabled;
  std::ifstream("/sys/module/apparmor/parameters/enabled") >> enabled;
  const auto profile = check_label({.module = Label::Module::apparmor, .name = "wherry-test-of-nobody"});
  ASSERT_FALSE(profile);
  const std::string words = enabled == "Y" ? "apparmor failed to apply profile `wherry-test-of-nobody`: no such file or directory"
                                           : "apparmor: config provided but apparmor not supported";
  EXPECT_NE(profile.error().to_string().find(words), std::string::npos) << profile.error().to_string();

  const auto context = check_label({.module = Label::Module::selinux, .name = "no context"});
  ASSERT_FALSE(context);
  const bool selinux = ::access("/sys/fs/selinux/context", F_OK) == 0;
  EXPECT_NE(context.error().to_string().find(selinux ? "the policy has no such context" : "selinux is disabled or not supported"), std::string::npos)
      << context.error().to_string();
}

TEST(Label, files_are_only_procfss) {
  EXPECT_FALSE(open_label_file("../etc", Label::Module::apparmor, false));
  EXPECT_TRUE(open_label_file("thread-self", Label::Module::apparmor, true));
}

}  // namespace
}  // namespace wherry::sandbox
