// SPDX-License-Identifier: Apache-2.0
#include "base/process_stat.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wherry {
namespace {

TEST(ProcessStat, the_fields_are_those_of_the_manual) {
  const auto stat = parse_process_stat(
      "42 (sh) Z 1 42 42 0 -1 4228108 10 0 0 0 7 5 0 0 20 0 1 0 987654 2400256 396 18446744073709551615 1 1 0\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, "sh");
  EXPECT_EQ(stat->state, 'Z');
  EXPECT_EQ(stat->flags, 4228108u);
  EXPECT_EQ(stat->cpu_ticks, 12u);
  EXPECT_EQ(stat->start_time, 987654u);
  EXPECT_EQ(stat->resident_pages, 396u);
}

TEST(ProcessStat, a_name_cannot_pass_for_fields) {
  const auto stat = parse_process_stat("42 (x) R 1 1) (y) S 1 42 42 0 -1 4 10 0 0 0 7 5 0 0 20 -5 1 0 99 2400256 396");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, "x) R 1 1) (y");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->start_time, 99u);
}

TEST(ProcessStat, anything_else_is_no_process) {
  for (const char* line : {"", "42", "42 (sh", "42 )sh(", "42 (sh)", "42 (sh) ", "42 (sh) Z", "42 (sh) Z 1 42 42 0 -1 4 10", "42 (sh) Z a b c",
                           "42 (sh) Z 1 42 42 0 -1 99999999999999999999999 10 0 0 0 7 5 0 0 20 0 1 0 9 2 3"})
    EXPECT_FALSE(parse_process_stat(line)) << line;
}

TEST(ProcessStat, ours_has_started_and_that_of_nobody_has_not) {
  EXPECT_GT(start_time(::getpid()), 0u);
  EXPECT_EQ(start_time(-5), 0u);
  EXPECT_FALSE(process_stat(-5));
}

TEST(ProcessStat, a_child_that_nobody_waited_for_is_a_zombie) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const auto stat = process_stat(child);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'Z');
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace wherry
