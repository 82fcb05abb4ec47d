// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/dns.h"

#include <arpa/inet.h>
#include <ares.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <memory>

#include "base/fd.h"
#include "config/words.h"
#include "wasi/host/clock.h"

// c-ares asks for services by name only if it is given any, which it is not. The C
// library's functions would load shared libraries into a static program.
extern "C" {
servent* getservbyname(const char*, const char*) { return nullptr; }
int getservbyport_r(int, const char*, servent*, char*, size_t, servent** result) {
  *result = nullptr;
  return 0;
}
}

namespace wherry::wasi {
namespace {

constexpr int kQueryTimeoutMs = 2000;
constexpr int kTries = 2;
constexpr uint64_t kTotalTime = 15'000'000'000;
constexpr size_t kMaxName = 255;

using Family = SocketAddress::Family;

struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  uint32_t ttl = 0;  // the shortest, in seconds
  std::vector<SocketAddress> addresses;
};

bool wanted(const LookupRequest& request, Family family) { return !request.family || *request.family == family; }

std::optional<SocketAddress> numeric_address(const std::string& text) {
  SocketAddress address;
  if (::inet_pton(AF_INET, text.c_str(), address.ip.data()) == 1) {
    address.family = Family::inet4;
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), address.ip.data()) == 1) {
    address.family = Family::inet6;
    return address;
  }
  return std::nullopt;
}

std::vector<SocketAddress> local_addresses(const LookupRequest& request) {
  std::vector<SocketAddress> result;
  SocketAddress inet4, inet6;
  inet6.family = Family::inet6;
  if (!request.passive) {
    inet4.ip = {127, 0, 0, 1};
    inet6.ip[15] = 1;
  }
  if (wanted(request, Family::inet4)) result.push_back(inet4);
  if (wanted(request, Family::inet6)) result.push_back(inet6);
  return result;
}

Io<uint16_t> port_of(const std::string& service) {
  struct Service {
    std::string_view name;
    uint16_t port;
  };
  constexpr Service kServices[] = {{"ftp", 21}, {"ssh", 22},   {"smtp", 25},  {"domain", 53},
                                   {"http", 80}, {"ntp", 123}, {"https", 443}, {"http-alt", 8080}};
  if (service.empty()) return uint16_t{0};
  uint16_t port = 0;
  const char* const end = service.data() + service.size();
  const auto [stop, problem] = std::from_chars(service.data(), end, port);
  if (problem == std::errc() && stop == end) return port;
  for (const Service& known : kServices) {
    if (known.name == service) return known.port;
  }
  return Errno::aiservice;
}

void take_answer(void* data, int status, int, ares_addrinfo* info) {
  Answer& answer = *static_cast<Answer*>(data);
  answer.done = true;
  answer.status = status;
  if (info == nullptr) return;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    sockaddr_storage raw{};
    const auto* bytes = reinterpret_cast<const char*>(node->ai_addr);
    std::copy_n(bytes, std::min<size_t>(node->ai_addrlen, sizeof raw), reinterpret_cast<char*>(&raw));
    const Io<SocketAddress> address = SocketAddress::from_linux(raw);
    if (!address) continue;
    const auto ttl = static_cast<uint32_t>(std::max(node->ai_ttl, 0));
    answer.ttl = answer.addresses.empty() ? ttl : std::min(answer.ttl, ttl);
    answer.addresses.push_back(*address);
  }
  ares_freeaddrinfo(info);
}

Errno errno_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
      return Errno::ainoname;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
      return Errno::aiagain;
    case ARES_ENOMEM:
      return Errno::aimemory;
    default:
      return Errno::aifail;
  }
}

struct DestroyChannel {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, DestroyChannel>;

// The channel's sockets, as c-ares tells us about them.
using Sockets = std::vector<pollfd>;

void note_socket(void* data, ares_socket_t socket, int readable, int writable) {
  Sockets& sockets = *static_cast<Sockets*>(data);
  std::erase_if(sockets, [&](const pollfd& known) { return known.fd == socket; });
  const int events = (readable ? POLLIN : 0) | (writable ? POLLOUT : 0);
  if (events != 0) sockets.push_back({socket, static_cast<short>(events), 0});
}

enum class Files : bool { not_read, read };  // of hosts

Io<Channel> open_channel(Sockets& sockets, Files hosts) {
  char only_dns[] = "b";
  ares_options options{};
  options.timeout = kQueryTimeoutMs;
  options.tries = kTries;
  options.sock_state_cb = note_socket;
  options.sock_state_cb_data = &sockets;
  ares_channel channel = nullptr;
  options.lookups = only_dns;
  const int wanted = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | (hosts == Files::read ? 0 : ARES_OPT_LOOKUPS);
  const int status = ares_init_options(&channel, &options, wanted);
  if (status != ARES_SUCCESS) return errno_of(status);
  return Channel(channel);
}

// One round of waiting for the servers' answers.
Io<void> step(ares_channeldata* channel, Sockets fds, uint64_t left, const Wake& wake) {
  const size_t count = fds.size();
  fds.push_back({wake.fd, POLLIN, 0});
  timeval most{static_cast<time_t>(left / 1'000'000'000), static_cast<suseconds_t>(left % 1'000'000'000 / 1000)};
  timeval next;
  const timeval* const limit = ares_timeout(channel, &most, &next);
  const timespec timeout{limit->tv_sec, limit->tv_usec * 1000};
  const int n = ::ppoll(fds.data(), fds.size(), &timeout, nullptr);
  if (n < 0 && errno != EINTR) return last_errno();
  if (wake.interrupted() || (n > 0 && fds[count].revents != 0)) return Errno::intr;
  if (n <= 0) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  for (size_t i = 0; n > 0 && i < count; i++) {
    const bool failed = fds[i].revents & (POLLERR | POLLHUP);
    const bool readable = (fds[i].revents & POLLIN) || failed;
    const bool writable = fds[i].revents & POLLOUT;
    ares_process_fd(channel, readable ? fds[i].fd : ARES_SOCKET_BAD, writable ? fds[i].fd : ARES_SOCKET_BAD);
  }
  return {};
}

Io<Answer> ask(ares_channeldata* channel, const Sockets& sockets, const LookupRequest& request, const Wake& wake) {
  // Open queries end with a last call of take_answer, at the latest in ares_cancel.
  Answer answer;
  ares_addrinfo_hints hints{};
  hints.ai_family = !request.family ? AF_UNSPEC : *request.family == Family::inet4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel, request.node.c_str(), nullptr, &hints, take_answer, &answer);
  const uint64_t start = monotonic_now();
  Io<void> waited;
  while (!answer.done && waited) {
    const uint64_t passed = monotonic_now() - start;
    waited = passed >= kTotalTime ? Io<void>(Errno::aiagain) : step(channel, sockets, kTotalTime - passed, wake);
  }
  ares_cancel(channel);
  if (!waited) return waited.error();
  if (answer.status != ARES_SUCCESS) return errno_of(answer.status);
  return answer;
}

// The addresses of each name in the text of /etc/hosts.
using Hosts = std::multimap<std::string, SocketAddress>;

Hosts parse_hosts(std::string_view text) {
  Hosts hosts;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    std::optional<SocketAddress> address;
    for (const std::string_view word : config::split_words(line)) {
      if (!address) {
        address = numeric_address(std::string(word));
        if (!address) break;
      } else {
        hosts.emplace(config::canonical_name(word), *address);
      }
    }
  }
  return hosts;
}

}  // namespace

struct PinnedNames::State {
  Sockets sockets;
  Channel channel;  // before its sockets
  Hosts hosts;
};

PinnedNames::PinnedNames(std::unique_ptr<State> state) : state_(std::move(state)) {}
PinnedNames::~PinnedNames() = default;

Io<std::unique_ptr<PinnedNames>> PinnedNames::create() {
  constexpr size_t kMaxHosts = 1 << 20;
  auto state = std::make_unique<State>();
  state->channel = TRY(open_channel(state->sockets, Files::not_read));
  if (const auto text = read_file("/etc/hosts", kMaxHosts)) state->hosts = parse_hosts(*text);
  return std::unique_ptr<PinnedNames>(new PinnedNames(std::move(state)));
}

// One question.
class Lookup {
 public:
  static Io<Answer> pinned(PinnedNames& names, const LookupRequest& request, const Wake& wake) {
    PinnedNames::State& state = *names.state_;
    Answer answer;
    const auto [first, last] = state.hosts.equal_range(config::canonical_name(request.node));
    for (auto host = first; host != last; ++host) {
      if (wanted(request, host->second.family)) answer.addresses.push_back(host->second);
    }
    if (!answer.addresses.empty()) return answer;
    return ask(state.channel.get(), state.sockets, request, wake);
  }

  static Io<Answer> from_files(const LookupRequest& request, const Wake& wake) {
    Sockets sockets;
    const Channel channel = TRY(open_channel(sockets, Files::read));
    return ask(channel.get(), sockets, request, wake);
  }
};

Io<std::vector<SocketAddress>> lookup(const LookupRequest& request, const Wake& wake, Policy* policy, PinnedNames* names) {
  if (request.node.size() > kMaxName) return Errno::ainoname;
  const uint16_t port = TRY(port_of(request.service));
  std::vector<SocketAddress> found;
  if (request.node.empty()) {
    found = local_addresses(request);
  } else if (const auto numeric = numeric_address(request.node)) {
    if (!wanted(request, numeric->family)) return Errno::aiaddrfamily;
    found = {*numeric};
  } else if (request.numeric_only) {
    return Errno::ainoname;
  } else {
    if (policy) TRY(policy->check_lookup(request.node));
    Answer answer = TRY(names ? Lookup::pinned(*names, request, wake) : Lookup::from_files(request, wake));
    if (policy) policy->learn(request.node, answer.addresses, answer.ttl);
    found = std::move(answer.addresses);
  }
  for (SocketAddress& address : found) address.port = port;
  return found;
}

}  // namespace wherry::wasi
