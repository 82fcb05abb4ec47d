// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/sha256.h"
#include "cli/doctor/finding.h"
#include "cli/values.h"
#include "runtime/artifact.h"

namespace wherry::cli {
namespace {

void check_room(Findings& findings, const engine::Cache& cache) {
  constexpr uint64_t kLittle = uint64_t{256} << 20;
  struct statvfs info;
  if (::fstatvfs(cache.directory(), &info) != 0) return;
  const uint64_t left = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  if (left >= kLittle) return findings.ok(format_size(left) + " left on its file system");
  findings.note("only " + format_size(left) + " left on its file system", "make room, or run `wherry cache prune`");
}

// Beside this program, where the engine looks for it.
std::string compiler_path() {
  std::array<char, PATH_MAX> self;
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  const std::string_view path(self.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return std::string(path.substr(0, path.rfind('/') + 1)) + "wherryc";
}

void check_compiler(Findings& findings) {
  const std::string path = compiler_path();
  if (::access(path.c_str(), X_OK) == 0) return findings.ok("compiler " + path);
  findings.problem("no compiler at " + path, "install wherryc beside wherry and the shim");
}

// Whether a start would take it: owner, mode, header, ranges and checksum, as in
// every load; the rest of its content is `wherry cache verify`'s.
bool loads(const engine::Cache& cache, const std::string& name) {
  const auto key = digest_from_hex(name);
  if (!key) return false;
  auto file = cache.find(*key);
  return file && runtime::Artifact::map(std::move(*file), &*key);
}

void check_entries(Findings& findings, const engine::Cache& cache) {
  const auto entries = cache.list();
  if (!entries) return findings.problem(entries.error().to_string(), "remove the directory; it is made again");
  uint64_t bytes = 0, old = 0, broken = 0;
  for (const engine::CacheEntry& entry : *entries) {
    bytes += entry.size;
    old += entry.current ? 0 : 1;
    broken += entry.current && !loads(cache, entry.key) ? 1 : 0;
  }
  findings.ok(std::to_string(entries->size()) + (entries->size() == 1 ? " artifact, " : " artifacts, ") +
              format_size(bytes));
  if (broken > 0)
    findings.problem(std::to_string(broken) + " of them can not be used, and are compiled again at their next start",
                     "run `wherry cache verify`, and see who else writes there");
  if (old > 0)
    findings.note(std::to_string(old) + " of them are of other builds of the engine", "run `wherry cache prune`");
}

}  // namespace

std::vector<Finding> check_cache(engine::CacheConfig config) {
  Findings findings;
  auto cache = engine::Cache::open(std::move(config));
  if (!cache) {
    findings.problem(cache.error().to_string(), "see `wherry cache --help`");
    return findings.take();
  }
  check_compiler(findings);
  const std::string& directory = (*cache)->config().directory;
  if (const std::string& why = (*cache)->unusable(); !why.empty()) {
    findings.problem(why + ": every start compiles",
                     "make " + directory + " a directory of your own that nobody else can write, with room in it");
    return findings.take();
  }
  findings.ok("directory " + directory);
  check_entries(findings, **cache);
  check_room(findings, **cache);
  return findings.take();
}

}  // namespace wherry::cli
