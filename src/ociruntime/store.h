// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/cgroup.h"

namespace wherry::ociruntime {

// What the commands of one container tell each other: there is no process of ours
// that lives as long as the container.
struct Record {
  std::string id;
  std::string bundle;
  std::string rootfs;
  std::string cgroup;
  int pid = 0;
  uint64_t start_time = 0;  // so that another process with the same number is not taken for it
  std::string created;      // RFC 3339
  std::string settings;     // config::Settings::to_message(), so that execs are on the same terms
};

// The directory of one container below the root: state.json, the socket on which
// its init waits for the start, and a lock that each command holds while it works.
class Entry {
 public:
  // Made for a new container; already_exists if there is one.
  static Result<std::unique_ptr<Entry>> create(const std::string& root, const std::string& id);
  // not_found "container ID does not exist".
  static Result<std::unique_ptr<Entry>> open(const std::string& root, const std::string& id);
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  const Record& record() const { return record_; }
  Result<void> write(const Record& record);

  // config.json as it was when the container was made: later changes to the bundle's do
  // not concern it.
  Result<void> write_config(std::string_view json) const;
  Result<std::string> config() const;

  // The init's end: bound at the entry's socket, which is there until the start.
  Result<UniqueFd> bind_start_socket() const;
  bool is_started() const;
  // Lets the init run. failed_precondition if it was let before.
  Result<void> start() const;

  std::string path() const { return path_; }
  // Does away with the directory.
  Result<void> remove();

 private:
  Entry(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string start_socket() const { return path_ + "/start"; }
  Result<void> read();

  const std::string path_;
  const UniqueFd lock_;
  Record record_;
};

// The ids of all containers below the root, sorted.
std::vector<std::string> ids(const std::string& root);

enum class Status : uint8_t { created, running, paused, stopped };
const char* name_of(Status status);

// A process that is the one of the record and no other, or nothing.
std::optional<UniqueFd> process_of(const Record& record);
Status status_of(const Entry& entry);
Result<std::unique_ptr<sandbox::Cgroup>> cgroup_of(const Record& record);

// Unless the path is "".
Result<void> write_pid_file(const std::string& path, int pid);

}  // namespace wherry::ociruntime
