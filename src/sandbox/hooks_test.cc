// SPDX-License-Identifier: Apache-2.0
#include "sandbox/hooks.h"

#include <fcntl.h>

#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

Hook shell(const std::string& script, std::optional<int> timeout = {}) {
  return {.path = "/bin/sh", .args = {"sh", "-c", script}, .env = {"ONLY=this"}, .timeout = timeout};
}

TEST(Hooks, get_the_state_and_their_own_environment_and_nothing_else) {
  const TemporaryDirectory directory;
  const UniqueFd leaky(::open("/etc/hostname", O_RDONLY));  // not close-on-exec
  Spec spec;
  spec.ociVersion = "1.0.2";
  spec.annotations["a"] = "b";
  const HookState state{.id = "c1", .status = "stopped", .pid = 0, .bundle = "/b", .spec = &spec};
  const auto run = run_hooks(
      "poststop", {shell("cat > " + (directory / "state")), shell("env > " + (directory / "env") + "; ls /proc/self/fd > " + (directory / "fds"))},
      state);
  ASSERT_TRUE(run) << run.error().message;
  const auto json = nlohmann::json::parse(directory.read("state"));
  EXPECT_EQ(json, nlohmann::json::parse(
                      R"({"ociVersion": "1.0.2", "id": "c1", "status": "stopped", "bundle": "/b", "annotations": {"a": "b"}})"));
  EXPECT_NE(directory.read("env").find("ONLY=this\n"), std::string::npos);
  EXPECT_EQ(directory.read("env").find("HOME="), std::string::npos);
  EXPECT_EQ(directory.read("fds"), "0\n1\n2\n3\n");  // 3 is the directory that ls reads
}

TEST(Hooks, first_failure_ends_it_and_says_why) {
  struct Case {
    Hook hook;
    const char* message;
  };
  const Case cases[] = {
      {shell("echo first; echo the reason >&2; exit 3"), "prestart hook /bin/sh: exit code 3: the reason"},
      {shell("kill -9 $$"), "prestart hook /bin/sh: killed by signal 9"},
      {shell("exec sleep 100", 1), "prestart hook /bin/sh: no answer within 1 s"},
      {{.path = "/no/such", .args = {}, .env = {}, .timeout = {}}, "prestart hook /no/such: No such file or directory"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.message);
    const TemporaryDirectory directory;
    const auto run = run_hooks("prestart", {one.hook, shell("touch " + (directory / "second"))}, {});
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().message, one.message);
    EXPECT_FALSE(std::filesystem::exists(directory / "second"));
  }
}

}  // namespace
}  // namespace wherry::sandbox
