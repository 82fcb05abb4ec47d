// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/descriptor_table.h"

#include <algorithm>

namespace wherry::wasi {

using Kind = Descriptor::Kind;

Io<Descriptor*> DescriptorTable::directory(uint32_t fd) {
  Descriptor* descriptor = TRY(get(fd));
  if (descriptor->kind != Kind::directory) return Errno::badf;
  return descriptor;
}

Io<Descriptor*> DescriptorTable::file(uint32_t fd) {
  Descriptor* descriptor = TRY(get(fd));
  if (descriptor->kind != Kind::file) return Errno::badf;
  return descriptor;
}

Io<Descriptor*> DescriptorTable::socket(uint32_t fd) {
  Descriptor* descriptor = TRY(get(fd));
  if (descriptor->kind != Kind::socket) return Errno::notsock;
  return descriptor;
}

Io<uint32_t> DescriptorTable::add(Descriptor descriptor) {
  if (!has_room()) return Errno::mfile;
  while (lowest_free_ < slots_.size() && slots_[lowest_free_].kind != Kind::closed) lowest_free_++;
  if (lowest_free_ == slots_.size()) slots_.emplace_back();
  slots_[lowest_free_] = std::move(descriptor);
  slots_[lowest_free_].policy = policy_;
  open_++;
  return lowest_free_++;
}

Io<void> DescriptorTable::close(uint32_t fd) {
  Descriptor* descriptor = TRY(get(fd));
  *descriptor = Descriptor{};
  open_--;
  lowest_free_ = std::min(lowest_free_, fd);
  return {};
}

Io<void> DescriptorTable::renumber(uint32_t from, uint32_t to) {
  Descriptor* source = TRY(get(from));
  Descriptor* target = TRY(get(to));
  if (from == to) return {};
  *target = std::move(*source);
  return close(from);
}

}  // namespace wherry::wasi
