// SPDX-License-Identifier: Apache-2.0
#include "base/toml.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

namespace wherry {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

Error at_line(std::string_view text, size_t at, std::string_view what) {
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return error(ErrorKind::malformed, "line " + std::to_string(line) + ": " + std::string(what));
}

// The code point that begins at `at` as an escape, and behind it; nothing for what is not UTF-8.
std::string escaped(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < size) return "";
  uint32_t point = lead & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; i++) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xc0) != 0x80) return "";
    point = point << 6 | (byte & 0x3f);
  }
  char out[12];
  ::snprintf(out, sizeof out, "\\U%08X", point);
  at += size;
  return out;
}

// Copies the string that begins at `at` and moves behind it.
Result<void> copy_string(std::string_view text, size_t& at, std::string& out) {
  const char quote = text[at];
  const bool triple = text.substr(at, 3) == std::string(3, quote);
  const std::string end(triple ? 3 : 1, quote);
  const auto copy = [&](size_t size) {
    out += text.substr(at, size);
    at = std::min(at + size, text.size());
  };
  for (copy(end.size()); at < text.size();) {
    if (text[at] == '\\' && quote == '"' && at + 1 < text.size() && is_ascii(text[at + 1])) {
      copy(2);
    } else if (text.substr(at, end.size()) == end) {
      copy(end.size());
      return {};
    } else if (!triple && text[at] == '\n') {
      return {};
    } else if (is_ascii(text[at])) {
      copy(1);
    } else {
      const std::string escape = quote == '"' ? escaped(text, at) : "";
      if (escape.empty()) return at_line(text, at, "a character that is not ASCII: write it in double quotes, in UTF-8");
      out += escape;
    }
  }
  return {};
}

// Counts the parts of a dotted key: the parser makes a table of each, and its destructor recurses.
class KeyDepth {
 public:
  // False beyond what any table of ours or of others has.
  bool add(char c) {
    constexpr int kLimit = 32;
    if (c == '.') return ++depth_ < kLimit;
    if (std::string_view("\n=,[{").find(c) != std::string_view::npos) depth_ = 0;
    return true;
  }

 private:
  int depth_ = 0;
};

// The same table in ASCII. Comments may be in any language.
Result<std::string> plain(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string out;
  KeyDepth depth;
  for (size_t at = 0; at < text.size();) {
    if (!depth.add(text[at])) return at_line(text, at, "a key of too many parts");
    if (text[at] == '"' || text[at] == '\'') {
      TRY(copy_string(text, at, out));
    } else if (text[at] == '#') {
      for (; at < text.size() && text[at] != '\n'; at++) out += is_ascii(text[at]) ? text[at] : '?';
    } else if (is_ascii(text[at])) {
      out += text[at++];
    } else {
      return at_line(text, at, "a character that is not ASCII, outside of a string");
    }
  }
  return out;
}

}  // namespace

Result<toml::table> parse_toml(std::string_view text) {
  const std::string cleaned = TRY(plain(text));
  toml::parse_result parsed = toml::parse(cleaned);
  if (parsed) return std::move(parsed).table();
  return error(ErrorKind::malformed, "line " + std::to_string(parsed.error().source().begin.line) + ": " + std::string(parsed.error().description()));
}

}  // namespace wherry
