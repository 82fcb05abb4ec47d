// SPDX-License-Identifier: Apache-2.0
#include "shim/task/metrics.h"

#include <gtest/gtest.h>

#include "shim/proto/metrics_v1.pb.h"
#include "shim/proto/metrics_v2.pb.h"

namespace wherry::shim {
namespace {

sandbox::CgroupStats sample() {
  sandbox::CgroupStats stats;
  stats.pids.current = 2;
  stats.cpu.usage = 5'000'000;
  stats.cpu.system = 2'000'000;
  stats.memory.usage.usage = 4096;
  stats.memory.total_rss = 1024;
  stats.memory.anon = 2048;
  stats.memory.total_inactive_file = 11;
  stats.memory.inactive_file = 12;
  stats.memory_events.oom_kill = 3;
  return stats;
}

TEST(Metrics, of_version_1_count_nanoseconds) {
  const pb::Any any = metrics(sample());
  EXPECT_EQ(any.type_url(), "io.containerd.cgroups.v1.Metrics");
  pb::v1::Metrics out;
  ASSERT_TRUE(out.ParseFromString(any.value()));
  EXPECT_EQ(out.cpu().usage().total(), 5'000'000u);
  EXPECT_EQ(out.cpu().usage().kernel(), 2'000'000u);
  EXPECT_EQ(out.memory().usage().usage(), 4096u);
  EXPECT_EQ(out.memory().usage().limit(), UINT64_MAX);
  EXPECT_EQ(out.memory().total_rss(), 1024u);
  EXPECT_EQ(out.memory().total_inactive_file(), 11u);
  EXPECT_EQ(out.memory_oom_control().oom_kill(), 3u);
  EXPECT_EQ(out.pids().current(), 2u);
  EXPECT_EQ(out.pids().limit(), 0u);
}

TEST(Metrics, of_version_1_have_a_line_for_each_device_and_operation) {
  sandbox::CgroupStats stats;
  stats.io.push_back({.major = 4095, .minor = 1, .rbytes = 100, .wbytes = 200, .rios = 3, .wios = 4});
  stats.hugetlb.push_back({.page_size = "2MB", .usage = 1, .max = 2, .failcnt = 3});
  pb::v1::Metrics out;
  ASSERT_TRUE(out.ParseFromString(metrics(stats).value()));
  std::string text;
  for (const auto* entries : {&out.blkio().io_service_bytes_recursive(), &out.blkio().io_serviced_recursive()})
    for (const auto& entry : *entries) text += std::to_string(entry.major()) + ":" + std::to_string(entry.minor()) + entry.device() + " " + entry.op() + " " + std::to_string(entry.value()) + "\n";
  EXPECT_EQ(text, "4095:1 Read 100\n4095:1 Write 200\n4095:1 Total 300\n4095:1 Read 3\n4095:1 Write 4\n4095:1 Total 7\n");
  ASSERT_EQ(out.hugetlb_size(), 1);
  EXPECT_EQ(out.hugetlb(0).pagesize(), "2MB");
  EXPECT_EQ(out.hugetlb(0).max(), 2u);
}

// nerdctl too, which ends by a panic without blkio or io.
TEST(Metrics, of_version_1_always_have_what_ctr_reads) {
  pb::v1::Metrics out;
  ASSERT_TRUE(out.ParseFromString(metrics({}).value()));
  EXPECT_TRUE(out.cpu().has_usage());
  EXPECT_TRUE(out.memory().has_usage());
  EXPECT_TRUE(out.has_blkio());
  sandbox::CgroupStats stats;
  stats.v2 = true;
  pb::v2::Metrics out_v2;
  ASSERT_TRUE(out_v2.ParseFromString(metrics(stats).value()));
  EXPECT_TRUE(out_v2.has_io());
}

TEST(Metrics, of_version_2_count_microseconds) {
  sandbox::CgroupStats stats = sample();
  stats.v2 = true;
  stats.io.push_back({8, 0, 100, 200, 3, 4});
  stats.hugetlb.push_back({.page_size = "2MB", .usage = 1, .max = 2, .failcnt = 0});
  const pb::Any any = metrics(stats);
  EXPECT_EQ(any.type_url(), "io.containerd.cgroups.v2.Metrics");
  pb::v2::Metrics out;
  ASSERT_TRUE(out.ParseFromString(any.value()));
  EXPECT_EQ(out.cpu().usage_usec(), 5000u);
  EXPECT_EQ(out.cpu().system_usec(), 2000u);
  EXPECT_EQ(out.memory().usage(), 4096u);
  EXPECT_EQ(out.memory().usage_limit(), UINT64_MAX);
  EXPECT_EQ(out.memory().anon(), 2048u);
  EXPECT_EQ(out.memory().inactive_file(), 12u);
  EXPECT_EQ(out.memory_events().oom_kill(), 3u);
  ASSERT_EQ(out.io().usage_size(), 1);
  EXPECT_EQ(out.io().usage(0).wbytes(), 200u);
  ASSERT_EQ(out.hugetlb_size(), 1);
  EXPECT_EQ(out.hugetlb(0).current(), 1u);
}

}  // namespace
}  // namespace wherry::shim
