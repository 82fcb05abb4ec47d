// SPDX-License-Identifier: Apache-2.0
#include "ir.h"

#include "abi/convention.h"

namespace wherry::test {
namespace {

using wasm::ValType;

std::string name_of(ValType type) {
  static constexpr const char* kNames[] = {"i32", "i64", "float", "double", "<2 x i64>", "ptr"};
  return kNames[static_cast<size_t>(type.kind())];
}

bool has_area(const wasm::FuncType& type) { return type.results.size() > abi::kMaxRegisterResults; }

std::string return_type(const wasm::FuncType& type) {
  if (type.results.empty() || has_area(type)) return "void";
  if (type.results.size() == 1) return name_of(type.results[0]);
  std::string text = "{ ";
  for (size_t i = 0; i < type.results.size(); ++i) text += (i ? ", " : "") + name_of(type.results[i]);
  return text + " }";
}

// "ptr %c, ptr %b, ptr %area, i32 %p0, ...", or arguments under another prefix.
std::string list(const wasm::FuncType& type, const std::string& area, const std::string& prefix) {
  std::string text = "ptr %c, ptr %b";
  if (has_area(type)) text += ", ptr " + area;
  for (size_t i = 0; i < type.params.size(); ++i) text += ", " + name_of(type.params[i]) + " " + prefix + std::to_string(i);
  // A double, because the vector registers are taken when a vector is on the stack.
  if (abi::CallLayout(type).stack_padding) text += ", double " + (prefix == "%p" ? "%pad" : std::string("undef"));
  return text;
}

std::string address(const std::string& name, const std::string& base, size_t offset) {
  return "  " + name + " = getelementptr i8, ptr " + base + ", i64 " + std::to_string(offset) + "\n";
}

std::string load(const std::string& name, const std::string& type, size_t offset) {
  return address(name + "a", "%c", offset) + "  " + name + " = load " + type + ", ptr " + name + "a, align 1\n";
}

// 32-bit numbers are stored with all of their 64 bits: what the caller left in the upper half must not matter.
std::string store(const std::string& value, ValType type, const std::string& base, size_t offset) {
  std::string text = address(value + "s", base, offset);
  if (type != wasm::kI32) return text + "  store " + name_of(type) + " " + value + ", ptr " + value + "s, align 1\n";
  text += "  " + value + "z = zext i32 " + value + " to i64\n";
  return text + "  store i64 " + value + "z, ptr " + value + "s, align 1\n";
}

std::string load_params(const wasm::FuncType& type) {
  std::string text;
  for (size_t i = 0; i < type.params.size(); ++i) text += load("%a" + std::to_string(i), name_of(type.params[i]), kParams + 16 * i);
  return text;
}

std::string return_loaded(const wasm::FuncType& type) {
  const size_t count = type.results.size();
  std::string text, value = "undef";
  for (size_t i = 0; i < count; ++i) {
    const std::string result = "%r" + std::to_string(i), result_type = name_of(type.results[i]);
    text += load(result, result_type, kResults + 16 * i);
    if (has_area(type)) {
      text += address(result + "o", "%area", 16 * i) + "  store " + result_type + " " + result + ", ptr " + result + "o, align 16\n";
    } else if (count == 1) {
      value = result;
    } else {
      text += "  %v" + std::to_string(i) + " = insertvalue " + return_type(type) + " " + value + ", " + result_type + " " + result + ", " + std::to_string(i) + "\n";
      value = "%v" + std::to_string(i);
    }
  }
  return text + (return_type(type) == "void" ? "  ret void\n" : "  ret " + return_type(type) + " " + value + "\n");
}

std::string begin(const std::string& name, const wasm::FuncType& type) {
  return "define tailcc " + return_type(type) + " @" + name + "(" + list(type, "%area", "%p") + ") #0 {\n";
}

}  // namespace

std::string callee(const std::string& name, const wasm::FuncType& type) {
  std::string text = begin(name, type) + address("%bs", "%c", kBaseSlot) + "  store ptr %b, ptr %bs, align 1\n";
  for (size_t i = 0; i < type.params.size(); ++i) text += store("%p" + std::to_string(i), type.params[i], "%c", kParams + 16 * i);
  return text + return_loaded(type) + "}\n";
}

std::string caller(const std::string& name, const wasm::FuncType& type) {
  std::string text = begin(name, {}) + load("%f", "ptr", kCalleeSlot) + load_params(type) + address("%area", "%c", kResults);
  const std::string result = return_type(type);
  text += std::string("  ") + (result == "void" ? "" : "%r = ") + "call tailcc " + result + " %f(" + list(type, "%area", "%a") + ")\n";
  if (result != "void" && type.results.size() == 1) text += store("%r", type.results[0], "%c", kResults);
  for (size_t i = 0; result != "void" && type.results.size() > 1 && i < type.results.size(); ++i) {
    const std::string value = "%r" + std::to_string(i);
    text += "  " + value + " = extractvalue " + result + " %r, " + std::to_string(i) + "\n" + store(value, type.results[i], "%c", kResults + 16 * i);
  }
  return text + "  ret void\n}\n";
}

std::string tail_caller(const std::string& name, const wasm::FuncType& own, const wasm::FuncType& type) {
  const std::string result = return_type(type);
  return begin(name, own) + load("%f", "ptr", kCalleeSlot) + load_params(type) + (result == "void" ? "  " : "  %r = ") + "musttail call tailcc " +
         result + " %f(" + list(type, "%area", "%a") + ")\n  ret " + (result == "void" ? "void" : result + " %r") + "\n}\n";
}

}  // namespace wherry::test
