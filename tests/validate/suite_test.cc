// SPDX-License-Identifier: Apache-2.0
// Every module and every assert_malformed and assert_invalid of the core suite.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "decode/decode.h"
#include "validate/validate.h"
#include "wasm/limits.h"

namespace wherry {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path archive() {
  const char* const folder = std::getenv("WHERRY_TESTDATA");
  return (folder ? fs::path(folder) : fs::path(WHERRY_SOURCE_DIR) / "../shared/testdata") / "core.tar.zst";
}

// Unpacked once into the build tree; by rename, so that two runs at a time do
// not see each other's half.
fs::path unpacked_suite() {
  const fs::path target = fs::path(WHERRY_SUITE_DIR) / "core-suite";
  if (fs::exists(target)) return target;
  std::string scratch = target.string() + ".XXXXXX";
  if (!mkdtemp(scratch.data())) return {};
  const std::string command = "tar --zstd -xf '" + archive().string() + "' -C '" + scratch + "'";
  if (std::system(command.c_str()) != 0) return {};
  std::error_code failed;
  fs::rename(scratch, target, failed);
  if (failed) fs::remove_all(scratch);
  return target;
}

Result<void> check(const fs::path& file) {
  const std::string bytes = TRY(read_file(file.string(), wasm::kMaxModuleSize));
  const std::span<const uint8_t> binary(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  const wasm::Module module = TRY(decode::decode(binary));
  return validate::validate(module);
}

// Whether this binary command ends as the suite says; `unsupported` counts those
// that need a feature that is off.
std::string problem(const json& command, const fs::path& folder, std::map<std::string, int>& unsupported) {
  const std::string type = command["type"];
  const bool good = type == "module" || type == "module_definition" || type == "assert_unlinkable" || type == "assert_uninstantiable";
  if (!good && type != "assert_malformed" && type != "assert_invalid") return "";
  if (command.value("module_type", "binary") != "binary" || !command.contains("filename")) return "";
  const Result<void> result = check(folder / command["filename"].get<std::string>());
  if (result) return good ? "" : "accepted, should be: " + command["text"].get<std::string>();
  const Error& found = result.error();
  if (found.kind == ErrorKind::unsupported) return ++unsupported[found.message], "";
  if (good) return found.to_string();
  const ErrorKind kind = type == "assert_malformed" ? ErrorKind::malformed : ErrorKind::invalid;
  const std::string expected = command["text"];
  if (found.kind == kind && found.message.starts_with(expected) && found.offset != Error::kNoOffset) return "";
  return "expected " + type + " \"" + expected + "\", found " + found.to_string();
}



TEST(CoreSuite, modules_decode_and_validate_or_fail_as_the_suite_says) {
  if (!fs::exists(archive())) GTEST_SKIP() << "no " << archive() << ": set WHERRY_TESTDATA to a folder with core.tar.zst";
  const fs::path suite = unpacked_suite();
  ASSERT_FALSE(suite.empty()) << "tar --zstd could not unpack " << archive();
  std::map<std::string, int> unsupported;
  size_t commands = 0;
  for (const auto& entry : fs::directory_iterator(suite / "core/json")) {
    const fs::path file = entry.path() / (entry.path().filename().string() + ".json");
    if (!fs::exists(file)) continue;
    const auto text = read_file(file.string(), 1 << 26);
    ASSERT_TRUE(text) << text.error().to_string();
    const json script = json::parse(*text, nullptr, false);
    ASSERT_TRUE(script.is_object()) << file;
    for (const json& command : script["commands"]) {
      ++commands;
      const std::string found = problem(command, entry.path(), unsupported);
      EXPECT_EQ(found, "") << script.value("source_filename", "") << ":" << command["line"];
    }
  }
  EXPECT_GT(commands, 60'000u);
  for (const auto& [message, count] : unsupported) std::cout << count << " commands: " << message << "\n";
}

}  // namespace
}  // namespace wherry
