// SPDX-License-Identifier: Apache-2.0
#include "config/sources.h"

#include <gtest/gtest.h>

namespace wherry::config {
namespace {

using Annotations = std::map<std::string, std::string>;

Layer layer(std::string_view text) {
  auto parsed = parse_layer(text, "f");
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : Layer();
}

std::string problem(std::string_view text) {
  const auto parsed = parse_layer(text, "f");
  return parsed ? "" : parsed.error().message;
}

TEST(Annotations, are_for_the_pod_or_for_one_container) {
  const Annotations annotations{{"io.x/y", "1"}, {"wherry.dev/memory", "1Gi"}, {"wherry.dev/memory.web", "64Mi"}, {"wherry.dev/oom.db", "kill"}, {"wherry.devil/x", "1"}};
  const auto web = annotations_source(annotations, "web");
  ASSERT_TRUE(web);
  EXPECT_EQ(web->values.at(Setting::memory), "64Mi");
  EXPECT_EQ(web->values.size(), 1u);
  const auto db = annotations_source(annotations, "db");
  EXPECT_EQ(db->values.at(Setting::memory), "1Gi");
  EXPECT_EQ(db->values.at(Setting::oom), "kill");
}

TEST(Annotations, unknown_ones_are_errors) {
  const auto unknown = annotations_source({{"wherry.dev/egres", "none"}}, "web");
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().message.starts_with("annotation wherry.dev/egres: unknown; known are memory, oom, ")) << unknown.error().message;
  EXPECT_FALSE(annotations_source({{"wherry.dev/egres.other", "none"}}, "web"));
  EXPECT_FALSE(annotations_source({{"wherry.dev/", "none"}}, "web"));
}

TEST(Layer, takes_the_types_that_toml_has) {
  const Layer parsed = layer("[defaults]\nmemory = 1048576\negress = ['a.example.com', '10.0.0.0/8']\nnative = false\n[ceilings]\ncpu = \"2\"\n");
  EXPECT_EQ(parsed.defaults.values.at(Setting::memory), "1048576");
  EXPECT_EQ(parsed.defaults.values.at(Setting::egress), "a.example.com,10.0.0.0/8");
  EXPECT_EQ(parsed.defaults.values.at(Setting::native), "deny");
  EXPECT_EQ(parsed.ceilings.values.at(Setting::cpu), "2");
}

TEST(Layer, says_what_is_wrong_and_where) {
  EXPECT_EQ(problem("[defaults\n").substr(0, 10), "f: line 1:");
  EXPECT_TRUE(problem("[defaults]\nspeed = 1").starts_with("f: defaults.speed: unknown; known are memory"));
  EXPECT_EQ(problem("defaults = 1"), "f: defaults: expected a table");
  EXPECT_TRUE(problem("[ceilings]\noom = 'kill'").starts_with("f: ceilings.oom: no ceiling; ceilings are memory, stack"));
  EXPECT_EQ(problem("[defaults]\nmemory = 'x'"), "f: defaults.memory: expected a number of bytes such as 64Mi, found `x`");
  EXPECT_EQ(problem("[defaults]\nmemory = 1.5"), "f: defaults.memory: expected a string, a number or a list of strings");
  EXPECT_EQ(problem("SystemdCgroup = true"), "f: SystemdCgroup: unknown; known are the tables `defaults` and `ceilings`");
  constexpr std::string_view kOthers[] = {"SystemdCgroup"};
  EXPECT_TRUE(parse_layer("SystemdCgroup = true", "f", kOthers));
}

TEST(Layer, an_absent_file_is_none_unless_it_was_named) {
  const auto named = read_layer("/nonexistent/wherry.toml");
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().kind, ErrorKind::not_found);
}

TEST(Resolve, the_nearest_value_counts_below_every_ceiling) {
  const Layer layers[] = {layer("[defaults]\nmemory = '32Mi'\n[ceilings]\ncpu = '1'\n"),
                          layer("[defaults]\nmemory = '16Mi'\noom = 'kill'\negress = 'none'\n[ceilings]\nmemory = '1Gi'\negress = '10.0.0.0/8'\nread-only = '/etc'\n")};
  const auto own = annotations_source({{"wherry.dev/memory", "4Gi"}, {"wherry.dev/egress", "all"}, {"wherry.dev/read-only", "/usr"}}, "");
  const auto settings = resolve(*own, layers);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->memory, uint64_t{1} << 30);
  EXPECT_EQ(settings->milli_cpu, 1000u);
  EXPECT_EQ(settings->oom, OnOutOfMemory::kill);
  ASSERT_EQ(settings->egress.size(), 2u);
  EXPECT_EQ(settings->read_only, (std::vector<std::string>{"/usr", "/etc"}));

  const auto silent = resolve(Source(), layers);
  EXPECT_EQ(silent->memory, uint64_t{32} << 20);
  EXPECT_EQ(silent->egress.size(), 2u);  // `none` and the ceiling
}

TEST(Resolve, an_error_names_its_source) {
  const auto bad = annotations_source({{"wherry.dev/memory", "much"}}, "");
  EXPECT_EQ(resolve(*bad, {}).error().message, "annotation wherry.dev/memory: expected a number of bytes such as 64Mi, found `much`");
  const Layer layers[] = {layer("[ceilings]\npreopens = '/data'")};
  const auto outside = annotations_source({{"wherry.dev/preopens", "/"}}, "");
  EXPECT_EQ(resolve(*outside, layers).error().message, "f: ceilings.preopens: `/` is asked for, and only what is below `/data` may be");
}

}  // namespace
}  // namespace wherry::config
