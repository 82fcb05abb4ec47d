// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "abi/convention.h"
#include "wasm/types.h"

namespace wherry::runtime {

// A function type with what a call needs to know about it.
struct Signature {
  Signature(uint32_t id, wasm::FuncType type);

  const uint32_t id;
  const wasm::FuncType type;
  const abi::CallLayout layout;
  const bool integers_only;  // all in integer registers, at most one result: the host call's short path
};

// The canonical ids of function types: equal types have one id in the whole
// process, so that an indirect call compares two numbers. Ids are never reused
// and the registry only grows; all functions may be called by any thread.
//
// One for the process, because function references of all artifacts meet in it.
class TypeRegistry {
 public:
  static TypeRegistry& process();

  uint32_t id_of(const wasm::FuncType& type) { return signature_of(type).id; }
  const Signature& signature_of(const wasm::FuncType& type);
  // Takes no lock. `id` came from this registry.
  const Signature& signature(uint32_t id) const;

 private:
  static constexpr uint32_t kChunk = 1024;
  static constexpr uint32_t kChunks = 4096;

  std::mutex mutex_;
  std::map<std::vector<uint32_t>, const Signature*> by_shape_;
  std::deque<Signature> signatures_;
  std::atomic<std::atomic<const Signature*>*> chunks_[kChunks] = {};
};

}  // namespace wherry::runtime
