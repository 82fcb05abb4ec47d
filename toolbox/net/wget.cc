// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "core/files.h"
#include "core/numbers.h"
#include "core/options.h"
#include "net/socket.h"

namespace toolbox {
namespace {

constexpr int kMaxRedirects = 10;
constexpr size_t kMaxHeaders = 64 << 10;

struct Url {
  std::string host, path = "/";
  uint16_t port = 80;

  std::string authority() const {
    const std::string name = host.find(':') == host.npos ? host : "[" + host + "]";
    return port == 80 ? name : name + ":" + format_number(port);
  }
};

std::optional<Url> parse_url(std::string text) {
  constexpr std::string_view kScheme = "http://";
  if (text.compare(0, kScheme.size(), kScheme) == 0) text.erase(0, kScheme.size());
  else if (text.find("://") != text.npos) return std::nullopt;
  Url url;
  const size_t slash = std::min(text.find_first_of("/?#"), text.size());
  std::string authority = text.substr(0, slash);
  if (slash < text.size()) url.path = (text[slash] == '/' ? "" : "/") + text.substr(slash, text.find('#', slash) - slash);
  size_t colon = authority.rfind(':');
  if (authority[0] == '[') {
    const size_t end = authority.find(']');
    if (end == authority.npos) return std::nullopt;
    url.host = authority.substr(1, end - 1);
    colon = end + 1 < authority.size() && authority[end + 1] == ':' ? end + 1 : authority.npos;
  } else {
    url.host = authority.substr(0, colon);
  }
  if (colon != authority.npos) {
    const auto port = parse_port(authority.substr(colon + 1));
    if (!port) return std::nullopt;
    url.port = *port;
  }
  const bool harmless = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 127; });
  return url.host.empty() || !harmless ? std::nullopt : std::optional(url);
}

// What a socket gives, within the time that each wait may take.
class Connection {
 public:
  Connection(int fd, int64_t timeout) : fd_(fd), timeout_(timeout) {}
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::write(fd_, text.data(), text.size());
      if (n <= 0) return false;
      text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  // 0 at the end; with a problem set after a failure.
  size_t read(char* into, size_t size) {
    if (at_ == buffer_.size() && !fill()) return 0;
    const size_t n = std::min(size, buffer_.size() - at_);
    std::memcpy(into, buffer_.data() + at_, n);
    at_ += n;
    return n;
  }

  bool line(std::string& text) {
    text.clear();
    for (char c; text.size() < kMaxHeaders && read(&c, 1) == 1;) {
      if (c == '\n') {
        if (!text.empty() && text.back() == '\r') text.pop_back();
        return true;
      }
      text += c;
    }
    return false;
  }

  int problem() const { return problem_; }

 private:
  bool fill() {
    buffer_.resize(16 << 10);
    at_ = 0;
    ssize_t n = -1;
    if (timeout_ != 0 && !wait_for(fd_, Direction::read, timeout_)) problem_ = ETIMEDOUT;
    else if ((n = ::read(fd_, buffer_.data(), buffer_.size())) < 0) problem_ = errno;
    buffer_.resize(static_cast<size_t>(std::max(n, ssize_t{0})));
    return !buffer_.empty();
  }

  const int fd_;
  const int64_t timeout_;
  std::string buffer_;
  size_t at_ = 0;
  int problem_ = 0;
};

struct Response {
  std::string status;  // "HTTP/1.1 200 OK"
  int code = 0;
  std::string location;
  std::optional<int64_t> length;
  bool chunked = false;
};

class Wget {
 public:
  Wget(Context& context, const Options& options, int64_t timeout) : context_(context), options_(options), timeout_(timeout) {}

  int run(const std::string& address) {
    std::string next = address;
    for (int i = 0; i <= kMaxRedirects; i++) {
      const auto url = parse_url(next);
      if (!url) return context_.fail(next.compare(0, 8, "https://") == 0 ? "%s: there is no TLS here, only http" : "%s: not an address of HTTP", next.c_str());
      next.clear();
      const int code = fetch(*url, next);
      if (next.empty()) return code;
      if (next[0] == '/') next.insert(0, "http://" + url->authority());
    }
    return context_.fail("too many redirections");
  }

 private:
  bool quiet() const { return options_.has('q'); }

  // Sets `next` where it is elsewhere.
  int fetch(const Url& url, std::string& next) {
    const auto addresses = resolve(url.host, url.port);
    if (addresses.empty()) return context_.fail("bad address '%s'", url.host.c_str());
    if (!quiet()) context_.err.line("Connecting to " + url.authority() + " (" + to_string(addresses[0]) + ":" + format_number(url.port) + ")");
    const int fd = connect_to(addresses, timeout_);
    if (fd < 0) return context_.fail_errno("can't connect to remote host (" + to_string(addresses[0]) + ")");
    Connection connection(fd, timeout_);
    Response response;
    if (!connection.send(request(url)) || !read_headers(connection, response)) return broken(connection, "no answer of HTTP");
    if (response.code >= 300 && response.code < 400 && !response.location.empty()) return next = response.location, 0;
    if (response.code < 200 || response.code >= 300) return context_.fail("server returned error: %s", response.status.c_str());
    if (options_.has('s')) {
      if (!quiet()) context_.err.line("remote file exists");
      return 0;
    }
    return save(connection, response, url);
  }

  int broken(const Connection& connection, const char* what) {
    errno = connection.problem();
    return errno != 0 ? context_.fail_errno(what) : context_.fail("%s", what);
  }

  std::string request(const Url& url) const {
    const auto body = options_.value('p');
    std::string text = (options_.has('s') ? "HEAD " : body ? "POST " : "GET ") + url.path + " HTTP/1.1\r\nHost: " + url.authority() +
                       "\r\nUser-Agent: " + options_.value('U').value_or("Wget") + "\r\nConnection: close\r\n";
    for (const std::string& header : options_.values('H')) text += header + "\r\n";
    if (body) text += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + format_number(body->size()) + "\r\n";
    return text + "\r\n" + body.value_or("");
  }

  bool read_headers(Connection& connection, Response& response) {
    do {
      if (!connection.line(response.status) || response.status.compare(0, 5, "HTTP/") != 0) return false;
      const size_t space = response.status.find(' ');
      response.code = static_cast<int>(space == response.status.npos ? 0 : parse_number(response.status.substr(space + 1, 3)).value_or(0));
      if (options_.has('S')) context_.err.line("  " + response.status);
      size_t total = 0;
      for (std::string line; connection.line(line) && !line.empty() && total < kMaxHeaders; total += line.size()) take_header(line, response);
    } while (response.code == 100);
    return connection.problem() == 0;
  }

  void take_header(const std::string& line, Response& response) {
    if (options_.has('S')) context_.err.line("  " + line);
    const size_t colon = line.find(':');
    if (colon == line.npos) return;
    std::string name = line.substr(0, colon), value = line.substr(std::min(line.find_first_not_of(" \t", colon + 1), line.size()));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name == "location") response.location = value;
    if (name == "content-length") response.length = parse_number(value);
    if (name == "transfer-encoding") response.chunked = value.find("chunked") != value.npos;
  }

  int save(Connection& connection, const Response& response, const Url& url) {
    const std::string plain = url.path.substr(0, url.path.find('?'));
    const std::string path = options_.value('O').value_or(plain.back() == '/' ? "index.html" : base_name(plain));
    if (path == "-") return copy_body(connection, response, context_.out);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return context_.fail_errno("can't open '" + path + "'");
    if (!quiet()) context_.err.line("saving to '" + path + "'");
    Output out(fd, true);
    const int code = copy_body(connection, response, out);
    if (!out.flush()) return context_.fail_errno(path);
    if (!quiet() && code == 0) context_.err.line("'" + path + "' saved");
    return code;
  }

  int copy_body(Connection& connection, const Response& response, Output& out) {
    if (!response.chunked) return copy_part(connection, response.length.value_or(-1), out);
    for (std::string line; connection.line(line);) {
      char* end = nullptr;
      const long size = std::strtol(line.c_str(), &end, 16);
      if (end == line.c_str() || size < 0) return context_.fail("a broken chunk of the answer");
      if (size == 0) return 0;
      if (const int code = copy_part(connection, size, out)) return code;
      if (!connection.line(line)) break;
    }
    return broken(connection, "the connection ended early");
  }

  // -1: to the end of the connection.
  int copy_part(Connection& connection, int64_t size, Output& out) {
    char buffer[16 << 10];
    while (size != 0 && !out.failed()) {
      const size_t n = connection.read(buffer, size < 0 ? sizeof buffer : static_cast<size_t>(std::min<int64_t>(size, sizeof buffer)));
      if (n == 0 && (size > 0 || connection.problem() != 0)) return broken(connection, "the connection ended early");
      if (n == 0) break;
      out.write({buffer, n});
      if (size > 0) size -= static_cast<int64_t>(n);
    }
    return 0;
  }

  Context& context_;
  const Options& options_;
  const int64_t timeout_;
};

}  // namespace

int wget(Context& context, Arguments arguments) {
  Options options(context, arguments, "qO:SsT:U:H:p:Y:", {{"spider", 's'}, {"quiet", 'q'}, {"timeout", 'T'}, {"header", 'H'}, {"post-data", 'p'}, {"user-agent", 'U'},
                                                      {"output-document", 'O'}, {"server-response", 'S'}});
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  const auto timeout = parse_duration(options.value('T').value_or("0"));
  if (!timeout) return usage_error(context, "invalid number of seconds");
  int code = 0;
  for (const std::string& address : options.operands) {
    if (Wget(context, options, *timeout).run(address) != 0) code = 1;
  }
  return code;
}

}  // namespace toolbox
