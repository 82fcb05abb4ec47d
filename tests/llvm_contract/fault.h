// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "call.h"

namespace wherry::test {

// Address space with a part that can be used and the rest, which faults.
class Reserved {
 public:
  // Usable are the last `usable` bytes.
  Reserved(size_t size, size_t usable);
  ~Reserved();
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;

  uint8_t* begin() const { return memory_; }
  uint8_t* usable_begin() const { return memory_ + size_ - usable_; }
  uint8_t* end() const { return memory_ + size_; }

 private:
  uint8_t* memory_;
  size_t size_;
  size_t usable_;
};

struct Fault {
  const uint8_t* address;
  const uint8_t* pc;
};

// Makes the call; the fault that ended it, if one did.
std::optional<Fault> call_until_fault(Call& call);

}  // namespace wherry::test
