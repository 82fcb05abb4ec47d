// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/process_files.h"

#include <vector>

#include "wasi/host/directory_ops.h"
#include "wasi/host/file_meta.h"
#include "wasi/host/read_directory.h"
#include "wasi/host/test_directory.h"

namespace wherry::wasi {
namespace {

constexpr OpenRequest kRead{Follow::yes, 0, right::fd_read, 0};
constexpr OpenRequest kWrite{Follow::yes, 0, right::fd_write, 0};
constexpr OpenRequest kCut{Follow::yes, oflag::trunc, right::fd_read, 0};
constexpr OpenRequest kDirectory{Follow::yes, oflag::directory, right::fd_readdir, 0};

Descriptor processes() {
  auto made = process_directory();
  if (!made) std::abort();
  return std::move(*made);
}

TEST(ProcessFiles, of_the_list_open_and_no_others) {
  const Descriptor proc = processes();
  const std::string own = std::to_string(::getpid());
  for (const std::string path : {"self/status", "1/stat", "mounts", "net/tcp", "sys/kernel/hostname", "uptime"}) {
    EXPECT_EQ(outcome(open_text(proc, path, kRead)), "success") << path;
    EXPECT_EQ(outcome(stat_at(proc, path, Follow::yes)), "success") << path;
  }
  EXPECT_EQ(outcome(open_text(proc, own + "/cmdline", kRead)), "success");
  const std::vector<std::string> refused = {
      "self/mem", own + "/mem", "self/maps", "self/environ", "self/auxv", "self/pagemap", "self/syscall", "self/task/" + own + "/status",
      "self/./status", "./self/status", "self//status", "self/../self/status", "self/net/tcp", "kcore", "kallsyms", "keys", "sysrq-trigger",
      "self/fd", "self", own, "sys", "net", "self/status/", "thread-self/status",
  };
  for (const std::string& path : refused) {
    EXPECT_NE(outcome(open_text(proc, path, kRead)), "success") << path;
  }
  for (const char* path : {"self/cwd", "self/root", "self/exe", "self/fd/0"}) EXPECT_EQ(outcome(open_text(proc, path, kRead)), "loop") << path;
  EXPECT_EQ(outcome(open_text(proc, "..", kRead)), "perm");
}

TEST(ProcessFiles, can_not_be_changed) {
  const Descriptor proc = processes();
  EXPECT_EQ(outcome(open_text(proc, "self/oom_score_adj", kWrite)), "rofs");
  EXPECT_EQ(outcome(open_text(proc, "self/comm", kCut)), "rofs");
  EXPECT_EQ(outcome(set_times_at(proc, "self/comm", Follow::yes, {0, 0, fstflag::atim_now})), "rofs");
  EXPECT_EQ(outcome(unlink_file(proc, "self")), "rofs");
}

TEST(ProcessFiles, are_listed_and_lead_to_no_directory_that_has_more) {
  const Descriptor proc = processes();
  auto list = open_text(proc, ".", kDirectory);
  ASSERT_EQ(outcome(list), "success");
  EXPECT_EQ(list->scope, Descriptor::Scope::processes);
  EXPECT_EQ(outcome(open_text(*list, "self/mem", kRead)), "acces");
  EXPECT_EQ(outcome(open_text(*list, "self/oom_score_adj", kWrite)), "rofs");
}

}  // namespace
}  // namespace wherry::wasi
