// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace wherry::shim {

// containerd's directory for one container, and the notes that Create leaves in
// it so that `delete`, another process, can clean up after a shim that died.
class Bundle {
 public:
  explicit Bundle(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string rootfs() const { return path_ + "/rootfs"; }
  std::string log_fifo() const { return path_ + "/log"; }

  Result<std::string> config() const;

  // The socket of the shim that serves the container, as unix:// URI. containerd
  // 1.x reads this file too.
  Result<void> write_address(const std::string& address) const;
  std::string read_address() const;

  // The cgroup that this container owns, noted as soon as it is made.
  Result<void> write_cgroup(const std::string& path) const;
  std::string read_cgroup() const;

  // The init process, with its start time, so that another process that got the
  // same number is not taken for it.
  struct Process {
    int pid = 0;
    uint64_t start_time = 0;
  };
  Result<void> write_init(int pid) const;
  std::optional<Process> read_init() const;

  void forget() const;  // removes the notes, but for the address

 private:
  std::string path_;
};

// An id is one name, never a way out of a directory.
Result<void> check_id(std::string_view id, std::string_view what = "container id");

}  // namespace wherry::shim
