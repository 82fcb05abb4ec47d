// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "wasm/module.h"

// What compiled code reads and writes: the layout that the compilers and the
// runtime agree on. Guest code runs between any two reads of the host, so the
// host treats all of it as memory that changes under its hands.
namespace wherry::abi {

struct StoreContext;  // the runtime's; opaque to compiled code
struct Context;

enum class Libcall : uint32_t {
#define LIBCALL(name, params, result) name,
#include "abi/libcall.def"
#undef LIBCALL
};

// A memory, shared by all instances that import it. base never changes.
struct MemoryDescriptor {
  uint8_t* base;
  uint64_t length;  // in bytes; grows
};

// A table. elements never moves (the whole range is reserved); a null reference is 0.
struct TableDescriptor {
  void** elements;  // FuncRef* or an opaque external reference
  uint64_t length;
};

// What a function reference points at, and what an imported function's slot
// holds: everything that a call needs.
struct FuncRef {
  const void* code;  // convention.h
  Context* context;  // the callee's; for a host function its HostContext
  uint8_t* memory_base;
  uint32_t type_id;  // canonical in the process, see Context::type_ids
  uint32_t reserved;
};
static_assert(sizeof(FuncRef) == 32);

// The fixed head of an instance's context; ContextLayout places what follows it.
struct Context {
  StoreContext* store;
  const void* libcall;       // the bridge to the runtime: number in eax, see libcall.def
  const uint32_t* type_ids;  // canonical id of each type of the module, by TypeIndex
  MemoryDescriptor* memory0;
  void* instance;
  uint64_t reserved;
};
static_assert(sizeof(Context) == 48);

// Where the variable part of a module's context lies, in bytes from its start.
// A pure function of the module's index spaces.
//
//   imported functions  FuncRef[]            copies, called without an indirection
//   globals             16 bytes each        defined: the value; imported: its address
//   memories            MemoryDescriptor*[]
//   tables              TableDescriptor*[]
//   function references FuncRef[]            of the functions that escape (artifact.h)
struct ContextLayout {
  struct Counts {
    uint32_t imported_functions = 0;
    uint32_t globals = 0;
    uint32_t memories = 0;
    uint32_t tables = 0;
    uint32_t escaping_functions = 0;
  };

  explicit constexpr ContextLayout(const Counts& counts)
      : imported_functions(sizeof(Context)),
        globals(imported_functions + counts.imported_functions * sizeof(FuncRef)),
        memories(globals + uint64_t{counts.globals} * 16),
        tables(memories + uint64_t{counts.memories} * 8),
        func_refs((tables + uint64_t{counts.tables} * 8 + 15) & ~uint64_t{15}),
        size(func_refs + uint64_t{counts.escaping_functions} * sizeof(FuncRef)) {}

  constexpr uint64_t imported_function(wasm::FuncIndex i) const { return imported_functions + uint64_t{i.value} * sizeof(FuncRef); }
  constexpr uint64_t global(wasm::GlobalIndex i) const { return globals + uint64_t{i.value} * 16; }
  constexpr uint64_t memory(wasm::MemoryIndex i) const { return memories + uint64_t{i.value} * 8; }
  constexpr uint64_t table(wasm::TableIndex i) const { return tables + uint64_t{i.value} * 8; }
  constexpr uint64_t func_ref(uint32_t slot) const { return func_refs + uint64_t{slot} * sizeof(FuncRef); }

  uint64_t imported_functions;
  uint64_t globals;
  uint64_t memories;
  uint64_t tables;
  uint64_t func_refs;
  uint64_t size;
};

// One argument or result of a call between host and guest.
union alignas(16) Value {
  uint32_t i32;
  uint64_t i64;
  float f32;
  double f64;
  uint8_t v128[16];
  void* ref;
};
static_assert(sizeof(Value) == 16);

}  // namespace wherry::abi
