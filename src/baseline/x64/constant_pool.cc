// SPDX-License-Identifier: Apache-2.0
#include "baseline/x64/constant_pool.h"

namespace wherry::baseline::x64 {

uint32_t ConstantPool::add(const Constant128& bits) {
  const auto [it, added] = index_.try_emplace(bits, static_cast<uint32_t>(constants_.size()));
  if (added) constants_.push_back(bits);
  return it->second;
}

void ConstantPool::finish(Assembler& a) {
  if (!constants_.empty()) {
    a.align_to(16);
    const uint32_t start = a.position();
    a.raw(constants_.data(), constants_.size() * sizeof(Constant128));
    for (const Reference& r : references_) a.write32(r.position, start + 16 * r.constant - (r.position + 4));
  }
  constants_.clear();
  index_.clear();
  references_.clear();
}

}  // namespace wherry::baseline::x64
