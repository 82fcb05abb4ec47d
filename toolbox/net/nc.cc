// SPDX-License-Identifier: Apache-2.0
// nc and nslookup.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/numbers.h"
#include "core/options.h"
#include "net/socket.h"

namespace toolbox {
namespace {

// A port or a range of them, for -z.
bool parse_ports(const std::string& text, uint16_t& first, uint16_t& last) {
  const size_t dash = text.find('-');
  const auto a = parse_port(text.substr(0, dash)), b = dash == text.npos ? a : parse_port(text.substr(dash + 1));
  if (!a || !b || *b < *a) return false;
  first = *a;
  last = *b;
  return true;
}

int scan(Context& context, const Options& options, const std::string& host, const std::string& ports, int64_t timeout) {
  uint16_t first, last;
  if (!parse_ports(ports, first, last)) return context.fail("bad port '%s'", ports.c_str());
  int code = 1;
  for (uint32_t port = first; port <= last; port++) {
    const auto addresses = resolve(host, static_cast<uint16_t>(port));
    if (addresses.empty()) return context.fail("bad address '%s'", host.c_str());
    const int fd = connect_to(addresses, timeout);
    if (fd >= 0) {
      if (options.has('v')) context.err.line(host + " (" + to_string(addresses[0]) + ":" + format_number(port) + ") open");
      ::close(fd);
      code = 0;
    } else if (options.has('v')) {
      context.fail_errno(host + " (" + to_string(addresses[0]) + ":" + format_number(port) + ")");
    }
  }
  return code;
}

// Both ways until the other side has nothing to say any more.
int talk(Context& context, int fd, int64_t timeout) {
  bool sends = true;
  char buffer[16 << 10];
  const int milliseconds = timeout == 0 ? -1 : static_cast<int>(timeout / 1'000'000);
  for (;;) {
    pollfd events[2] = {{fd, POLLIN, 0}, {context.in.fd(), POLLIN, 0}};
    // A text in memory is always there to be read.
    const bool in_memory = sends && context.in.fd() < 0;
    const int ready = in_memory ? 1 : ::poll(events, sends ? 2 : 1, milliseconds);
    if (ready == 0) return context.fail("timed out");
    if (ready < 0 && errno != EINTR) return context.fail_errno("poll");
    if (in_memory || (sends && events[1].revents != 0)) {
      size_t size = context.in.read(buffer, sizeof buffer);
      if (size == 0) {
        sends = false;
        end_sending(fd);
      }
      for (size_t at = 0; at < size;) {
        const ssize_t n = ::write(fd, buffer + at, size - at);
        if (n <= 0) return context.fail_errno("write error");
        at += static_cast<size_t>(n);
      }
    }
    if (events[0].revents != 0) {
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      if (n < 0) return context.fail_errno("read error");
      if (n == 0) return 0;
      context.out.write({buffer, static_cast<size_t>(n)});
      if (!context.out.flush()) return 1;
    }
  }
}

int serve(Context& context, const std::string& text, int64_t timeout) {
  const auto port = parse_port(text);
  if (!port) return context.fail("bad port '%s'", text.c_str());
  const int listener = listen_on(*port);
  if (listener < 0) return context.fail_errno("can't listen on port " + text);
  int code = 1;
  if (!wait_for(listener, Direction::read, timeout)) {
    context.fail("timed out");
  } else if (const int fd = ::accept(listener, nullptr, nullptr); fd < 0) {
    context.fail_errno("accept");
  } else {
    code = talk(context, fd, timeout);
    ::close(fd);
  }
  ::close(listener);
  return code;
}

}  // namespace

int nc(Context& context, Arguments arguments) {
  Options options(context, arguments, "lp:zvw:n");
  if (!options.ok()) return usage_error(context);
  const auto timeout = parse_duration(options.value('w').value_or("0"));
  if (!timeout) return usage_error(context, "invalid number of seconds");
  const Arguments& rest = options.operands;
  if (options.has('l')) {
    const std::string port = options.value('p').value_or(rest.empty() ? "" : rest.back());
    return port.empty() ? usage_error(context, "-l needs a port") : serve(context, port, *timeout);
  }
  if (rest.size() != 2) return usage_error(context);
  if (options.has('z')) return scan(context, options, rest[0], rest[1], *timeout);
  const auto port = parse_port(rest[1]);
  if (!port) return context.fail("bad port '%s'", rest[1].c_str());
  const auto addresses = resolve(rest[0], *port);
  if (addresses.empty()) return context.fail("bad address '%s'", rest[0].c_str());
  const int fd = connect_to(addresses, *timeout);
  if (fd < 0) return context.fail_errno("can't connect to remote host (" + to_string(addresses[0]) + ")");
  if (options.has('v')) context.err.line(rest[0] + " (" + to_string(addresses[0]) + ":" + rest[1] + ") open");
  const int code = talk(context, fd, *timeout);
  ::close(fd);
  return code;
}

int nslookup(Context& context, Arguments arguments) {
  Options options(context, arguments, "");
  if (!options.ok() || options.operands.size() != 1) return usage_error(context, options.operands.size() > 1 ? "it asks the servers of /etc/resolv.conf, no other" : "");
  const auto addresses = resolve(options.operands[0], 0);
  if (addresses.empty()) return context.fail_errno("can't resolve '" + options.operands[0] + "'");
  context.out.line("Name:\t" + options.operands[0]);
  for (const Address& address : addresses) context.out.line("Address: " + to_string(address));
  return 0;
}

}  // namespace toolbox
