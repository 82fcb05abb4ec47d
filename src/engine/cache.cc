// SPDX-License-Identifier: Apache-2.0
#include "engine/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "engine/cache_files.h"
#include "engine/module_digest.h"
#include "engine/trusted_file.h"

namespace wherry::engine {
namespace {

std::string default_directory() {
  if (geteuid() == 0) return "/var/cache/wherry";
  const char* const cache = getenv("XDG_CACHE_HOME");
  if (cache && cache[0] == '/') return std::string(cache) + "/wherry";
  const char* const home = getenv("HOME");
  return home && home[0] == '/' ? std::string(home) + "/.cache/wherry" : std::string();
}

std::string hex(const abi::Key& key) { return to_hex(key); }

// Says to prune() that the entry is in use, without a write on every start.
void touch(int file, const struct stat& status) {
  constexpr time_t kOften = 60;
  if (time(nullptr) - status.st_atim.tv_sec < kOften) return;
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  futimens(file, times);
}

}  // namespace

Result<std::unique_ptr<Cache>> Cache::open(CacheConfig config) {
  if (config.directory.empty()) config.directory = default_directory();
  std::unique_ptr<Cache> cache(new Cache(std::move(config)));
  if (cache->config_.directory.empty()) {
    cache->unusable_ = "neither HOME nor XDG_CACHE_HOME is set";
    return cache;
  }
  auto directory = open_trusted_directory(cache->config_.directory);
  if (!directory) {
    cache->unusable_ = directory.error().message;
    return cache;
  }
  cache->directory_ = std::move(*directory);
  mkdirat(cache->directory_.get(), "modules", 0700);
  UniqueFd modules(openat(cache->directory_.get(), "modules", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (modules && check_trusted(modules.get(), "modules")) cache->modules_ = std::move(modules);
  return cache;
}

Result<UniqueFd> Cache::find(const abi::Key& key) const {
  if (!directory_) return error(ErrorKind::not_found, "no cache");
  UniqueFd file = TRY(open_trusted(directory(), artifact_name(hex(key))));
  if (flock(file.get(), LOCK_SH) != 0) return os_error(errno, "cache entry");
  struct stat status;
  if (fstat(file.get(), &status) != 0) return os_error(errno, "cache entry");
  if (status.st_nlink == 0) return error(ErrorKind::not_found, "cache entry: just removed");
  touch(file.get(), status);
  return file;
}

Result<UniqueFd> Cache::lock(const abi::Key& key) const {
  const std::string name = lock_name(hex(key));
  const auto deadline = std::chrono::steady_clock::now() + config_.limits.wall + std::chrono::seconds(5);
  for (;;) {
    UniqueFd file(openat(directory(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return os_error(errno, "cache lock");
    while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return os_error(errno, "cache lock");
      if (std::chrono::steady_clock::now() > deadline) {
        return error(ErrorKind::unavailable, "another process holds the entry's lock for too long");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    // The holder before us removed the file when it was done.
    struct stat status;
    if (fstat(file.get(), &status) == 0 && status.st_nlink > 0) return file;
  }
}

void Cache::unlock(const abi::Key& key, UniqueFd lock) const {
  unlinkat(directory(), lock_name(hex(key)).c_str(), 0);
  lock.reset();
}

Result<UniqueFd> Cache::temporary() const {
  if (!directory_) return error(ErrorKind::unavailable, unusable_);
  return unnamed_file(directory());
}

Result<UniqueFd> Cache::store(const abi::Key& key, UniqueFd temporary, uint64_t module_size) {
  const Digest digest = TRY(file_digest(temporary.get()));
  TRY(write_trusted(directory(), record_name(hex(key)), to_string(EntryRecord{digest, module_size, abi::build_id()})));
  TRY(name_file(directory(), temporary.get(), artifact_name(hex(key))));
  temporary.reset();
  // Found before others may be removed for it: found means locked.
  UniqueFd file = TRY(find(key));
  if (stats().bytes > config_.max_bytes) (void)remove_surplus(config_.max_bytes, Builds::all);
  return file;
}

void Cache::remove(const abi::Key& key) const { remove_entry(directory(), hex(key)); }

Result<Digest> Cache::module_digest(int fd) const { return remembered_digest(fd, modules_.get()); }

Result<std::vector<CacheEntry>> Cache::list() const {
  if (!directory_) return error(ErrorKind::unavailable, unusable_);
  std::vector<CacheEntry> entries = TRY(read_entries(directory()));
  std::ranges::sort(entries, std::greater{}, &CacheEntry::last_used);
  return entries;
}

CacheStats Cache::stats() const {
  CacheStats stats;
  const auto entries = list();
  if (!entries) return stats;
  for (const CacheEntry& entry : *entries) stats.bytes += entry.size;
  stats.entries = entries->size();
  return stats;
}

Result<std::vector<CacheProblem>> Cache::verify() {
  std::vector<CacheProblem> problems;
  for (const CacheEntry& entry : TRY(list())) {
    const Result<void> sound = verify_entry(directory(), entry.key);
    if (sound) continue;
    problems.push_back({entry.key, sound.error().message});
    remove_entry(directory(), entry.key);
  }
  return problems;
}

Result<CacheStats> Cache::prune(uint64_t max_bytes) {
  remove_leftovers(directory(), modules_.get());
  return remove_surplus(max_bytes, Builds::current);
}

Result<CacheStats> Cache::remove_surplus(uint64_t max_bytes, Builds keep) {
  std::vector<CacheEntry> entries = TRY(list());
  uint64_t total = 0;
  for (const CacheEntry& entry : entries) total += entry.size;
  // Those of other builds first, then the least recently used.
  std::ranges::stable_sort(entries, [](const CacheEntry& a, const CacheEntry& b) {
    return a.current != b.current ? b.current : a.last_used < b.last_used;
  });
  CacheStats removed;
  for (const CacheEntry& entry : entries) {
    const bool unwanted = keep == Builds::current && !entry.current;
    if (!unwanted && total <= max_bytes) break;
    if (!remove_unmapped_entry(directory(), entry.key)) continue;
    total -= entry.size;
    removed.bytes += entry.size;
    ++removed.entries;
  }
  return removed;
}

}  // namespace wherry::engine
