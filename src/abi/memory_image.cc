// SPDX-License-Identifier: Apache-2.0
#include "abi/memory_image.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "wasm/code_reader.h"

namespace wherry::abi {
namespace {

constexpr uint64_t kHostPage = 4096;
constexpr uint64_t kSmallImage = 256u << 10;  // any density
constexpr uint64_t kMaxSparseness = 4;        // of a larger one: bytes per byte of data

std::optional<uint32_t> constant_offset(const wasm::ConstExpr& expression) {
  wasm::TrustedCodeReader reader(expression);
  wasm::Instruction in, end;
  if (reader.at_end() || !reader.next(in) || in.op != wasm::Opcode::i32_const) return std::nullopt;
  if (reader.at_end() || !reader.next(end) || end.op != wasm::Opcode::end) return std::nullopt;
  return static_cast<uint32_t>(in.value);
}

}  // namespace

MemoryImage make_memory_image(const wasm::Module& module) {
  if (module.imported_memories || module.memories.empty() || module.memories[0].address != wasm::AddressType::i32) return {};
  const uint64_t length = module.memories[0].limits.min * wasm::kPageSize;
  uint64_t from = ~uint64_t{0}, to = 0, total = 0;
  for (const wasm::Data& data : module.datas) {
    if (!data.active || data.memory.value != 0) continue;
    const auto offset = constant_offset(data.offset);
    const uint64_t size = data.init.bytes.size();
    // A segment that traps, or whose place is not known, must run in its turn.
    if (!offset || *offset + size > length) return {};
    if (!size) continue;
    from = std::min<uint64_t>(from, *offset);
    to = std::max<uint64_t>(to, *offset + size);
    total += size;
  }
  if (!total) return {};
  from &= ~(kHostPage - 1);
  to = (to + kHostPage - 1) & ~(kHostPage - 1);
  if (to - from > kSmallImage && (to - from) / total >= kMaxSparseness) return {};
  MemoryImage image{from, std::vector<uint8_t>(to - from)};
  for (const wasm::Data& data : module.datas) {
    if (!data.active || data.memory.value != 0 || data.init.bytes.empty()) continue;
    std::memcpy(image.bytes.data() + (*constant_offset(data.offset) - from), data.init.bytes.data(), data.init.bytes.size());
  }
  return image;
}

}  // namespace wherry::abi
