// SPDX-License-Identifier: Apache-2.0
#include "label/http_answer.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/printable.h"

namespace wherry::label {
namespace {

constexpr size_t kMostShown = 300;

Error malformed(const char* what) { return error(ErrorKind::malformed, std::string("the API server's answer ") + what); }

std::optional<size_t> number(std::string_view text, int base) {
  size_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Up to the next CRLF, which is taken away too.
std::optional<std::string_view> next_line(std::string_view& text) {
  const size_t end = text.find("\r\n");
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return out;
}

Result<int> parse_status(std::string_view line) {
  const auto code = line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' ' ? number(line.substr(9, 3), 10) : std::nullopt;
  if (!code || *code < 100 || (line.size() > 12 && line[12] != ' ')) return malformed("is not HTTP/1.1");
  return static_cast<int>(*code);
}

Result<std::string> join_chunks(std::string_view text) {
  std::string body;
  for (;;) {
    const auto line = next_line(text);
    const auto size = line ? number(line->substr(0, line->find(';')), 16) : std::nullopt;
    if (!size) return malformed("has a broken chunk");
    if (*size == 0) return body;
    if (text.size() < 2 || *size > text.size() - 2 || text.substr(*size, 2) != "\r\n") return malformed("ends within a chunk");
    body += text.substr(0, *size);
    text.remove_prefix(*size + 2);
  }
}

}  // namespace

Result<HttpAnswer> parse_answer(std::string_view bytes) {
  const auto first = next_line(bytes);
  if (!first) return malformed("is not HTTP/1.1");
  HttpAnswer answer{.status = TRY(parse_status(*first)), .body = {}};
  bool chunked = false;
  std::optional<size_t> length;
  for (;;) {
    const auto line = next_line(bytes);
    if (!line) return malformed("ends within its headers");
    if (line->empty()) break;
    const size_t colon = line->find(':');
    if (colon == line->npos) return malformed("has a broken header");
    const std::string name = lower(line->substr(0, colon));
    std::string_view value = line->substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "transfer-encoding") chunked = lower(value) == "chunked";
    if (name == "content-length") length = number(value, 10);
  }
  if (chunked) {
    answer.body = TRY(join_chunks(bytes));
  } else if (length && bytes.size() < *length) {
    return malformed("ends within its body");
  } else {
    answer.body = bytes.substr(0, length.value_or(bytes.size()));
  }
  return answer;
}

std::string message_of(const HttpAnswer& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  const auto message = json.is_object() ? json.find("message") : json.end();
  const bool said = json.is_object() && message != json.end() && message->is_string();
  return printable(said ? message->get<std::string>() : answer.body, kMostShown);
}

}  // namespace wherry::label
