// SPDX-License-Identifier: Apache-2.0
#include "config/network_filter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "config/words.h"

namespace wherry::config {
namespace {

constexpr size_t kMaxRules = 1024;
constexpr size_t kMaxName = 253;
constexpr unsigned kMappedBits = 96;

bool same_prefix(const std::array<uint8_t, 16>& a, const std::array<uint8_t, 16>& b, unsigned bits) {
  const unsigned bytes = bits / 8, rest = bits % 8;
  if (!std::equal(a.begin(), a.begin() + bytes, b.begin())) return false;
  return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

bool is_mapped(const std::array<uint8_t, 16>& ip) {
  constexpr uint8_t kNone[4] = {};
  return same_prefix(ip, Endpoint::map_ipv4(kNone), kMappedBits);
}

struct Network {
  std::array<uint8_t, 16> ip{};
  unsigned prefix = 0;
};

// "10.0.0.0/8", "fd00::1"; nullopt for what is no address.
std::optional<Network> parse_network(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string address(text.substr(0, slash));
  Network network;
  uint8_t four[4];
  unsigned shift = 0;
  if (::inet_pton(AF_INET, address.c_str(), four) == 1) {
    network.ip = Endpoint::map_ipv4(four);
    shift = kMappedBits;
  } else if (::inet_pton(AF_INET6, address.c_str(), network.ip.data()) != 1) {
    return std::nullopt;
  }
  network.prefix = 128;
  if (slash == text.size()) return network;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (problem != std::errc() || end != digits.data() + digits.size() || bits > 128 - shift) return std::nullopt;
  network.prefix = bits + shift;
  return network;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// "443" or "8000-8099".
bool parse_ports(std::string_view text, NetworkRule& rule) {
  const size_t dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == text.npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *first > *last) return false;
  rule.first_port = *first;
  rule.last_port = *last;
  return true;
}

bool is_label_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

// "db.example.com", "*.example.com". A name of digits and dots alone is a mistyped
// address.
bool is_host_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > kMaxName || name.find_first_not_of("0123456789.") == name.npos) return false;
  char before = '.';
  for (const char c : name) {
    if (c == '.' ? before == '.' : !is_label_character(c)) return false;
    before = c;
  }
  return before != '.';
}

// What is before the ports, and the ports.
bool split_ports(std::string_view text, std::string_view& target, std::string_view& ports) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return false;
    target = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (target.find(':') == target.npos || (!text.empty() && text[0] != ':')) return false;
    if (!text.empty()) ports = text.substr(1);
    return text.size() != 1;
  }
  const size_t colon = text.find(':');
  target = text;
  if (colon == text.npos || text.find(':', colon + 1) != text.npos) return true;  // none, or a bare IPv6 address
  target = text.substr(0, colon);
  ports = text.substr(colon + 1);
  return !ports.empty();
}

bool set_target(std::string_view target, NetworkRule& rule) {
  if (target.empty() || target == "*") return true;
  if (const auto network = parse_network(target)) {
    rule.target = NetworkRule::Target::network;
    rule.network = network->ip;
    rule.prefix = network->prefix;
    return true;
  }
  rule.name = canonical_name(target);
  rule.target = NetworkRule::Target::name;
  return is_host_name(rule.name);
}

// What follows the word in "localhost:80/tcp" or "-localhost".
std::optional<std::string> after_localhost(std::string_view word) {
  constexpr std::string_view kLocalhost = "localhost";
  if (word.starts_with('-')) word.remove_prefix(1);
  if (!word.starts_with(kLocalhost)) return std::nullopt;
  word.remove_prefix(kLocalhost.size());
  if (!word.empty() && word[0] != ':' && word[0] != '/') return std::nullopt;
  return std::string(word);
}

Error bad_rule(std::string_view word, const char* why) { return error(ErrorKind::invalid, "rule `" + std::string(word) + "`: " + why); }

Result<NetworkRule> parse_rule(std::string_view word) {
  constexpr const char* kShape = "expected [-]ADDRESS|NETWORK/BITS|NAME|*[:PORT[-PORT]][/tcp|/udp], IPv6 in [] before a port";
  NetworkRule rule;
  std::string_view text = word;
  if (text.starts_with('-')) {
    rule.deny = true;
    text.remove_prefix(1);
  }
  if (text.ends_with("/tcp")) rule.transport = Transport::tcp;
  if (text.ends_with("/udp")) rule.transport = Transport::udp;
  if (rule.transport) text.remove_suffix(4);
  std::string_view target, ports;
  if (text.empty() || !split_ports(text, target, ports) || !set_target(target, rule)) return bad_rule(word, kShape);
  if (!ports.empty() && !parse_ports(ports, rule)) return bad_rule(word, kShape);
  return rule;
}

}  // namespace

std::array<uint8_t, 16> Endpoint::map_ipv4(const uint8_t* four) {
  std::array<uint8_t, 16> ip{};
  ip[10] = ip[11] = 0xff;
  std::copy_n(four, 4, ip.begin() + 12);
  return ip;
}

bool Endpoint::is_unspecified() const {
  const std::array<uint8_t, 16> zero{};
  return is_mapped(ip) ? std::equal(ip.begin() + 12, ip.end(), zero.begin()) : ip == zero;
}

bool Endpoint::is_special() const {
  if (is_unspecified()) return true;
  if (is_mapped(ip)) return ip[12] == 0 || ip[12] == 127 || (ip[12] == 169 && ip[13] == 254) || ip[12] >= 224;
  const bool loopback = std::all_of(ip.begin(), ip.begin() + 15, [](uint8_t b) { return b == 0; });
  return loopback || ip[0] == 0xff || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

Endpoint Endpoint::as_destination() const {
  static constexpr uint8_t kNat64[12] = {0x00, 0x64, 0xff, 0x9b};
  static constexpr uint8_t kLoopback[4] = {127, 0, 0, 1};
  Endpoint result = *this;
  if (std::equal(std::begin(kNat64), std::end(kNat64), ip.begin())) result.ip = map_ipv4(ip.data() + 12);
  if (!result.is_unspecified()) return result;
  const bool four = is_mapped(result.ip);
  result.ip = four ? map_ipv4(kLoopback) : std::array<uint8_t, 16>{};
  if (!four) result.ip[15] = 1;
  return result;
}

bool NetworkRule::covers(const Endpoint& endpoint) const {
  return endpoint.port >= first_port && endpoint.port <= last_port && (!transport || *transport == endpoint.transport);
}

bool NetworkRule::contains(const Endpoint& endpoint) const {
  if (!covers(endpoint)) return false;
  return target == Target::any || (target == Target::network && same_prefix(endpoint.ip, network, prefix));
}

bool NetworkRule::is_name(std::string_view lower) const {
  if (target != Target::name) return false;
  if (!name.starts_with("*.")) return name == lower;
  return lower.size() > name.size() - 1 && lower.ends_with(std::string_view(name).substr(1));
}

std::string canonical_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

Result<NetworkFilter> NetworkFilter::parse(std::string_view text, Direction direction) {
  NetworkFilter filter;
  for (const std::string_view word : split_words(text)) {
    TRY(filter.add(word, direction));
    if (filter.rules_.size() > kMaxRules) return error(ErrorKind::exhausted, "more than " + std::to_string(kMaxRules) + " rules");
  }
  return filter;
}

Result<void> NetworkFilter::add(std::string_view word, Direction direction) {
  const bool egress = direction == Direction::egress;
  if (word == "all") {
    open_ = true;
  } else if (word == "none") {
    closed_ = true;
  } else if (word == "dns" && egress) {
    any_name_ = closed_ = true;
  } else if (const auto rest = after_localhost(word)) {
    const std::string sign(word.starts_with('-') ? "-" : "");
    for (const char* const loopback : {"127.0.0.0/8", "[::1]"}) add(TRY(parse_rule(sign + loopback + *rest)));
  } else {
    NetworkRule rule = TRY(parse_rule(word));
    const bool is_name = rule.target == NetworkRule::Target::name;
    if (is_name && !egress) return bad_rule(word, "only an address can be bound, not a name");
    if (is_name && rule.deny) return bad_rule(word, "a name can not be denied, since its address could be used; deny the network");
    add(std::move(rule));
  }
  return {};
}

void NetworkFilter::add(NetworkRule rule) {
  closed_ |= !rule.deny;
  has_names_ |= rule.target == NetworkRule::Target::name;
  rules_.push_back(std::move(rule));
}

bool NetworkFilter::allows_destination(const Endpoint& given, const std::vector<std::string>& names) const {
  const Endpoint endpoint = given.as_destination();
  bool allowed = allows_by_default();
  for (const NetworkRule& rule : rules_) {
    if (rule.deny && rule.contains(endpoint)) return false;
    if (rule.deny || allowed) continue;
    const bool by_name = rule.target == NetworkRule::Target::name && rule.covers(endpoint) && !endpoint.is_special() &&
                         std::any_of(names.begin(), names.end(), [&](const std::string& name) { return rule.is_name(name); });
    allowed = by_name || rule.contains(endpoint);
  }
  return allowed;
}

// Port 0 asks for one that the kernel chooses, which only a rule for all ports
// allows. The unspecified address is all of them, so what is denied of one is
// denied of it.
bool NetworkFilter::allows_listening(const Endpoint& endpoint) const {
  const bool everywhere = endpoint.is_unspecified();
  bool allowed = allows_by_default();
  for (const NetworkRule& rule : rules_) {
    if (rule.deny && (rule.contains(endpoint) || (everywhere && rule.covers(endpoint)))) return false;
    if (!rule.deny && rule.contains(endpoint)) allowed = true;
  }
  return allowed;
}

bool NetworkFilter::allows_lookup(std::string_view name) const {
  if (allows_by_default() || any_name_) return true;
  const std::string lower = canonical_name(name);
  const bool whole = std::any_of(rules_.begin(), rules_.end(), [](const NetworkRule& rule) { return !rule.deny && rule.target == NetworkRule::Target::any; });
  return whole || lower == "localhost" || std::any_of(rules_.begin(), rules_.end(), [&](const NetworkRule& rule) { return rule.is_name(lower); });
}

}  // namespace wherry::config
