// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "abi/build_id.h"
#include "base/result.h"
#include "base/sha256.h"
#include "engine/cache.h"

// The files of a cache directory: names, records, removal. `key` is in hex.
namespace wherry::engine {

inline std::string artifact_name(const std::string& key) { return key + ".artifact"; }
inline std::string record_name(const std::string& key) { return key + ".sha256"; }
inline std::string lock_name(const std::string& key) { return key + ".lock"; }

// What stands beside an artifact.
struct EntryRecord {
  Digest digest{};  // of the whole artifact
  uint64_t module_size = 0;
  abi::BuildId build{};
};

// Three lines: "sha256 HEX", "module-size N", "engine ID".
std::string to_string(const EntryRecord& record);
Result<EntryRecord> read_record(int directory, const std::string& key);

Result<std::vector<CacheEntry>> read_entries(int directory);

// Whether the artifact is byte for byte what was stored.
Result<void> verify_entry(int directory, const std::string& key);

void remove_entry(int directory, const std::string& key);
// False if it is mapped, or gone.
bool remove_unmapped_entry(int directory, const std::string& key);
// Temporary names and locks that a killed process left, and module digests that
// were not asked for in a month.
void remove_leftovers(int directory, int modules);

}  // namespace wherry::engine
