// SPDX-License-Identifier: Apache-2.0
#include "runtime/type_registry.h"

#include <algorithm>

#include "base/result.h"

namespace wherry::runtime {
namespace {

bool is_integer(wasm::ValType type) {
  return type.is_ref() || type == wasm::kI32 || type == wasm::kI64;
}

bool integers_only(const wasm::FuncType& type) {
  return type.params.size() <= abi::CallLayout::kIntegerRegisters && type.results.size() <= 1 &&
         std::ranges::all_of(type.params, is_integer) && std::ranges::all_of(type.results, is_integer);
}

}  // namespace

Signature::Signature(uint32_t id, wasm::FuncType func_type)
    : id(id), type(std::move(func_type)), layout(type), integers_only(runtime::integers_only(type)) {}

TypeRegistry& TypeRegistry::process() {
  static TypeRegistry* const registry = new TypeRegistry;  // never destroyed: threads may outlive main
  return *registry;
}

const Signature& TypeRegistry::signature_of(const wasm::FuncType& type) {
  std::vector<uint32_t> shape{static_cast<uint32_t>(type.params.size())};
  for (const wasm::ValType param : type.params) shape.push_back(param.bits());
  for (const wasm::ValType result : type.results) shape.push_back(result.bits());

  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = by_shape_.try_emplace(std::move(shape), nullptr);
  if (is_new) {
    const auto id = static_cast<uint32_t>(signatures_.size());
    CHECK(id < kChunk * kChunks, "function types are limited by kMaxTypes of each module");
    at->second = &signatures_.emplace_back(id, type);
    auto& chunk = chunks_[id / kChunk];
    if (id % kChunk == 0) chunk.store(new std::atomic<const Signature*>[kChunk] {}, std::memory_order_release);
    chunk.load(std::memory_order_relaxed)[id % kChunk].store(at->second, std::memory_order_release);
  }
  return *at->second;
}

const Signature& TypeRegistry::signature(uint32_t id) const {
  return *chunks_[id / kChunk].load(std::memory_order_acquire)[id % kChunk].load(std::memory_order_acquire);
}

}  // namespace wherry::runtime
