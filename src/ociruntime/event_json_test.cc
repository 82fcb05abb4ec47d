// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/event_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace wherry::ociruntime {
namespace {

using Json = nlohmann::json;

sandbox::CgroupStats some() {
  sandbox::CgroupStats stats;
  stats.pids.current = 3;
  stats.cpu.usage = 100;
  stats.cpu.per_cpu = {40, 60};
  stats.cpu.throttled_time = 7;
  stats.memory.usage = {.limit = 1000, .usage = 500, .max = 600, .failcnt = 1};
  stats.memory.cache = 10;
  stats.memory.file = 20;
  stats.io = {{.major = 8, .minor = 1, .rbytes = 5, .wbytes = 6, .rios = 1, .wios = 2}};
  stats.hugetlb = {{.page_size = "2MB", .usage = 1, .max = 2, .failcnt = 0}};
  return stats;
}

TEST(StatsEvent, has_the_fields_of_runcs) {
  const std::string text = stats_event("c", some());
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const Json json = Json::parse(text);
  EXPECT_EQ(json["type"], "stats");
  EXPECT_EQ(json["id"], "c");
  const Json& data = json["data"];
  EXPECT_EQ(data["cpu"]["usage"], Json::parse(R"({"total": 100, "percpu": [40, 60], "kernel": 0, "user": 0})"));
  EXPECT_EQ(data["cpu"]["throttling"]["throttledTime"], 7);
  EXPECT_EQ(data["memory"]["usage"], Json::parse(R"({"limit": 1000, "usage": 500, "max": 600, "failcnt": 1})"));
  EXPECT_EQ(data["memory"]["cache"], 10);
  EXPECT_EQ(data["memory"]["raw"]["cache"], 10);
  EXPECT_FALSE(data["memory"]["raw"].contains("file"));
  EXPECT_EQ(data["pids"], Json::parse(R"({"current": 3, "limit": 18446744073709551615})"));
  EXPECT_EQ(data["blkio"]["ioServiceBytesRecursive"], Json::parse(R"([{"major": 8, "minor": 1, "op": "Read", "value": 5}, {"major": 8, "minor": 1, "op": "Write", "value": 6}])"));
  EXPECT_EQ(data["hugetlb"]["2MB"]["max"], 2);
}

TEST(StatsEvent, has_the_raw_counters_of_the_cgroups_version) {
  sandbox::CgroupStats stats = some();
  stats.v2 = true;
  const Json memory = Json::parse(stats_event("c", stats))["data"]["memory"];
  EXPECT_EQ(memory["cache"], 20);
  EXPECT_EQ(memory["raw"]["file"], 20);
  EXPECT_FALSE(memory["raw"].contains("rss"));
}

TEST(OomEvent, is_one_line) { EXPECT_EQ(oom_event("a\"b"), "{\"type\":\"oom\",\"id\":\"a\\\"b\"}\n"); }

}  // namespace
}  // namespace wherry::ociruntime
