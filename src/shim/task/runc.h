// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::shim {

// The node's runc, or crun: a trusted program that runs the native containers of a
// pod. It is found along `search_path` at each use, so that a node may get another.
// Safe to use from any thread.
class Runc {
 public:
  // Everything that runc keeps of the container is below `directory`, which is made.
  static Result<std::unique_ptr<Runc>> create(std::string search_path, std::string directory, std::string id, bool systemd_cgroup);
  Runc(const Runc&) = delete;
  Runc& operator=(const Runc&) = delete;

  // A process that runc has made: it is a child of this one since runc has ended.
  struct Made {
    int pid = -1;
    UniqueFd pidfd;
    UniqueFd console;  // the master, if a terminal was asked for
  };

  // `stdio`: three descriptors, -1 is /dev/null. The container waits for start().
  Result<Made> create_container(const std::string& bundle, const int* stdio, bool terminal);
  Result<void> start();
  // Runs at once. `process_json`: an OCI Process.
  Result<Made> exec(std::string_view process_json, const int* stdio, bool terminal);
  Result<void> update(std::string_view resources_json);
  // unsupported unless it says that it maps the ids of mounts: runc does since 1.2.
  Result<void> check_maps_ids() const;
  // Also of a container that is gone; takes the directory away.
  void remove();

 private:
  Runc(std::string search_path, std::string directory, std::string id, bool systemd_cgroup)
      : search_path_(std::move(search_path)), directory_(std::move(directory)), id_(std::move(id)), systemd_cgroup_(systemd_cgroup) {}
  Result<void> run(std::vector<std::string> words, const int* stdio) const;
  bool maps_ids() const;
  Result<Made> make(std::vector<std::string> words, const int* stdio, bool terminal) const;
  Result<std::string> program() const;
  std::string new_name(const char* kind) const;
  std::string new_path(const char* kind) const;

  const std::string search_path_;
  const std::string directory_;
  const std::string id_;
  const bool systemd_cgroup_;
  mutable std::atomic<uint64_t> count_ = 0;  // of names given
};

}  // namespace wherry::shim
