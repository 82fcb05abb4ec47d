// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::registry {

// Part of a file as the body of a request.
struct FileBody {
  int fd = -1;  // read with pread
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct HttpResponse;

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Accept: text/plain"
  std::string body;
  FileBody file;  // instead of body, if its fd is set
  // Takes the body of an answer with a status below 300, with what came before it;
  // other bodies are kept. An error ends the transfer and is the result.
  std::function<Result<void>(const HttpResponse& head, std::string_view bytes)> sink;
  std::function<void(uint64_t bytes)> sent;  // so many bytes of the body so far
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; the last of each
  std::vector<std::string> challenges;         // every WWW-Authenticate
  std::string body;                            // what no sink took

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct HttpOptions {
  std::string authorities;       // to trust as well as the system's; PEM
  std::string certificate, key;  // files, shown to `registry` only
  std::string registry;          // an origin
  long stall = 60;               // seconds of less than 128 bytes each
};

// HTTP and HTTPS by libcurl. Follows no redirects: who may get credentials is not
// for a library to decide. Every answer is hostile: headers and bodies that are
// kept have limits, and there are no other protocols. For one thread.
class HttpClient {
 public:
  static Result<std::unique_ptr<HttpClient>> create(const HttpOptions& options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer. unavailable: it could not be had, and may be another
  // time; denied: TLS did not trust the other side.
  Result<HttpResponse> send(const HttpRequest& request);

 private:
  explicit HttpClient(void* handle, HttpOptions options) : handle_(handle), options_(std::move(options)) {}

  void* const handle_;
  const HttpOptions options_;
};

// What a URL that a server named means beside the one that was asked.
Result<std::string> resolve_url(const std::string& base, const std::string& location);
// "https://host:443" of it; "" for what is no http or https URL.
std::string origin_of(const std::string& url);
// Whether its host is this machine.
bool is_loopback(const std::string& url);
// With &key=value, or ?, escaped.
std::string with_query(const std::string& url, std::string_view key, std::string_view value);

}  // namespace wherry::registry
