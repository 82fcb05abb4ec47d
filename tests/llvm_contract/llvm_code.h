// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace wherry::test {

enum class Passes {
  function_only,   // what the LLVM tier may run: nothing that looks into other functions
  interprocedural  // LLVM's own -O2
};

// Machine code that LLVM made of a module in its text form, mapped executable.
// No runtime linker is involved: like an artifact of ours, the code may have no
// relocations left.
class LlvmCode {
 public:
  // Aborts with LLVM's message if the text is wrong or relocations are left.
  static std::unique_ptr<LlvmCode> compile(const std::string& text, Passes passes = Passes::function_only);
  ~LlvmCode();
  LlvmCode(const LlvmCode&) = delete;
  LlvmCode& operator=(const LlvmCode&) = delete;

  const uint8_t* function(const std::string& name) const { return functions_.at(name); }
  bool contains(const void* pc) const { return pc >= code_ && pc < code_ + size_; }

 private:
  LlvmCode() = default;

  uint8_t* code_ = nullptr;
  size_t size_ = 0;
  std::map<std::string, const uint8_t*> functions_;
};

}  // namespace wherry::test
