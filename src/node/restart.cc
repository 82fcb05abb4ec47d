// SPDX-License-Identifier: Apache-2.0
#include "node/restart.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "node/daemon.h"
#include "node/program.h"

namespace wherry::node {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kAnswer{5000};
constexpr char kPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t size = std::min(text.find(' '), text.size());
    if (size > 0) words.emplace_back(text.substr(0, size));
    text.remove_prefix(std::min(text.size(), size + 1));
  }
  return words;
}

// systemd first: where it runs, it is the one that runs services.
struct ServiceManager {
  const char* program;
  const char* evidence;
  std::vector<std::string> (*is_active)(const std::string& program, const std::string& service);
  std::vector<std::string> (*restart)(const std::string& program, const std::string& service);
};
const ServiceManager kManagers[] = {
    {"systemctl", "/run/systemd/system",
     [](const auto& program, const auto& service) -> std::vector<std::string> {
       return {program, "is-active", "--quiet", service};
     },
     [](const auto& program, const auto& service) -> std::vector<std::string> { return {program, "restart", service}; }},
    {"rc-service", "/run/openrc",
     [](const auto& program, const auto& service) -> std::vector<std::string> { return {program, service, "status"}; },
     [](const auto& program, const auto& service) -> std::vector<std::string> { return {program, service, "restart"}; }},
};

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of("\n ");
  if (end == text.npos) return "it printed nothing";
  const size_t start = text.rfind('\n', end);
  return text.substr(start == text.npos ? 0 : start + 1, end - (start == text.npos ? 0 : start + 1) + 1);
}

bool answers(const Client& client) {
  if (client.words.empty()) return true;  // its socket takes connections, and more can not be asked
  const auto ended = run_program(client.command({"version"}), kAnswer, Stderr::with_stdout);
  return ended && ended->code == 0;
}

}  // namespace

Result<std::vector<std::string>> restart_command(const Distribution& distribution, const std::string& file,
                                                  const std::string& given) {
  if (!given.empty()) return std::vector<std::string>{"/bin/sh", "-c", given};
  if (watches(distribution, file)) return std::vector<std::string>{};
  for (const ServiceManager& manager : kManagers) {
    const std::string program = find_on_path(manager.program, kPath);
    if (program.empty() || ::access(manager.evidence, F_OK) != 0) continue;
    for (const std::string& service : split(distribution.services)) {
      const auto active = run_program(manager.is_active(program, service), kAnswer, Stderr::with_stdout);
      if (active && active->code == 0) return manager.restart(program, service);
    }
  }
  return error(ErrorKind::unsupported, "no service here is known to run containerd (" +
                                           std::string(distribution.services) +
                                           "): give --restart-command, or --no-restart and restart it yourself");
}

std::vector<std::string> Client::command(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = words;
  all.insert(all.end(), {"--address", address});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

Client find_client(const Distribution& distribution, const Daemon& daemon, const std::string& address) {
  Client client{split(distribution.ctr), address};
  if (!client.words[0].starts_with('/')) client.words[0] = find_on_path(client.words[0], daemon.path + ":" + kPath);
  if (!client.words[0].empty() && ::access(client.words[0].c_str(), X_OK) == 0) return client;
  client.words = {daemon.program.substr(0, daemon.program.rfind('/') + 1) + "ctr"};
  if (!client.words[0].starts_with('/') || ::access(client.words[0].c_str(), X_OK) != 0) client.words.clear();
  return client;
}

std::string broken_plugin(const Client& client) {
  if (client.words.empty()) return "";
  const auto listed = output_of(client.command({"plugins", "ls"}), kAnswer);
  if (!listed) return listed.error().to_string();
  for (size_t at = 0; at < listed->size();) {
    const size_t end = std::min(listed->find('\n', at), listed->size());
    const std::vector<std::string> row = split(std::string_view(*listed).substr(at, end - at));
    at = end + 1;
    const bool kubernetes = row.size() >= 3 && (row[1] == "cri" || row[0] == "io.containerd.cri.v1");
    if (kubernetes && row.back() == "error") return row[0] + "." + row[1] + " did not start";
  }
  return "";
}

Result<void> restart(const std::vector<std::string>& command, const Client& client, pid_t old, milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  if (!command.empty()) {
    const Ended ended = TRY(run_program(command, limit, Stderr::with_stdout));
    if (ended.code != 0)
      return error(ErrorKind::unavailable, "`" + command.back() + "` ended with " + std::to_string(ended.code) + ": " +
                                               last_line(ended.output));
  }
  for (;;) {
    const auto listener = listener_of(client.address);
    if (listener && (*listener != old || old == 0) && answers(client)) break;
    if (Clock::now() >= deadline) {
      return error(ErrorKind::unavailable,
                   "containerd did not come back within " +
                       std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limit).count()) + " s (" +
                       (listener ? "the old one still answers" : listener.error().message) + ")");
    }
    ::poll(nullptr, 0, 50);
  }
  if (const std::string broken = broken_plugin(client); !broken.empty())
    return error(ErrorKind::unavailable, "containerd came back, but " + broken);
  return {};
}

}  // namespace wherry::node
