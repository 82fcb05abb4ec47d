// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

// Binaries for tests. What the bodies under test may refer to is always there:
//   types      0: () -> ()   1: (i32) -> i32   2: (i64, f32) -> (f64, i32)   3: the function's
//   functions  0: imported, type 1   1: the one under test   2: type 0
//   table 0 of functions, table 1 of external references; memory 0
//   globals    0: i32, immutable   1: i64, mutable; elements 0; data 0
namespace wherry::test {

using Binary = std::vector<uint8_t>;

inline void append(Binary& to, const Binary& what) { to.insert(to.end(), what.begin(), what.end()); }

inline Binary leb128(size_t n) {
  Binary out;
  do {
    out.push_back(static_cast<uint8_t>((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
  } while (n >>= 7);
  return out;
}

inline Binary sized(const Binary& content) {
  Binary out = leb128(content.size());
  append(out, content);
  return out;
}

inline void section(Binary& module, uint8_t id, const Binary& content) {
  module.push_back(id);
  append(module, sized(content));
}

// The types that these letters (i l f d v, F: funcref, E: externref) stand for.
inline Binary types(std::string_view letters) {
  Binary out = leb128(letters.size());
  for (const char letter : letters) {
    switch (letter) {
      case 'l': out.push_back(0x7e); break;
      case 'f': out.push_back(0x7d); break;
      case 'd': out.push_back(0x7c); break;
      case 'v': out.push_back(0x7b); break;
      case 'F': out.push_back(0x70); break;
      case 'E': out.push_back(0x6f); break;
      default: out.push_back(0x7f); break;  // i, and a
    }
  }
  return out;
}

inline Binary func_type(std::string_view params, std::string_view results) {
  Binary out = {0x60};
  append(out, types(params));
  append(out, types(results));
  return out;
}

struct Function {
  std::string_view params;
  std::string_view results;
  Binary body;  // without the final end
};

struct BuiltModule {
  Binary binary;
  size_t body_offset = 0;  // of the first instruction
};

inline BuiltModule build(const Function& function) {
  BuiltModule module;
  Binary& out = module.binary;
  out = {0, 'a', 's', 'm', 1, 0, 0, 0};
  Binary all_types = {4};
  append(all_types, func_type("", ""));
  append(all_types, func_type("i", "i"));
  append(all_types, func_type("lf", "di"));
  append(all_types, func_type(function.params, function.results));
  section(out, 1, all_types);
  section(out, 2, {1, 1, 'm', 1, 'f', 0, 1});
  section(out, 3, {2, 3, 0});
  section(out, 4, {2, 0x70, 0, 1, 0x6f, 0, 1});
  section(out, 5, {1, 0, 1});
  section(out, 6, {2, 0x7f, 0, 0x41, 0, 0x0b, 0x7e, 1, 0x42, 0, 0x0b});
  section(out, 9, {1, 1, 0, 1, 0});  // function 0, declared by that
  section(out, 12, {1});
  Binary body = {0};
  append(body, function.body);
  body.push_back(0x0b);
  Binary code = {2};
  const size_t size_bytes = leb128(body.size()).size();
  append(code, sized(body));
  append(code, {2, 0, 0x0b});
  section(out, 10, code);
  module.body_offset = out.size() - code.size() + 1 + size_bytes + 1;
  section(out, 11, {1, 1, 0});
  return module;
}

}  // namespace wherry::test
