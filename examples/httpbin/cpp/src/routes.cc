// SPDX-License-Identifier: Apache-2.0
#include "routes.h"

#include <charconv>

#include "json.h"

namespace httpbin {

namespace {

struct Status {
  int code;
  std::string_view reason;
};

constexpr Status kStatuses[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {413, "Content Too Large"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {505, "HTTP Version Not Supported"},
};

std::string_view reason(int code) {
  for (const Status& s : kStatuses) {
    if (s.code == code) return s.reason;
  }
  return "Unknown";
}

void append_number(std::string& out, size_t value) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Fields arguments(std::string_view query) {
  Fields fields;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const std::string_view value = equals == pair.npos ? std::string_view() : pair.substr(equals + 1);
    fields[unescaped(pair.substr(0, equals))] = unescaped(value);
  }
  return fields;
}

Fields header_fields(const Request& request) {
  Fields fields;
  for (const auto& [name, value] : request.headers) {
    std::string key(name);
    for (char& c : key) c = lower(c);
    fields[std::move(key)] = value;
  }
  return fields;
}

Response describe(const Request& request) {
  const std::string_view host = request.header("host");
  std::string url("http://");
  url += host.empty() ? "localhost" : host;
  url += request.target;

  Response response{200, "application/json", "{\n  \"args\": "};
  append_object(response.body, arguments(request.query()));
  response.body += ",\n  \"headers\": ";
  append_object(response.body, header_fields(request));
  response.body += ",\n  \"url\": ";
  append_string(response.body, url);
  response.body += "\n}\n";
  return response;
}

}  // namespace

Response answer(Request&& request) {
  const bool get = request.method == "GET" || request.method == "HEAD";
  const std::string_view path = request.path();
  if (get && path == "/get") return describe(request);
  if (get && path == "/healthz") return {200, "text/plain", "ok\n"};
  if (request.method == "POST" && path == "/echo") return {200, "application/octet-stream", std::move(request.body)};
  return {404, "text/plain", "not found\n"};
}

Response refusal(int status) {
  return {status, "text/plain", std::string(reason(status)) + "\n"};
}

void append_response(std::string& out, const Response& response, bool keep_alive, bool with_body) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<size_t>(response.status));
  out += ' ';
  out += reason(response.status);
  out += "\r\ncontent-type: ";
  out += response.content_type;
  out += "\r\ncontent-length: ";
  append_number(out, response.body.size());
  out += keep_alive ? "\r\n\r\n" : "\r\nconnection: close\r\n\r\n";
  if (with_body) out += response.body;
}

}  // namespace httpbin
