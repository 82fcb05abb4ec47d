// SPDX-License-Identifier: Apache-2.0
#include "node/binaries.h"
#include "node/installation.h"
#include "node/journal.h"
#include "node/restart.h"
#include "node/trial.h"
#include "node/undo.h"

namespace wherry::node {
namespace {

Result<void> check_unused(const Record& record, const InstallOptions& options) {
  const size_t pods = running_shims(record.bin_directory).size();
  if (pods == 0 || options.force) return {};
  return error(ErrorKind::failed_precondition,
               std::to_string(pods) + (pods == 1 ? " pod runs" : " pods run") +
                   " with it here, and containerd could not remove them without the shim: drain the node, or --force");
}

// Whether containerd may still have the handler.
bool is_in_force(const Record& record) {
  return !record.file.empty() && record.phase != Record::Phase::rolled_back;
}

}  // namespace

Result<void> uninstall(const InstallOptions& options, const Progress& progress) {
  const auto journal = TRY(Journal::create(options.node.state_directory));
  if (!journal->record()) {
    TRY(journal->clear());
    progress("nothing is installed");
    return {};
  }
  Record record = *journal->record();
  NodeOptions node = options.node;
  if (node.address.empty()) node.address = record.address;
  const bool restarts = options.restart && is_in_force(record);
  const std::string& name = node.distribution.empty() ? record.distribution : node.distribution;
  const Distribution* const distribution = name.empty() ? &detect_distribution() : find_distribution(name);
  if (!distribution) return error(ErrorKind::invalid, "`" + name + "` is no distribution");
  const Client client = find_client(*distribution, find_daemon_at(node.address), node.address);
  // The test container of a killed installation is no pod.
  clean_trial(client, journal->directory(), [&] { return running_shims(record.bin_directory).empty(); });
  TRY(check_unused(record, options));
  std::vector<std::string> command;
  if (restarts) command = TRY(restart_command(*distribution, record.file, options.restart_command));

  const bool broken_off = record.phase == Record::Phase::changing || record.phase == Record::Phase::removing;
  record.phase = Record::Phase::removing;
  TRY(journal->write(record));
  TRY(undo_edit(*journal, record));
  if (!record.file.empty()) progress("configuration " + record.file + ": as it was");
  if (restarts) {
    const auto listener = listener_of(node.address);
    // One that does not run reads the file when it starts. But it may be starting: by a call that was killed.
    if (listener || broken_off) {
      TRY(restart(command, client, listener ? *listener : 0, options.limit));
      progress("containerd restarted, it answers at " + node.address);
    }
  }
  TRY(remove_binaries(record.binaries, staging_directory(record.bin_directory)));
  TRY(remove_binaries(record.binaries, record.bin_directory));
  progress("binaries in " + record.bin_directory + ": removed");
  return journal->clear();
}

}  // namespace wherry::node
