// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <optional>

namespace httpbin {

namespace {

constexpr std::string_view kEndOfLine = "\r\n";

const Parsed kIncomplete = {Parsed::State::incomplete};

Parsed bad(int status) { return {Parsed::State::bad, 0, status}; }

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || std::string_view("\"(),/:;<=>?@[\\]{}").find(c) != text.npos) return false;
  }
  return !text.empty();
}

bool has_control(std::string_view text) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f) return true;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The text before `separator`, which is removed with it from `rest`.
std::optional<std::string_view> take(std::string_view& rest, std::string_view separator) {
  const size_t end = rest.find(separator);
  if (end == rest.npos) return std::nullopt;
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end + separator.size());
  return taken;
}

std::optional<size_t> number(std::string_view text, unsigned base) {
  if (text.empty() || text.size() > 8) return std::nullopt;
  size_t value = 0;
  for (const char c : text) {
    const char l = lower(c);
    const unsigned digit = c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : 99;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::string_view item = take(list, ",").value_or(list);
    if (equal_ignoring_case(trimmed(item), word)) return true;
    if (item.data() + item.size() == list.data() + list.size()) break;
  }
  return false;
}

// 0, or the status the request line deserves.
int request_line(std::string_view line, Request& request) {
  const auto method = take(line, " ");
  const auto target = take(line, " ");
  if (!method || !target || !is_token(*method) || has_control(*target)) return 400;
  if (target->empty() || target->front() != '/') return 400;
  if (line != "HTTP/1.1" && line != "HTTP/1.0") return line.starts_with("HTTP/") ? 505 : 400;
  request.method = *method;
  request.target = *target;
  request.keep_alive = line == "HTTP/1.1";
  return 0;
}

int header_line(std::string_view line, Request& request) {
  const auto name = take(line, ":");
  if (!name || !is_token(*name) || has_control(line)) return 400;
  if (request.headers.size() == kMaxHeaders) return 431;
  request.headers.emplace_back(*name, trimmed(line));
  return 0;
}

int head(std::string_view text, Request& request) {
  int status = request_line(*take(text, kEndOfLine), request);
  while (status == 0 && !text.empty()) status = header_line(*take(text, kEndOfLine), request);
  const std::string_view connection = request.header("connection");
  if (has_word(connection, "close")) request.keep_alive = false;
  if (has_word(connection, "keep-alive")) request.keep_alive = true;
  return status;
}

// A chunked body; trailers are dropped.
Parsed chunked_body(std::string_view bytes, std::string& body) {
  const size_t all = bytes.size();
  while (true) {
    const auto line = take(bytes, kEndOfLine);
    if (!line) return bytes.size() > kMaxHead ? bad(400) : kIncomplete;
    const auto size = number(trimmed(line->substr(0, line->find(';'))), 16);
    if (!size) return bad(400);
    if (*size == 0) break;
    if (body.size() + *size > kMaxBody) return bad(413);
    if (bytes.size() < *size + kEndOfLine.size()) return kIncomplete;
    if (bytes.substr(*size, kEndOfLine.size()) != kEndOfLine) return bad(400);
    body.append(bytes.substr(0, *size));
    bytes.remove_prefix(*size + kEndOfLine.size());
  }
  while (true) {
    const auto trailer = take(bytes, kEndOfLine);
    if (!trailer) return bytes.size() > kMaxHead ? bad(431) : kIncomplete;
    if (trailer->empty()) return {Parsed::State::complete, all - bytes.size()};
  }
}

Parsed sized_body(std::string_view bytes, std::string_view length, std::string& body) {
  const auto size = number(length, 10);
  if (!size) return bad(length.size() > 8 ? 413 : 400);
  if (*size > kMaxBody) return bad(413);
  if (bytes.size() < *size) return kIncomplete;
  body.assign(bytes.substr(0, *size));
  return {Parsed::State::complete, *size};
}

// One length, said once: anything else lets two parsers disagree where a request ends.
bool framing_is_ambiguous(const Request& request) {
  int lengths = 0, encodings = 0;
  for (const auto& [name, value] : request.headers) {
    lengths += equal_ignoring_case(name, "content-length");
    encodings += equal_ignoring_case(name, "transfer-encoding");
  }
  return lengths + encodings > 1;
}

}  // namespace

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view Request::query() const {
  const size_t mark = target.find('?');
  return mark == target.npos ? std::string_view() : target.substr(mark + 1);
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [n, value] : headers) {
    if (equal_ignoring_case(n, name)) return value;
  }
  return {};
}

Parsed parse(std::string_view bytes, Request& request) {
  const size_t end = bytes.substr(0, kMaxHead).find("\r\n\r\n");
  if (end == bytes.npos) return bytes.size() >= kMaxHead ? bad(431) : kIncomplete;
  const size_t head_size = end + 4;
  if (const int status = head(bytes.substr(0, end + 2), request)) return bad(status);
  if (framing_is_ambiguous(request)) return bad(400);

  const std::string_view encoding = request.header("transfer-encoding");
  const std::string_view length = request.header("content-length");
  Parsed parsed = {Parsed::State::complete};
  if (!encoding.empty()) {
    if (!equal_ignoring_case(encoding, "chunked")) return bad(501);
    parsed = chunked_body(bytes.substr(head_size), request.body);
  } else if (!length.empty()) {
    parsed = sized_body(bytes.substr(head_size), length, request.body);
  }
  parsed.consumed += head_size;
  parsed.wants_continue = equal_ignoring_case(request.header("expect"), "100-continue");
  return parsed;
}

}  // namespace httpbin
