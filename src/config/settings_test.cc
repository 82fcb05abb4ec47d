// SPDX-License-Identifier: Apache-2.0
#include "config/settings.h"

#include <gtest/gtest.h>

#include "config/quantity.h"

namespace wherry::config {
namespace {

std::string problem(Setting setting, std::string_view text) {
  Settings settings;
  const auto done = settings.narrow(setting, text);
  return done ? "" : done.error().message;
}

Settings with(std::initializer_list<std::pair<Setting, std::string_view>> values) {
  Settings settings;
  for (const auto& [setting, text] : values) {
    const auto done = settings.narrow(setting, text);
    EXPECT_TRUE(done) << info(setting).key << ": " << (done ? "" : done.error().message);
  }
  return settings;
}

TEST(Quantity, is_written_as_in_kubernetes) {
  EXPECT_EQ(*parse_bytes("64Mi"), uint64_t{64} << 20);
  EXPECT_EQ(*parse_bytes("1.5Gi"), uint64_t{3} << 29);
  EXPECT_EQ(*parse_bytes("5M"), 5'000'000u);
  EXPECT_EQ(*parse_bytes("67108864"), 67108864u);
  EXPECT_EQ(*parse_milli_cpu("500m"), 500u);
  EXPECT_EQ(*parse_milli_cpu("1.5"), 1500u);
  for (const char* bad : {"", "0", "-1", "Mi", "64MB", "64 Mi", "1.", "1.Mi", "99999999999Ti", "18446744073709551616", "1e3", "0x10"}) EXPECT_FALSE(parse_bytes(bad)) << bad;
  for (const char* bad : {"0m", "m", "1k", "0.0001"}) EXPECT_FALSE(parse_milli_cpu(bad)) << bad;
}

TEST(Settings, every_example_of_the_table_is_valid) {
  for (size_t i = 0; i < kSettingCount; i++) EXPECT_EQ(problem(static_cast<Setting>(i), kSettings[i].example), "") << kSettings[i].key;
}

TEST(Settings, a_second_value_can_only_narrow) {
  const Settings settings = with({{Setting::memory, "64Mi"}, {Setting::memory, "1Gi"}, {Setting::cpu, "2"}, {Setting::cpu, "500m"},
                                  {Setting::native, "deny"}, {Setting::native, "allow"}, {Setting::features, "-simd"}, {Setting::features, "simd,multi-value"}});
  EXPECT_EQ(settings.memory, uint64_t{64} << 20);
  EXPECT_EQ(settings.milli_cpu, 500u);
  EXPECT_FALSE(settings.allow_native);
  EXPECT_FALSE(settings.features.contains(wasm::Feature::simd));
  EXPECT_TRUE(settings.features.contains(wasm::Feature::multi_value));
  EXPECT_FALSE(settings.features.contains(wasm::Feature::tail_call));
  EXPECT_TRUE(settings.features.contains(wasm::Feature::mvp));
}

TEST(Settings, what_needs_a_feature_goes_with_it) {
  const Settings settings = with({{Setting::features, "-bulk-memory"}});
  EXPECT_FALSE(settings.features.contains(wasm::Feature::bulk_memory));
  EXPECT_FALSE(settings.features.contains(wasm::Feature::reference_types));
  EXPECT_TRUE(with({{Setting::features, "reference-types"}}).features.contains(wasm::Feature::bulk_memory));
}

TEST(Settings, directories_stay_below_those_of_a_ceiling) {
  const Settings settings = with({{Setting::preopens, "/data/./app/,/etc/app"}, {Setting::preopens, "/data,/etc:ro"}});
  ASSERT_EQ(settings.preopens->size(), 2u);
  EXPECT_EQ((*settings.preopens)[0].path, "/data/app");
  EXPECT_FALSE((*settings.preopens)[0].read_only);
  EXPECT_TRUE((*settings.preopens)[1].read_only);

  Settings outside = with({{Setting::preopens, "/database"}});
  EXPECT_EQ(outside.narrow(Setting::preopens, "/data").error().message, "`/database` is asked for, and only what is below `/data` may be");
  EXPECT_EQ(with({{Setting::preopens, "/data"}}).preopens->size(), 1u);
  EXPECT_TRUE(with({{Setting::preopens, "none"}}).preopens->empty());
}

TEST(Settings, names_pass_by_patterns) {
  const auto allows = [](const char* text, const char* name) { return with({{Setting::environment, text}}).environment[0].allows(name); };
  EXPECT_TRUE(allows("-KUBERNETES_*", "HOME"));
  EXPECT_FALSE(allows("-KUBERNETES_*", "KUBERNETES_PORT"));
  EXPECT_TRUE(allows("PATH,APP_*", "APP_X"));
  EXPECT_FALSE(allows("PATH,APP_*", "PATHS"));
  EXPECT_FALSE(allows("APP_*,-APP_KEY", "APP_KEY"));
  EXPECT_TRUE(allows("all,-X", "Y"));
  EXPECT_FALSE(allows("none", "Y"));
}

TEST(Settings, refuses_bad_values_in_words) {
  EXPECT_EQ(problem(Setting::memory, "lots"), "expected a number of bytes such as 64Mi, found `lots`");
  EXPECT_EQ(problem(Setting::oom, "maybe"), "expected `report`, `kill` or `deny`, found `maybe`");
  EXPECT_EQ(problem(Setting::stack, "1"), "expected 64Ki to 1Gi, found `1`");
  EXPECT_EQ(problem(Setting::cpu, "1m"), "expected 10m or more, found `1m`");
  EXPECT_EQ(problem(Setting::features, "turbo"), "unknown feature `turbo`; see `wherry help features`");
  EXPECT_EQ(problem(Setting::features, "gc"), "feature `gc` is not supported");
  EXPECT_EQ(problem(Setting::compile_tier, "optimizing"), "expected `auto` or `baseline`, found `optimizing`");
  EXPECT_EQ(problem(Setting::preopens, "data"), "expected an absolute path, found `data`");
  EXPECT_EQ(problem(Setting::read_only, "/a/../b"), "path `/a/../b`: no `..`");
  EXPECT_EQ(problem(Setting::environment, "A=B"), "name `A=B`: expected [-]NAME or [-]PREFIX*");
  EXPECT_EQ(problem(Setting::debug, "all"), "expected `host-calls`, `summary` or `none`, found `all`");
  EXPECT_EQ(problem(Setting::native, "yes"), "expected `allow` or `deny`, found `yes`");
  EXPECT_EQ(problem(Setting::egress, " \n "), "empty; for example `*.example.com:443,10.0.0.0/8`");
  EXPECT_EQ(problem(Setting::egress, std::string_view("a\0b", 3)), "a control character in the value");
  EXPECT_EQ(problem(Setting::egress, std::string(70000, 'a')), "longer than 65536 bytes");
}

TEST(Settings, survive_the_way_to_another_process) {
  const Settings settings = with({{Setting::memory, "64Mi"}, {Setting::egress, "10.0.0.0/8\n192.168.0.0/16"}, {Setting::egress, "none"}, {Setting::oom, "kill"}});
  const auto read = Settings::from_message(settings.to_message());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->applied(), settings.applied());
  EXPECT_EQ(read->egress.size(), 2u);
  EXPECT_EQ(read->oom, OnOutOfMemory::kill);
  EXPECT_FALSE(Settings::from_message("memory"));
  EXPECT_FALSE(Settings::from_message("speed high\n"));
  EXPECT_FALSE(Settings::from_message("memory much\n"));
  EXPECT_TRUE(Settings::from_message(""));
}

}  // namespace
}  // namespace wherry::config
