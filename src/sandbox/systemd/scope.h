// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// The systemd driver: the container's cgroup is a transient scope unit, so that
// systemd, which owns the tree, knows of it and delegates it to us.

struct ScopeUnit {
  std::string slice;  // "kubepods-burstable.slice"
  std::string name;   // "cri-containerd-ID.scope"
};

// Whether cgroupsPath has the form slice:prefix:name, which asks for this driver.
bool names_scope(std::string_view cgroupsPath);

// "slice:prefix:name" as runc reads it; an empty slice is system.slice.
Result<ScopeUnit> parse_scope(std::string_view cgroupsPath);

// Where systemd puts the unit: a-b.slice is /a.slice/a-b.slice.
std::string cgroup_of(const ScopeUnit& unit);

// Keeps a new scope alive, which ends with its last process, until a container's
// process is in it. Dies with this object and with the thread that made it.
class Placeholder {
 public:
  static Result<std::unique_ptr<Placeholder>> create();
  ~Placeholder();
  Placeholder(const Placeholder&) = delete;
  Placeholder& operator=(const Placeholder&) = delete;
  int pid() const { return pid_; }

 private:
  explicit Placeholder(int pid) : pid_(pid) {}
  const int pid_;
};

// Both talk to systemd at `socket` and wait, at most some seconds.
Result<void> start_scope(const std::string& socket, const ScopeUnit& unit, int pid);
// Tells systemd the limits that it knows of, which it would reset otherwise
// whenever it is reloaded; the caller writes the files all the same.
Result<void> set_scope(const std::string& socket, const ScopeUnit& unit, const Resources& resources, bool unified);

}  // namespace wherry::sandbox
