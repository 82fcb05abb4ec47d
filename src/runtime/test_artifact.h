// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "abi/artifact.h"
#include "abi/trap.h"
#include "base/fd.h"
#include "runtime/artifact.h"
#include "runtime/store.h"
#include "wasm/types.h"

namespace wherry::runtime::test {

// Machine code between two labels of the test's own assembly.
inline std::span<const uint8_t> code_between(const uint8_t* begin, const uint8_t* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

// An artifact by hand: what a compiler would write, for tests of the runtime that
// need no compiler. Functions are exported as "f0", "f1", ... by their index with
// imported ones, memory 0 as "memory" and table 0 as "table".
struct TestArtifact {
  struct Function {
    wasm::FuncType type;
    std::span<const uint8_t> code;
    std::vector<std::pair<const uint8_t*, Trap>> traps{};  // where in `code`
    std::string name{};
  };
  struct Import {
    std::string module, name;
    abi::ExternKindCode kind;
    abi::ExternType type;  // a function's type_index is set from func_type
    wasm::FuncType func_type;
  };
  struct Data {
    uint32_t at;
    std::string bytes;
  };

  std::vector<Import> imports{};
  std::vector<Function> functions{};
  std::vector<abi::ExternType> memories{};
  std::vector<abi::ExternType> tables{};
  std::vector<std::pair<abi::ExternType, std::vector<uint8_t>>> globals{};  // with the initial expression
  std::vector<Data> datas{};
  std::vector<std::pair<uint32_t, std::vector<uint32_t>>> elems{};  // offset in table 0, functions
  std::vector<uint32_t> escaping{};
  std::string image{};
  uint64_t image_address = 0;
  uint32_t start = abi::kNone;
  uint32_t flags = 0;

  std::vector<uint8_t> bytes() const;
  // In a memory file, mapped; null and a test failure if it is refused.
  std::unique_ptr<Artifact> map() const;
};

UniqueFd memory_file(std::span<const uint8_t> bytes);
// Corrects the checksum after a deliberate change.
void seal(std::vector<uint8_t>& file);

inline abi::Value i32(uint32_t v) {
  abi::Value value{};
  value.i32 = v;
  return value;
}
inline abi::Value i64(uint64_t v) {
  abi::Value value{};
  value.i64 = v;
  return value;
}
inline abi::Value f64(double v) {
  abi::Value value{};
  value.f64 = v;
  return value;
}

// A store with one instance, linked but not initialized.
struct Guest {
  explicit Guest(const TestArtifact& made, const Linker& linker = {}, const StoreConfig& config = {});
  Result<void, Trap> call(std::string_view name, const std::vector<abi::Value>& args = {}, size_t results = 0);

  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Store> store;
  Instance* instance;
  std::vector<abi::Value> result;
};

abi::ExternType memory_type(uint64_t min, uint64_t max = ~uint64_t{0});
abi::ExternType table_type(uint64_t min, uint64_t max = ~uint64_t{0}, wasm::ValType element = wasm::kFuncref);
abi::ExternType global_type(wasm::ValType value, bool is_mutable);

}  // namespace wherry::runtime::test
