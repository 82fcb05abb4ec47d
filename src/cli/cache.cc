// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"
#include "engine/cache.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/suggest.h"
#include "cli/values.h"

namespace wherry::cli {
namespace {

struct CacheOptions {
  std::string directory;
  std::optional<Size> max_size;
  bool json = false;
};

constexpr Option kOptions[] = {
    {"cache", 0, "DIR", "[default: /var/cache/wherry, or your own ~/.cache/wherry]", set<&CacheOptions::directory>},
    {"max-size", 0, "SIZE", "what prune keeps at most [default: 4GiB]", set<&CacheOptions::max_size>},
    {"json", 0, "", "ls: prints JSON, sizes in bytes", set<&CacheOptions::json>},
};

const char* state_of(const engine::CacheEntry& entry) {
  return entry.mapped ? "in use" : entry.current ? "" : "old engine";
}

void print_json(const std::vector<engine::CacheEntry>& entries) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const engine::CacheEntry& entry : entries)
    list.push_back({{"key", entry.key},
                    {"size", entry.size},
                    {"module_size", entry.module_size},
                    {"engine", entry.engine},
                    {"last_used", entry.last_used},
                    {"mapped", entry.mapped},
                    {"current", entry.current}});
  std::puts(json_text(list, 2).c_str());
}

Result<int> list(engine::Cache& cache, const CacheOptions& options) {
  std::vector<engine::CacheEntry> entries = TRY(cache.list());
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.last_used > b.last_used; });
  if (options.json) {
    print_json(entries);
    return 0;
  }
  uint64_t bytes = 0;
  if (!entries.empty()) std::printf("%-14s %10s %10s %12s\n", "KEY", "SIZE", "MODULE", "LAST USED");
  for (const engine::CacheEntry& entry : entries) {
    const auto age = std::chrono::seconds(std::max<int64_t>(0, std::time(nullptr) - entry.last_used));
    std::printf("%-14.12s %10s %10s %8s ago%s%s\n", entry.key.c_str(), format_size(entry.size).c_str(),
                format_size(entry.module_size).c_str(), format_duration(age).c_str(), *state_of(entry) ? "  " : "",
                state_of(entry));
    bytes += entry.size;
  }
  std::printf("%zu artifact%s, %s, in %s\n", entries.size(), entries.size() == 1 ? "" : "s", format_size(bytes).c_str(),
              cache.config().directory.c_str());
  return 0;
}

Result<int> verify(engine::Cache& cache, const CacheOptions&) {
  const engine::CacheStats before = cache.stats();
  const std::vector<engine::CacheProblem> problems = TRY(cache.verify());
  for (const engine::CacheProblem& problem : problems)
    std::printf("%s; removed\n", problem.what.c_str());
  std::printf("%llu artifact%s, %s, %zu broken\n", static_cast<unsigned long long>(before.entries),
              before.entries == 1 ? "" : "s", format_size(before.bytes).c_str(), problems.size());
  return problems.empty() ? 0 : kFailure;
}

Result<int> prune(engine::Cache& cache, const CacheOptions& options) {
  const uint64_t limit = options.max_size ? options.max_size->bytes : cache.config().max_bytes;
  const engine::CacheStats removed = TRY(cache.prune(limit));
  const engine::CacheStats left = cache.stats();
  std::printf("%llu removed, %s; %llu left, %s\n", static_cast<unsigned long long>(removed.entries),
              format_size(removed.bytes).c_str(), static_cast<unsigned long long>(left.entries),
              format_size(left.bytes).c_str());
  return 0;
}

Result<int> cache(const CacheOptions& options, const Arguments& arguments) {
  constexpr struct {
    std::string_view name;
    Result<int> (*run)(engine::Cache& cache, const CacheOptions& options);
  } kActions[] = {{"ls", list}, {"verify", verify}, {"prune", prune}};
  std::vector<std::string_view> names;
  for (const auto& action : kActions) {
    names.push_back(action.name);
    if (action.name != arguments[0]) continue;
    engine::CacheConfig config;
    config.directory = options.directory;
    const auto opened = TRY(engine::Cache::open(std::move(config)));
    if (!opened->unusable().empty()) return error(ErrorKind::unavailable, opened->unusable());
    return action.run(*opened, options);
  }
  std::fprintf(stderr, "error: wherry cache: unknown action `%s`%s\n", arguments[0].c_str(),
               suggestion(arguments[0], names).c_str());
  return kUsageError;
}

}  // namespace

const Command kCache = {
    .name = "cache",
    .arguments = "ls | verify | prune",
    .min_arguments = 1,
    .max_arguments = 1,
    .order = Order::any,
    .summary = "lists, checks or shrinks the cache of compiled modules",
    .details = "verify removes what is not as it was written, prune what other engine builds left",
    .options = kOptions,
    .examples = {"cache ls", "cache prune --max-size 256MiB"},
    .main = command_main<CacheOptions, cache>,
};

}  // namespace wherry::cli
