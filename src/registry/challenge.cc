// SPDX-License-Identifier: Apache-2.0
#include "registry/challenge.h"

namespace wherry::registry {
namespace {

constexpr size_t kMaxHeader = 8 << 10;

bool is_token(char c) { return c > ' ' && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos; }

char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c); }

std::string take_token(std::string_view& text) {
  std::string token;
  while (!text.empty() && is_token(text[0])) {
    token += lower(text[0]);
    text.remove_prefix(1);
  }
  return token;
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
}

// A quoted string or a token; false for a string without its end.
bool take_value(std::string_view& text, std::string& value) {
  value.clear();
  if (!text.starts_with('"')) {
    while (!text.empty() && text[0] != ',' && text[0] != ' ') {
      value += text[0];
      text.remove_prefix(1);
    }
    return true;
  }
  for (text.remove_prefix(1); !text.empty(); text.remove_prefix(1)) {
    if (text[0] == '"') {
      text.remove_prefix(1);
      return true;
    }
    if (text[0] == '\\' && text.size() > 1) text.remove_prefix(1);
    value += text[0];
  }
  return false;
}

}  // namespace

std::optional<Challenge> parse_challenge(std::string_view text) {
  if (text.size() > kMaxHeader) return std::nullopt;
  skip_blanks(text);
  Challenge challenge;
  const std::string scheme = take_token(text);
  if (scheme != "basic" && scheme != "bearer") return std::nullopt;
  if (scheme == "bearer") challenge.scheme = Challenge::Scheme::bearer;
  if (!text.empty() && text[0] != ' ') return std::nullopt;
  for (;;) {
    skip_blanks(text);
    const std::string name = take_token(text);
    if (name.empty()) break;
    skip_blanks(text);
    if (!text.starts_with('=')) break;  // the next scheme
    text.remove_prefix(1);
    skip_blanks(text);
    std::string value;
    if (!take_value(text, value)) return std::nullopt;
    if (name == "realm") challenge.realm = value;
    if (name == "service") challenge.service = value;
    if (name == "scope") challenge.scope = value;
    skip_blanks(text);
    if (!text.starts_with(',')) break;
    text.remove_prefix(1);
  }
  if (challenge.scheme == Challenge::Scheme::bearer && challenge.realm.empty()) return std::nullopt;
  return challenge;
}

}  // namespace wherry::registry
