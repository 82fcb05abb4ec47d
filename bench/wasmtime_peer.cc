// SPDX-License-Identifier: Apache-2.0
#include "wasmtime_peer.h"

#include <dlfcn.h>

namespace wherry::bench {
namespace {

struct Engine;
struct Config;
struct PoolConfig;
struct Module;
struct Linker;
struct InstancePre;
struct StoreHandle;
struct StoreContext;
struct Failure;
struct InstanceHandle {
  uint64_t store;
  uint64_t index;
};
// wasmtime_extern_t: the kind, and behind it a wasmtime_func_t if it is a function.
struct ExternItem {
  uint8_t kind;
  alignas(8) uint64_t item[8];
};

// The functions of wasmtime.h that are needed, by their names there.
struct Api {
  Config* (*wasm_config_new)();
  PoolConfig* (*wasmtime_pooling_allocation_config_new)();
  void (*wasmtime_pooling_allocation_config_linear_memory_keep_resident_set)(PoolConfig*, size_t);
  void (*wasmtime_pooling_allocation_config_table_keep_resident_set)(PoolConfig*, size_t);
  void (*wasmtime_pooling_allocation_strategy_set)(Config*, const PoolConfig*);
  Engine* (*wasm_engine_new_with_config)(Config*);
  Failure* (*wasmtime_module_new)(Engine*, const uint8_t*, size_t, Module**);
  Linker* (*wasmtime_linker_new)(Engine*);
  Failure* (*wasmtime_linker_define_unknown_imports_as_traps)(Linker*, Module*);
  Failure* (*wasmtime_linker_instantiate_pre)(const Linker*, const Module*, InstancePre**);
  StoreHandle* (*wasmtime_store_new)(Engine*, void*, void (*)(void*));
  StoreContext* (*wasmtime_store_context)(StoreHandle*);
  void (*wasmtime_store_delete)(StoreHandle*);
  Failure* (*wasmtime_instance_pre_instantiate)(const InstancePre*, StoreContext*, InstanceHandle*, void**);
  bool (*wasmtime_instance_export_get)(StoreContext*, const InstanceHandle*, const char*, size_t, ExternItem*);
  Failure* (*wasmtime_func_call)(StoreContext*, const void*, const void*, size_t, void*, size_t, void**);
};

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function;
}

bool load(void* library, Api& api) {
#define FIND(name) find(library, #name, api.name)
  return FIND(wasm_config_new) && FIND(wasmtime_pooling_allocation_config_new) &&
         FIND(wasmtime_pooling_allocation_config_linear_memory_keep_resident_set) &&
         FIND(wasmtime_pooling_allocation_config_table_keep_resident_set) &&
         FIND(wasmtime_pooling_allocation_strategy_set) && FIND(wasm_engine_new_with_config) &&
         FIND(wasmtime_module_new) && FIND(wasmtime_linker_new) &&
         FIND(wasmtime_linker_define_unknown_imports_as_traps) && FIND(wasmtime_linker_instantiate_pre) &&
         FIND(wasmtime_store_new) && FIND(wasmtime_store_context) && FIND(wasmtime_store_delete) &&
         FIND(wasmtime_instance_pre_instantiate) && FIND(wasmtime_instance_export_get) && FIND(wasmtime_func_call);
#undef FIND
}

class Peer : public WasmtimePeer {
 public:
  Peer(const Api& api, std::string function) : api_(api), function_(std::move(function)) {}

  bool prepare(std::span<const uint8_t> module) {
    // Cleared as a whole after each instance: more costs more than it saves (of 16 KiB to 1 MiB the best).
    constexpr size_t kResident = 16 << 10;
    PoolConfig* const pool = api_.wasmtime_pooling_allocation_config_new();
    api_.wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, kResident);
    api_.wasmtime_pooling_allocation_config_table_keep_resident_set(pool, kResident);
    Config* const config = api_.wasm_config_new();
    api_.wasmtime_pooling_allocation_strategy_set(config, pool);
    engine_ = api_.wasm_engine_new_with_config(config);
    Module* compiled = nullptr;
    if (!engine_ || api_.wasmtime_module_new(engine_, module.data(), module.size(), &compiled)) return false;
    Linker* const linker = api_.wasmtime_linker_new(engine_);
    return !api_.wasmtime_linker_define_unknown_imports_as_traps(linker, compiled) &&
           !api_.wasmtime_linker_instantiate_pre(linker, compiled, &pre_);
  }

  void cycle() override {
    StoreHandle* const store = api_.wasmtime_store_new(engine_, nullptr, nullptr);
    StoreContext* const context = api_.wasmtime_store_context(store);
    InstanceHandle instance;
    ExternItem item;
    void* trap = nullptr;
    CHECK(!api_.wasmtime_instance_pre_instantiate(pre_, context, &instance, &trap) && !trap, "it was linked before");
    CHECK(api_.wasmtime_instance_export_get(context, &instance, function_.data(), function_.size(), &item),
          "the function is exported");
    CHECK(!api_.wasmtime_func_call(context, item.item, nullptr, 0, nullptr, 0, &trap) && !trap, "it returns");
    api_.wasmtime_store_delete(store);
  }

 private:
  const Api api_;
  const std::string function_;
  Engine* engine_ = nullptr;
  InstancePre* pre_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<WasmtimePeer>> WasmtimePeer::create(const std::string& library,
                                                           std::span<const uint8_t> module,
                                                           const std::string& function) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  Api api;
  if (!handle || !load(handle, api)) return error(ErrorKind::not_found, library + ": not wasmtime's library");
  auto peer = std::make_unique<Peer>(api, function);
  if (!peer->prepare(module)) return error(ErrorKind::invalid, library + ": refuses the module");
  return std::unique_ptr<WasmtimePeer>(std::move(peer));
}

}  // namespace wherry::bench
