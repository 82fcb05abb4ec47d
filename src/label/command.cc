// SPDX-License-Identifier: Apache-2.0
#include "label/command.h"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "base/fd.h"
#include "label/node_labels.h"

namespace wherry::label {
namespace {

using cli::Arguments;
using cli::Option;
using cli::set;
using Clock = std::chrono::steady_clock;

constexpr const char* kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::chrono::seconds kLook{1}, kFirstPause{1}, kLongestPause{60}, kRepeat{300};

struct Options {
  std::string node;
  std::string server;
  std::string token_file;
  std::string ca_file;
  std::string follow;
  std::optional<std::chrono::nanoseconds> limit;
};

constexpr Option kOptions[] = {
    {"node", 'n', "NAME", "whose labels [default: $NODE_NAME]", set<&Options::node>},
    {"follow", 0, "FILE", "stays: sets the labels while FILE says `yes`, removes them while it says `no`", set<&Options::follow>},
    {"server", 0, "IP:PORT", "of the API server [default: this pod's]", set<&Options::server>},
    {"token", 0, "FILE", "who asks [default: this pod's]", set<&Options::token_file>},
    {"ca-file", 0, "FILE", "whose certificate the server has, PEM [default: this pod's]", set<&Options::ca_file>},
    {"timeout", 0, "TIME", "of a request [default: 10s]", set<&Options::limit>},
};

std::string variable(const char* name) {
  const char* const value = ::getenv(name);
  return value ? value : "";
}

Result<TlsPeer> parse_server(const std::string& text) {
  const size_t colon = text.rfind(':');
  TlsPeer peer{.address = text.substr(0, colon), .ca_file = {}};
  if (peer.address.starts_with('[') && peer.address.ends_with(']')) peer.address = peer.address.substr(1, peer.address.size() - 2);
  const std::string_view port = colon == text.npos ? std::string_view() : std::string_view(text).substr(colon + 1);
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), peer.port);
  if (port.empty() || problem != std::errc() || end != port.data() + port.size() || peer.port == 0)
    return error(ErrorKind::invalid, "server `" + text + "`: not IP:PORT");
  return peer;
}

Result<Node> node_of(const Options& options) {
  Node node{.name = options.node.empty() ? variable("NODE_NAME") : options.node, .server = {}, .token_file = options.token_file};
  if (!is_object_name(node.name)) return error(ErrorKind::invalid, node.name.empty() ? "no node: neither --node nor NODE_NAME" : "`" + node.name + "` is not the name of a node");
  std::string server = options.server;
  if (server.empty()) {
    server = variable("KUBERNETES_SERVICE_HOST") + ":" + variable("KUBERNETES_SERVICE_PORT");
    if (server == ":") return error(ErrorKind::invalid, "no API server: not in a pod, and no --server");
  }
  node.server = TRY(parse_server(server));
  node.server.ca_file = options.ca_file.empty() ? std::string(kAccount) + "/ca.crt" : options.ca_file;
  if (node.token_file.empty()) node.token_file = std::string(kAccount) + "/token";
  if (options.limit) node.limit = std::max(std::chrono::ceil<std::chrono::milliseconds>(*options.limit), std::chrono::milliseconds(1));
  return node;
}

// What the file says; nothing if it is not there yet.
std::optional<bool> says_yes(const std::string& file) {
  const auto text = read_file(file, 16);
  if (!text) return std::nullopt;
  return text->starts_with("yes");
}

// The node's labels follow a file: what was tried last, how it ended, and when it is to be done again.
class Follower {
 public:
  Follower(const Node& node, const Labels& labels) : node_(node), labels_(labels), none_(without_values(labels)) {}

  void look(const std::string& file) {
    const std::optional<bool> wanted = says_yes(file);
    if (!wanted || (wanted == tried_ && Clock::now() < next_)) return;
    const auto patched = patch_labels(node_, *wanted ? labels_ : none_);
    if (patched) {
      succeed(*wanted);
    } else {
      fail(patched.error());
    }
    tried_ = wanted;
  }

 private:
  void succeed(bool wanted) {
    if (tried_ != wanted || !problem_.empty()) std::printf("node %s: labels %s\n", node_.name.c_str(), wanted ? "set" : "removed");
    problem_.clear();
    pause_ = kFirstPause;
    next_ = Clock::now() + kRepeat;  // somebody else may have changed them
  }
  void fail(const Error& why) {
    if (problem_ != why.message) std::fprintf(stderr, "error: %s\n", why.message.c_str());
    problem_ = why.message;
    next_ = Clock::now() + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
  }

  const Node& node_;
  const Labels &labels_;
  const Labels none_;
  std::optional<bool> tried_;
  std::string problem_;  // of the last try
  std::chrono::seconds pause_ = kFirstPause;
  Clock::time_point next_{};
};

// Until SIGTERM or SIGINT, which leave the labels as they are: the next one of a rollout takes over.
int follow(const Node& node, const Labels& labels, const std::string& file) {
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigaddset(&stop, SIGINT);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  constexpr timespec kPause{kLook.count(), 0};
  ::setvbuf(stdout, nullptr, _IOLBF, 0);
  Follower follower(node, labels);
  do follower.look(file);
  while (::sigtimedwait(&stop, nullptr, &kPause) < 0);
  return 0;
}

Result<int> label(const Options& options, const Arguments& arguments) {
  const Labels labels = TRY(parse_labels(arguments));
  const Node node = TRY(node_of(options));
  if (!options.follow.empty()) return follow(node, labels, options.follow);
  TRY(patch_labels(node, labels));
  return 0;
}

}  // namespace

const cli::Command kLabel = {
    .name = "label",
    .arguments = "KEY=VALUE|KEY- ...",
    .min_arguments = 1,
    .max_arguments = cli::kAnyNumber,
    .order = cli::Order::any,
    .summary = "sets and removes labels of a node of Kubernetes",
    .details = "in a pod, by its service account, which may patch nodes",
    .options = kOptions,
    .examples = {"label wherry.dev/installed=true --follow /run/wherry/ready", "label wherry.dev/installed-"},
    .main = cli::command_main<Options, label>,
    .prefix = "wherry-",
};

}  // namespace wherry::label
