// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <cstdint>

namespace httpbin {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

struct Lead {
  uint8_t first, last;            // of the leading byte
  uint8_t second_min, second_max;  // of the byte after it
  uint8_t length;
};

// The well-formed sequences of two bytes and more (Unicode, table 3-7).
constexpr Lead kLeads[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

const Lead* lead_of(uint8_t byte) {
  for (const Lead& lead : kLeads) {
    if (byte >= lead.first && byte <= lead.last) return &lead;
  }
  return nullptr;
}

// How many bytes from the start belong together, and whether they are a character.
size_t sequence(std::string_view text, bool& valid) {
  valid = false;
  const Lead* lead = lead_of(static_cast<uint8_t>(text[0]));
  if (!lead) return 1;
  size_t n = 1;
  for (; n < lead->length && n < text.size(); n++) {
    const auto byte = static_cast<uint8_t>(text[n]);
    const uint8_t min = n == 1 ? lead->second_min : 0x80;
    const uint8_t max = n == 1 ? lead->second_max : 0xbf;
    if (byte < min || byte > max) return n;
  }
  valid = n == lead->length;
  return n;
}

void append_control(std::string& out, char c) {
  constexpr std::string_view kNamed = "\b\f\n\r\t", kLetters = "bfnrt";
  constexpr char kHex[] = "0123456789abcdef";
  out += '\\';
  if (const size_t at = kNamed.find(c); at != kNamed.npos) {
    out += kLetters[at];
  } else {
    out += "u00";
    out += kHex[c >> 4];
    out += kHex[c & 15];
  }
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text[0];
    size_t n = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      append_control(out, c);
    } else if (static_cast<uint8_t>(c) < 0x80) {
      out += c;
    } else {
      bool valid = false;
      n = sequence(text, valid);
      out += valid ? text.substr(0, n) : kReplacement;
    }
    text.remove_prefix(n);
  }
  out += '"';
}

void append_object(std::string& out, const Fields& fields) {
  const char* before = "{\n    ";
  for (const auto& [name, value] : fields) {
    out += before;
    append_string(out, name);
    out += ": ";
    append_string(out, value);
    before = ",\n    ";
  }
  out += fields.empty() ? "{}" : "\n  }";
}

}  // namespace httpbin
