// SPDX-License-Identifier: Apache-2.0
#include "engine/cache_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>

#include "engine/module_digest.h"
#include "engine/trusted_file.h"

namespace wherry::engine {
namespace {

constexpr std::string_view kArtifactSuffix = ".artifact";

// The names of a directory; none if it can not be read.
std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const stream = copy < 0 ? nullptr : fdopendir(copy);
  if (!stream) {
    if (copy >= 0) close(copy);
    return names;
  }
  while (const dirent* entry = readdir(stream)) names.emplace_back(entry->d_name);
  closedir(stream);
  return names;
}

// The rest of the line that begins with `word`.
std::string_view field(std::string_view text, std::string_view word) {
  const size_t at = text.find(word);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + word.size());
  return text.substr(0, text.find('\n'));
}

bool is_older(const struct stat& status, time_t seconds) { return time(nullptr) - status.st_mtim.tv_sec > seconds; }

// Nobody holds a lock on it.
bool can_lock(int file) { return flock(file, LOCK_EX | LOCK_NB) == 0; }

}  // namespace

std::string to_string(const EntryRecord& record) {
  return "sha256 " + to_hex(record.digest) + "\nmodule-size " + std::to_string(record.module_size) + "\nengine " +
         std::string(record.build.data(), record.build.size()) + "\n";
}

Result<EntryRecord> read_record(int directory, const std::string& key) {
  constexpr size_t kLimit = 1024;
  const UniqueFd file = TRY(open_trusted(directory, record_name(key)));
  const std::string text = TRY(read_all(file.get(), kLimit, record_name(key)));
  EntryRecord record;
  const auto digest = digest_from_hex(field(text, "sha256 "));
  const std::string_view size = field(text, "module-size "), build = field(text, "engine ");
  const auto parsed = std::from_chars(size.data(), size.data() + size.size(), record.module_size);
  if (!digest || parsed.ec != std::errc() || build.size() != record.build.size()) {
    return error(ErrorKind::malformed, record_name(key) + ": not a record of the cache");
  }
  record.digest = *digest;
  std::copy_n(build.data(), build.size(), record.build.data());
  return record;
}

Result<std::vector<CacheEntry>> read_entries(int directory) {
  std::vector<CacheEntry> entries;
  for (const std::string& name : names_in(directory)) {
    if (!name.ends_with(kArtifactSuffix)) continue;
    const auto file = open_trusted(directory, name);
    struct stat status;
    if (!file || fstat(file->get(), &status) != 0) continue;
    CacheEntry entry;
    entry.key = name.substr(0, name.size() - kArtifactSuffix.size());
    entry.size = static_cast<uint64_t>(status.st_size);
    entry.last_used = status.st_atim.tv_sec;
    entry.mapped = !can_lock(file->get());
    const auto record = read_record(directory, entry.key);
    entry.module_size = record ? record->module_size : 0;
    entry.engine = record ? std::string(record->build.data(), record->build.size()) : "unknown";
    entry.current = record && record->build == abi::build_id();
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> verify_entry(int directory, const std::string& key) {
  const EntryRecord record = TRY(read_record(directory, key));
  const UniqueFd file = TRY(open_trusted(directory, artifact_name(key)));
  if (TRY(file_digest(file.get())) != record.digest) {
    return error(ErrorKind::malformed, artifact_name(key) + ": its content is not what was written");
  }
  return {};
}

void remove_entry(int directory, const std::string& key) {
  unlinkat(directory, artifact_name(key).c_str(), 0);
  unlinkat(directory, record_name(key).c_str(), 0);
}

bool remove_unmapped_entry(int directory, const std::string& key) {
  const UniqueFd file(openat(directory, artifact_name(key).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  // The lock makes who opens it now wait, and then find that it is gone.
  if (!file || !can_lock(file.get())) return false;
  remove_entry(directory, key);
  return true;
}

void remove_leftovers(int directory, int modules) {
  constexpr time_t kHour = 3600, kMonth = 30 * 24 * kHour;
  for (const std::string& name : names_in(directory)) {
    if (!name.starts_with(".new-") && !name.ends_with(".lock")) continue;
    const UniqueFd file(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status;
    if (file && fstat(file.get(), &status) == 0 && is_older(status, kHour) && can_lock(file.get())) {
      unlinkat(directory, name.c_str(), 0);
    }
  }
  for (const std::string& name : names_in(modules)) {
    struct stat status;
    if (fstatat(modules, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
        is_older(status, kMonth)) {
      unlinkat(modules, name.c_str(), 0);
    }
  }
}

}  // namespace wherry::engine
