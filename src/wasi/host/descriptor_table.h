// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

namespace wherry::wasi {

// The guest's descriptors by number. A new one takes the lowest free number, as
// in POSIX. Used by one thread at a time.
class DescriptorTable {
 public:
  // At most `limit` descriptors can be open; each gets `policy`, which may be nullptr.
  explicit DescriptorTable(uint32_t limit, Policy* policy = nullptr) : policy_(policy), limit_(limit) {}

  // Any open descriptor, or badf.
  Io<Descriptor*> get(uint32_t fd) {
    if (fd >= slots_.size() || slots_[fd].kind == Descriptor::Kind::closed) return Errno::badf;
    return &slots_[fd];
  }

  // A directory; badf for anything else.
  Io<Descriptor*> directory(uint32_t fd);
  // A file, not stdio; badf for anything else.
  Io<Descriptor*> file(uint32_t fd);
  // A socket; notsock for anything else.
  Io<Descriptor*> socket(uint32_t fd);

  // True while one more descriptor can be added: asked before something is made
  // that could not be taken back.
  bool has_room() const { return open_ < limit_; }
  Io<uint32_t> add(Descriptor descriptor);
  Io<void> close(uint32_t fd);
  // Moves `from` to the open number `to`, whose descriptor is closed.
  Io<void> renumber(uint32_t from, uint32_t to);

 private:
  std::vector<Descriptor> slots_;
  Policy* const policy_;
  const uint32_t limit_;
  uint32_t open_ = 0;
  uint32_t lowest_free_ = 0;  // no number below is free
};

}  // namespace wherry::wasi
