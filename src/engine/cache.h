// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "abi/artifact.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/sha256.h"

namespace wherry::engine {

// What of a compilation the artifact depends on, besides module, engine and CPU.
struct CompileOptions {
  bool explicit_bounds_checks = false;
  uint64_t features = ~uint64_t{0};  // wasm/feature.def bits that a module may use; ~0: the defaults
};

// What a compiler process may use.
struct CompilerLimits {
  std::chrono::milliseconds wall{120'000};
  std::chrono::seconds cpu{240};
  uint64_t memory = uint64_t{2} << 30;
  uint64_t artifact_size = uint64_t{2} << 30;
  uint32_t threads = 0;  // 0: as many as CPUs
};

struct CacheConfig {
  std::string directory{};                  // "": /var/cache/wherry as root, else $XDG_CACHE_HOME/wherry or ~/.cache/wherry
  uint64_t max_bytes = uint64_t{4} << 30;  // least recently used artifacts go first
  std::string compiler_path{};              // "": wherryc beside this program
  std::string compiler_cgroup{};            // a directory under /sys/fs/cgroup that compilers are put into; "": none
  CompilerLimits limits{};
};

struct CacheEntry {
  std::string key;
  uint64_t size;
  uint64_t module_size;
  std::string engine;  // build id
  int64_t last_used;   // seconds since the epoch
  bool mapped;         // by a running program
  bool current;        // of this engine build
};

struct CacheProblem {
  std::string key;
  std::string what;
};

struct CacheStats {
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

// One directory of artifacts, used by any number of processes and threads:
//
//   KEY.artifact   key: SHA-256 of (module digest, engine build, options, CPU features)
//   KEY.sha256     of the whole artifact, for verify(), and what it was made for
//   KEY.lock       held by whoever compiles it; a killed process lets go of it
//   modules/       digests of module files by (device, inode, size, ctime)
//
// Only files of this user, or of root, that nobody else can write are used, in a
// directory of which the same holds. An artifact is mapped with a shared flock
// on its descriptor, which keeps prune() from removing it.
class Cache {
 public:
  // Never fails for a directory that can not be used: unusable() then says why,
  // and every artifact is made anew.
  static Result<std::unique_ptr<Cache>> open(CacheConfig config);
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  const CacheConfig& config() const { return config_; }
  const std::string& unusable() const { return unusable_; }  // "": usable

  Result<std::vector<CacheEntry>> list() const;
  CacheStats stats() const;
  // Hashes every artifact and removes those that are not what was written.
  Result<std::vector<CacheProblem>> verify();
  // Removes artifacts of other engine builds, then the least recently used ones
  // beyond `max_bytes`; never one that is mapped. Returns what was removed.
  Result<CacheStats> prune(uint64_t max_bytes);

  // The rest is for prepare().

  int directory() const { return directory_.get(); }
  // The entry's file, locked for mapping; not_found if there is none, denied if
  // it is not ours.
  Result<UniqueFd> find(const abi::Key& key) const;
  // Waits for the right to compile the entry.
  Result<UniqueFd> lock(const abi::Key& key) const;
  void unlock(const abi::Key& key, UniqueFd lock) const;
  // Where a compiler writes before store(): an unlinked file of this directory.
  Result<UniqueFd> temporary() const;
  // Gives the temporary its name, and removes others if there are too many.
  Result<UniqueFd> store(const abi::Key& key, UniqueFd temporary, uint64_t module_size);
  void remove(const abi::Key& key) const;
  // The digest of a file's content, remembered while the file does not change.
  Result<Digest> module_digest(int fd) const;

 private:
  enum class Builds : uint8_t { all, current };

  explicit Cache(CacheConfig config) : config_(std::move(config)) {}
  Result<CacheStats> remove_surplus(uint64_t max_bytes, Builds keep);

  CacheConfig config_;
  std::string unusable_;
  UniqueFd directory_;
  UniqueFd modules_;
};

}  // namespace wherry::engine
