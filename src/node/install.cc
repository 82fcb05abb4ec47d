// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/sha256.h"
#include "node/binaries.h"
#include "node/config_change.h"
#include "node/installation.h"
#include "node/journal.h"
#include "node/restart.h"
#include "node/text_diff.h"
#include "node/trial.h"
#include "node/undo.h"

namespace wherry::node {
namespace {

std::string digest(const std::string& content) { return to_hex(sha256(content)); }

// One run of `install`.
class Installer {
 public:
  Installer(const UniqueFd& source, const InstallOptions& options, const Progress& progress, Journal& journal,
            Target target)
      : source_(source),
        options_(options),
        progress_(progress),
        journal_(journal),
        target_(std::move(target)),
        client_(find_client(*target_.distribution, target_.daemon, target_.address)) {}

  Result<void> run() {
    const std::optional<std::string> current = TRY(read_optional(target_.edited));
    std::optional<std::string> wanted = current;
    if (!target_.foreign) wanted = TRY(edited_content(target_, current));
    const bool finish = journal_.record() && journal_.record()->phase != Record::Phase::installed;
    const bool edits = wanted != current || finish;
    TRY(check_retry(wanted));
    // Asked before anything is changed: an edit that nobody can bring into force helps nobody.
    if (edits) TRY(find_restart());
    const bool placed = TRY(place_binaries());
    if (edits && !placed) TRY(try_container("before", options_.node.bin_directory));
    if (edits) return change(current, wanted);
    TRY(record_unchanged(current));
    progress_("configuration " + target_.edited + ": nothing to change");
    return {};
  }

 private:
  Result<void> find_restart() {
    if (!options_.restart) return {};
    restart_ = TRY(restart_command(*target_.distribution, target_.edited, options_.restart_command));
    return {};
  }

  Result<void> check_retry(const std::optional<std::string>& wanted) const {
    const auto& record = journal_.record();
    if (options_.retry || !record || record->phase != Record::Phase::rolled_back || !wanted ||
        record->refused != digest(*wanted))
      return {};
    return error(ErrorKind::failed_precondition,
                 "containerd was restarted with this before, and it was taken back (" + record->problem +
                     "): not tried again until configuration or version change, or `wherry node install` is run by hand");
  }

  // Whether one of them changed. Noted first, so that an uninstallation finds what a kill leaves.
  Result<bool> place_binaries() {
    const std::string& directory = options_.node.bin_directory;
    const auto& known = journal_.record();
    if (known && !known->bin_directory.empty() && known->bin_directory != directory)
      return error(ErrorKind::already_exists, "it is installed in " + known->bin_directory +
                                                  ": give it as --bin-dir, or uninstall first");
    Record record = new_record();
    if (!same_directory(source_, directory)) record.binaries = TRY(available_binaries(source_));
    if (!known || known->binaries != record.binaries) TRY(journal_.write(record));
    const std::vector<std::string> outdated = TRY(outdated_binaries(source_, directory));
    if (!outdated.empty()) TRY(replace_binaries());
    progress_("binaries in " + directory + ": " +
              (outdated.empty() ? "nothing to change" : std::to_string(outdated.size()) + " put in place"));
    return !outdated.empty();
  }

  // The new ones run a container before the old ones, which pods may be started with meanwhile, are gone.
  Result<void> replace_binaries() {
    const std::string& directory = options_.node.bin_directory;
    const std::string staging = staging_directory(directory);
    TRY(install_binaries(source_, staging));
    Result<void> done = try_container("of the new binaries", staging);
    if (done) {
      auto staged = open_source(staging);
      done = staged ? install_binaries(*staged, directory) : Result<void>(staged.error());
    }
    const auto removed = remove_binaries(TRY(available_binaries(source_)), staging);
    return done ? removed : done;
  }

  Result<void> try_container(const std::string& when, const std::string& directory) {
    if (!options_.trial) return {};
    if (client_.words.empty() || !target_.daemon.running) {
      progress_("test container " + when + ": not run, " +
                (client_.words.empty() ? "there is no ctr here" : "containerd does not run"));
      return {};
    }
    TRY(run_trial(client_, directory + "/" + kShimName, journal_.directory()));
    progress_("test container " + when + ": ran");
    return {};
  }

  Record new_record() const {
    Record record = journal_.record().value_or(Record());
    record.problem.clear();
    record.refused.clear();
    record.bin_directory = options_.node.bin_directory;
    record.handler = target_.handler.name;
    record.address = target_.address;
    record.distribution = target_.distribution->name;
    return record;
  }

  Result<void> record_unchanged(const std::optional<std::string>& current) {
    Record record = new_record();
    record.phase = Record::Phase::installed;
    // Without a record, but with our block: somebody has removed our state.
    if (!journal_.record() && !target_.foreign) TRY(remember(record, current, current));
    return journal_.write(record);
  }

  // Notes what the file is without us and with us, for an uninstallation.
  Result<void> remember(Record& record, const std::optional<std::string>& current,
                        const std::optional<std::string>& wanted) {
    const bool known = record.file == target_.edited && current && digest(*current) == record.after;
    record.after = wanted ? digest(*wanted) : "";
    if (known) return {};
    record.file = target_.edited;
    record.existed = current.has_value();
    const std::string before = current ? TRY(without_block(*current)) : std::string();
    record.before = digest(before);
    return journal_.write_backup(before);
  }

  Result<void> make_directory(Record& record) {
    const std::string directory = target_.edited.substr(0, target_.edited.rfind('/'));
    if (::access(directory.c_str(), F_OK) == 0) return {};
    record.made_directory = directory;
    TRY(journal_.write(record));
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return os_error(errno, directory);
    return {};
  }

  Result<void> change(const std::optional<std::string>& current, const std::optional<std::string>& wanted) {
    // What to go back to: the last content that containerd ran with.
    std::optional<std::string> good = current;
    const bool was_changing = journal_.record() && journal_.record()->phase == Record::Phase::changing;
    seen_edit_ = was_changing && !journal_.record()->file.empty();
    Record record = new_record();
    record.phase = Record::Phase::changing;
    if (!record.file.empty() && record.file != target_.edited) TRY(undo_edit(journal_, record));
    if (!target_.foreign) TRY(remember(record, current, wanted));
    if (was_changing && !target_.foreign) {
      good.reset();
      if (record.existed) good = TRY(journal_.backup());
    }
    TRY(journal_.write(record));
    TRY(make_directory(record));
    auto taken = take_effect(wanted);
    if (!taken) return roll_back(record, good, wanted, taken.error());
    if (!options_.restart) {
      progress_("containerd is to be restarted by you; `wherry node install` again checks it");
      return {};
    }
    record.phase = Record::Phase::installed;
    return journal_.write(record);
  }

  Result<void> take_effect(const std::optional<std::string>& wanted) {
    const auto seen = effective_handlers(target_.daemon, target_.config);
    const std::vector<std::string> before = seen ? *seen : std::vector<std::string>();
    TRY(write_config(target_.edited, wanted));
    progress_("configuration " + target_.edited + ": handler `" + target_.handler.name + "`");
    TRY(check_handlers(before));
    if (!options_.restart) return {};
    TRY(restart_daemon());
    TRY(check_effect());
    return try_container("after the restart", options_.node.bin_directory);
  }

  // containerd's own word for it that the edit is understood, and that no other handler is gone by it.
  Result<void> check_handlers(std::vector<std::string> expected) {
    // What is made from a template is not there before the restart.
    if (target_.form == Target::Form::template_ || target_.daemon.program.empty()) return {};
    const std::vector<std::string> found = TRY(effective_handlers(target_.daemon, target_.config));
    if (!watches(*target_.distribution, target_.edited)) expected.push_back(target_.handler.name);
    for (const std::string& name : expected)
      if (std::find(found.begin(), found.end(), name) == found.end())
        return error(ErrorKind::failed_precondition, "with the edit containerd does not see handler `" + name + "`");
    return {};
  }

  // What the new daemon reads may have been made from what we edited, or be another file altogether.
  Result<void> check_effect() const {
    const std::string& config = target_.daemon.config.starts_with('/') ? target_.daemon.config : target_.config;
    if (!target_.daemon.running) return {};
    const std::vector<std::string> found = TRY(effective_handlers(target_.daemon, config));
    if (std::find(found.begin(), found.end(), target_.handler.name) != found.end()) return {};
    return error(ErrorKind::failed_precondition,
                 "containerd was restarted, but in " + config + ", which it reads, is no handler `" + target_.handler.name + "`");
  }

  Result<void> restart_daemon() {
    seen_edit_ = true;
    const auto listener = listener_of(target_.address);
    TRY(restart(restart_, client_, listener ? *listener : 0, options_.limit));
    target_.daemon = find_daemon_at(target_.address);
    progress_("containerd restarted, it answers at " + target_.address);
    return {};
  }

  Error roll_back(Record record, const std::optional<std::string>& good, const std::optional<std::string>& wanted,
                  const Error& why) {
    std::string outcome = "the configuration is as before";
    auto undone = write_config(target_.edited, good);
    if (undone && options_.restart && seen_edit_) undone = restart_daemon();
    if (!undone) outcome = "and putting it back failed: " + undone.error().to_string();
    record.phase = Record::Phase::rolled_back;
    record.problem = why.to_string();
    record.refused = wanted ? digest(*wanted) : "";
    record.after = good ? digest(*good) : "";
    if (const auto noted = journal_.write(record); !noted) outcome += "; " + noted.error().to_string();
    return error(why.kind, why.to_string() + "; " + outcome);
  }

  const UniqueFd& source_;
  const InstallOptions& options_;
  const Progress& progress_;
  Journal& journal_;
  Target target_;
  const Client client_;
  std::vector<std::string> restart_;
  bool seen_edit_ = false;  // containerd may have been started with it, by us or by a call that was killed
};

}  // namespace

Result<Plan> plan_installation(const UniqueFd& source, const InstallOptions& options) {
  const Target target = TRY(find_target(options.node));
  Plan plan{.binaries = TRY(outdated_binaries(source, options.node.bin_directory)), .file = target.edited, .diff = ""};
  const auto current = TRY(read_optional(target.edited));
  if (!target.foreign)
    plan.diff = text_diff(current.value_or(""), TRY(edited_content(target, current)), target.edited);
  return plan;
}

Result<void> install(const UniqueFd& source, const InstallOptions& options, const Progress& progress) {
  const auto journal = TRY(Journal::create(options.node.state_directory));
  Target target = TRY(find_target(options.node));
  progress("node " + std::string(target.distribution->name) + ", " +
           (target.daemon.running ? target.daemon.program : std::string("containerd does not run")));
  return Installer(source, options, progress, *journal, std::move(target)).run();
}

}  // namespace wherry::node
