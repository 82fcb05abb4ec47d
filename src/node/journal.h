// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::node {

// What of this machine we changed, or are changing. Written before the change, so that whoever comes after a kill
// knows what to finish or to undo.
struct Record {
  enum class Phase : uint8_t {
    changing,     // the file is being edited, or containerd was not seen with it yet
    installed,    // containerd runs with it
    rolled_back,  // containerd did not take it; the file is as before
    removing,
  };

  Phase phase = Phase::changing;
  std::string problem;         // why it was rolled back
  std::string refused;         // SHA-256 of the content that containerd did not take
  std::string file;            // of configuration; "": none was edited
  bool existed = false;        // before our first edit
  std::string before, after;   // SHA-256 of the file's content without and with our block
  std::string made_directory;  // of the file, if there was none
  std::string bin_directory;
  std::vector<std::string> binaries;
  std::string handler;
  std::string address;         // containerd's socket
  std::string distribution;    // by name
};

// The directory that keeps the record and the file as it was before us. One process at a time: the lock is held
// while the object lives.
class Journal {
 public:
  // Fails as unavailable if another process has it.
  static Result<std::unique_ptr<Journal>> create(const std::string& directory);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const std::optional<Record>& record() const { return record_; }
  Result<void> write(const Record& record);
  // The file as it was before our edit.
  Result<void> write_backup(const std::string& content);
  Result<std::string> backup() const;
  // Removes all of the directory that is ours.
  Result<void> clear();

  const std::string& directory() const { return directory_; }

 private:
  Journal(std::string directory, UniqueFd lock) : directory_(std::move(directory)), lock_(std::move(lock)) {}

  const std::string directory_;
  const UniqueFd lock_;
  std::optional<Record> record_;
};

// The record alone, without the lock: for looking at it.
Result<std::optional<Record>> read_record(const std::string& directory);

}  // namespace wherry::node
