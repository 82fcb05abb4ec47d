// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wasi/host/descriptor_table.h"
#include "wasi/host/dns.h"
#include "wasi/host/policy.h"
#include "wasi/host/poll.h"
#include "wasi/host/wait.h"

namespace wherry::wasi {

// Everything that one container's guest has of the outside world; the interfaces
// p1 and wasmedge are thin layers over it. Used by one thread at a time.
struct Host {
  static constexpr uint32_t kMaxDescriptors = 65536;

  std::vector<std::string> args;
  std::vector<std::string> env;  // K=V
  Policy policy;
  std::unique_ptr<PinnedNames> names;  // nullptr: what files say at the time
  DescriptorTable files{kMaxDescriptors, &policy};
  Poller poller;
  Wake wake;
};

// A duplicate of this process's descriptor 0, 1 or 2.
Io<Descriptor> stdio(int fd);

struct PreopenedDirectory {
  UniqueFd fd;
  std::string name;
  bool read_only = false;
  Descriptor::Scope scope = Descriptor::Scope::beneath;
};
Io<Descriptor> preopened_directory(PreopenedDirectory directory);

}  // namespace wherry::wasi
