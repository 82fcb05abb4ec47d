// SPDX-License-Identifier: Apache-2.0
#include "registry/http.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/printable.h"

namespace wherry::registry {
namespace {

constexpr size_t kMaxBody = 4 << 20;  // of a manifest, by the specification
constexpr size_t kMaxHeaders = 64 << 10;
constexpr long kConnectSeconds = 20, kSlowest = 128;
constexpr int kSuccess = 300;

using Url = std::unique_ptr<CURLU, void (*)(CURLU*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// What the callbacks of one transfer share.
struct Transfer {
  const HttpRequest* request;
  HttpResponse* response;
  CURL* handle;
  Result<void> failed{};
  size_t header_bytes = 0;
  uint64_t sent = 0;

  int status() const {
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

size_t on_header(char* data, size_t, size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.header_bytes += size;
  if (transfer.header_bytes > kMaxHeaders) {
    transfer.failed = error(ErrorKind::exhausted, "more than " + std::to_string(kMaxHeaders) + " bytes of headers");
    return 0;
  }
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {
    transfer.response->headers.clear();
    transfer.response->challenges.clear();
    return size;
  }
  const size_t colon = line.find(':');
  if (colon == line.npos) return size;
  const std::string name = lower(line.substr(0, colon));
  const std::string value(trimmed(line.substr(colon + 1)));
  if (name == "www-authenticate") transfer.response->challenges.push_back(value);
  transfer.response->headers[name] = value;
  return size;
}

size_t on_body(char* data, size_t, size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const int status = transfer.status();
  const std::string_view bytes(data, size);
  if (transfer.request->sink && status < kSuccess) {
    transfer.response->status = status;
    transfer.failed = transfer.request->sink(*transfer.response, bytes);
    return transfer.failed ? size : 0;
  }
  if (transfer.response->body.size() + size > kMaxBody) {
    transfer.failed = error(ErrorKind::exhausted, "an answer of more than " + std::to_string(kMaxBody) + " bytes");
    return 0;
  }
  transfer.response->body.append(bytes);
  return size;
}

size_t on_read(char* data, size_t, size_t room, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const HttpRequest& request = *transfer.request;
  size_t count = 0;
  if (request.file.fd >= 0) {
    const uint64_t left = request.file.size - transfer.sent;
    ssize_t n;
    do n = ::pread(request.file.fd, data, std::min<uint64_t>(room, left), static_cast<off_t>(request.file.offset + transfer.sent));
    while (n < 0 && errno == EINTR);
    if (n < 0) transfer.failed = os_error(errno, "reading what is sent");
    if (n == 0 && left > 0) transfer.failed = error(ErrorKind::io, "a file became shorter while it was sent");
    if (!transfer.failed) return CURL_READFUNC_ABORT;
    count = static_cast<size_t>(n);
  } else {
    count = request.body.copy(data, room, transfer.sent);
  }
  transfer.sent += count;
  if (request.sent) request.sent(transfer.sent);
  return count;
}

// libcurl sends a request again on its own when an old connection turns out to be dead. Of a file the other side may have
// kept a part by then: whoever uploads has to ask.
int on_seek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (origin != SEEK_SET || (transfer.request->file.fd >= 0 && transfer.sent > 0)) return CURL_SEEKFUNC_FAIL;
  transfer.sent = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

ErrorKind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return ErrorKind::denied;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorKind::invalid;
    default:
      return ErrorKind::unavailable;
  }
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(handle, option, value);
  CHECK(code == CURLE_OK, "libcurl lacks an option");
}

void set_up(CURL* handle, Transfer& transfer, const HttpOptions& options, curl_slist* headers, char* reason) {
  const HttpRequest& request = *transfer.request;
  curl_easy_reset(handle);
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(handle, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  set(handle, CURLOPT_LOW_SPEED_TIME, options.stall);
  set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(handle, CURLOPT_USERAGENT, "wherry/" WHERRY_VERSION);
  set(handle, CURLOPT_HTTPHEADER, headers);
  set(handle, CURLOPT_ERRORBUFFER, reason);
  set(handle, CURLOPT_HEADERFUNCTION, on_header);
  set(handle, CURLOPT_HEADERDATA, &transfer);
  set(handle, CURLOPT_WRITEFUNCTION, on_body);
  set(handle, CURLOPT_WRITEDATA, &transfer);
  if (is_loopback(request.url)) set(handle, CURLOPT_PROXY, "");
  if (!options.authorities.empty()) {
    curl_blob blob{const_cast<char*>(options.authorities.data()), options.authorities.size(), CURL_BLOB_NOCOPY};
    set(handle, CURLOPT_CAINFO_BLOB, &blob);  // the system's are in libcurl's CAPATH
  }
  if (!options.certificate.empty() && origin_of(request.url) == options.registry) {
    set(handle, CURLOPT_SSLCERT, options.certificate.c_str());
    set(handle, CURLOPT_SSLKEY, options.key.c_str());
  }
  if (request.method == "HEAD") set(handle, CURLOPT_NOBODY, 1L);
  if (request.method != "GET" && request.method != "HEAD") {
    const bool is_file = request.file.fd >= 0;
    set(handle, CURLOPT_UPLOAD, 1L);
    set(handle, CURLOPT_READFUNCTION, on_read);
    set(handle, CURLOPT_READDATA, &transfer);
    set(handle, CURLOPT_SEEKFUNCTION, on_seek);
    set(handle, CURLOPT_SEEKDATA, &transfer);
    set(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(is_file ? request.file.size : request.body.size()));
    set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string out = text;
  curl_free(text);
  return out;
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::create(const HttpOptions& options) {
  CURL* const handle = curl_easy_init();
  if (!handle) return error(ErrorKind::unavailable, "libcurl does not work");
  return std::unique_ptr<HttpClient>(new HttpClient(handle, options));
}

HttpClient::~HttpClient() { curl_easy_cleanup(handle_); }

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  HttpResponse response;
  Transfer transfer{.request = &request, .response = &response, .handle = handle_};
  List headers(nullptr, curl_slist_free_all);
  const auto add = [&](const std::string& text) { headers.reset(curl_slist_append(headers.release(), text.c_str())); };
  for (const std::string& header : request.headers) add(header);
  add("Expect:");  // no wait for a permission to send
  char reason[CURL_ERROR_SIZE] = "";
  set_up(handle_, transfer, options_, headers.get(), reason);
  const CURLcode code = curl_easy_perform(handle_);
  if (!transfer.failed) return transfer.failed.error();
  if (code != CURLE_OK) return error(kind_of(code), *reason ? reason : curl_easy_strerror(code));
  response.status = transfer.status();
  return response;
}

Result<std::string> resolve_url(const std::string& base, const std::string& location) {
  const Url url(curl_url(), curl_url_cleanup);
  CHECK(url, "out of memory");
  if (curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK || location.empty() ||
      curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    return error(ErrorKind::malformed, "not a URL: `" + printable(location, 200) + "`");
  }
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return error(ErrorKind::denied, "the server names a URL of `" + printable(scheme, 100) + "`");
  if (scheme == "http" && base.starts_with("https:")) return error(ErrorKind::denied, "the server leads from https to http");
  return part_of(url.get(), CURLUPART_URL);
}

std::string origin_of(const std::string& text) {
  const Url url(curl_url(), curl_url_cleanup);
  CHECK(url, "out of memory");
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return "";
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return "";
  return scheme + "://" + lower(part_of(url.get(), CURLUPART_HOST)) + ":" + part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

bool is_loopback(const std::string& url) {
  const std::string origin = origin_of(url);
  std::string_view host = origin;
  host.remove_prefix(std::min(host.find("://") + 3, host.size()));
  host = host.substr(0, host.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  // Of digits and dots only: a name may begin like an address.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos;
}

std::string with_query(const std::string& url, std::string_view key, std::string_view value) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = url + (url.find('?') == url.npos ? "?" : "&") + std::string(key) + "=";
  for (const char c : value) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~' || c == '/' || c == ':';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace wherry::registry
