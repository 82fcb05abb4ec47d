// SPDX-License-Identifier: Apache-2.0
#include "sandbox/guest_stats.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/guest_cpu.h"
#include "sandbox/running_guests.h"

namespace wherry::sandbox {
namespace {

TEST(GuestStats, are_shared_with_another_mapping) {
  const auto stats = GuestStats::create({"c1", "web", "default", "main"});
  ASSERT_TRUE(stats) << stats.error().message;
  const auto other = map_guest_stats(UniqueFd(::dup((*stats)->fd())));
  ASSERT_TRUE(other);
  EXPECT_STREQ((*other)->pod, "web");
  (*other)->counters.denied[0] += 3;
  EXPECT_EQ((*stats)->page().counters.denied[0], 3u);
  ::munmap(*other, 4096);
}

TEST(GuestStats, can_not_be_made_to_fault) {
  const auto stats = GuestStats::create({"c1", {}, {}, {}});
  ASSERT_TRUE(stats);
  EXPECT_NE(::ftruncate((*stats)->fd(), 0), 0);
  EXPECT_NE(::ftruncate((*stats)->fd(), 1 << 20), 0);
}

TEST(GuestStats, names_are_cut_to_what_fits) {
  const std::string longest(10000, 'n');
  const auto stats = GuestStats::create({longest, longest, longest, longest});
  ASSERT_TRUE(stats);
  EXPECT_EQ(std::string((*stats)->page().pod).size(), sizeof(GuestStatsPage::pod) - 1);
}

TEST(RunningGuests, are_found_by_their_page) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto stats = GuestStats::create({"running-guests-test", "a\nb\x1b[2J", "default", {}});
  ASSERT_TRUE(stats);
  char old[16];
  ::prctl(PR_GET_NAME, old);
  ::prctl(PR_SET_NAME, "wherry-init");
  const auto guests = running_guests();
  ::prctl(PR_SET_NAME, old);
  ASSERT_TRUE(guests) << guests.error().message;
  const auto found = std::find_if(guests->begin(), guests->end(), [](const RunningGuest& guest) { return guest.pid == ::getpid(); });
  ASSERT_NE(found, guests->end());
  EXPECT_EQ(found->id, "running-guests-test");
  EXPECT_EQ(found->pod, "a?b?[2J");
  EXPECT_EQ(found->memory_limit, UINT64_MAX);
  EXPECT_GT(found->resident, 0u);
}

TEST(CapCpu, lowers_a_quota_and_never_raises_it) {
  Resources resources;
  cap_cpu(resources, UINT64_MAX);
  EXPECT_FALSE(resources.cpu.quota);
  cap_cpu(resources, 500);
  EXPECT_EQ(resources.cpu.quota, 50'000);
  EXPECT_EQ(resources.cpu.period, 100'000u);
  cap_cpu(resources, 2000);
  EXPECT_EQ(resources.cpu.quota, 50'000);
  resources.cpu.quota = -1;
  resources.cpu.period = 10'000;
  cap_cpu(resources, 1500);
  EXPECT_EQ(resources.cpu.quota, 15'000);
}

}  // namespace
}  // namespace wherry::sandbox
