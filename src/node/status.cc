// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "node/binaries.h"
#include "node/config_change.h"
#include "node/installation.h"
#include "node/journal.h"
#include "node/restart.h"

namespace wherry::node {
namespace {

constexpr char kInstall[] = "run `wherry node install`";

void check_binaries(Findings& findings, const UniqueFd& source, const std::string& directory) {
  const auto outdated = outdated_binaries(source, directory);
  if (!outdated) return findings.problem(outdated.error().to_string(), kInstall);
  if (outdated->empty()) return findings.ok("binaries in " + directory);
  std::string names;
  for (const std::string& name : *outdated) names += (names.empty() ? "" : ", ") + name;
  findings.problem("binaries in " + directory + ": missing or not those of this version: " + names, kInstall);
}

void check_record(Findings& findings, const std::string& state_directory) {
  const auto record = read_record(state_directory);
  if (!record) return findings.problem(record.error().to_string(), "run `wherry node` as root");
  if (!*record) return findings.problem("it is not installed", kInstall);
  switch ((*record)->phase) {
    case Record::Phase::installed:
      return findings.ok("installed, and containerd was seen with it");
    case Record::Phase::changing:
      return findings.problem("containerd was not yet seen with the handler: an installation was broken off, or not to restart it",
                              kInstall);
    case Record::Phase::rolled_back:
      return findings.problem("it was rolled back: " + (*record)->problem, "see containerd's log, then " + std::string(kInstall));
    case Record::Phase::removing:
      return findings.problem("an uninstallation was broken off", "run `wherry node uninstall`");
  }
}

void check_configuration(Findings& findings, const Target& target) {
  if (target.foreign)
    return findings.ok("handler `" + target.handler.name + "` in " + target.config + ", not written by us");
  const auto current = read_optional(target.edited);
  if (!current) return findings.problem(current.error().to_string(), "run `wherry node` as root");
  const auto wanted = edited_content(target, *current);
  if (!wanted) return findings.problem(wanted.error().to_string(), "correct the file");
  if (*current && **current == *wanted) return findings.ok("handler `" + target.handler.name + "` in " + target.edited);
  findings.problem("no handler `" + target.handler.name + "` in " + target.edited + ", or not as it should be", kInstall);
}

void check_daemon(Findings& findings, const Target& target) {
  const auto listener = listener_of(target.address);
  if (!listener)
    return findings.problem("containerd does not answer: " + listener.error().to_string(), "start it, or give --socket");
  findings.ok("containerd answers at " + target.address);
  const Client client = find_client(*target.distribution, target.daemon, target.address);
  if (client.words.empty()) return findings.note("no ctr: nothing more can be asked", "install containerd's client");
  const std::string broken = broken_plugin(client);
  if (broken.empty()) return findings.ok("its Kubernetes plug-in is in order");
  findings.problem(broken, "see containerd's log");
}

// What containerd reads, when it is another file than the one we write.
void check_effect(Findings& findings, const Target& target) {
  const auto handlers = effective_handlers(target.daemon, target.config);
  if (!handlers) return findings.problem(handlers.error().to_string(), "correct the file");
  if (handlers->empty()) return;
  for (const std::string& name : *handlers)
    if (name == target.handler.name) return findings.ok("containerd reads the handler from " + target.config);
  findings.problem("containerd does not find the handler from " + target.config,
                   "restart it, or see whether the file imports " + target.edited);
}

}  // namespace

std::vector<Finding> installation_status(const UniqueFd& source, const InstallOptions& options) {
  Findings findings;
  check_record(findings, options.node.state_directory);
  check_binaries(findings, source, options.node.bin_directory);
  const auto target = find_target(options.node);
  if (!target) {
    findings.problem(target.error().to_string(), "correct it, then " + std::string(kInstall));
    return findings.take();
  }
  check_configuration(findings, *target);
  check_effect(findings, *target);
  check_daemon(findings, *target);
  return findings.take();
}

}  // namespace wherry::node
