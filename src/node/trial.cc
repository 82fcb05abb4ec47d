// SPDX-License-Identifier: Apache-2.0
#include "node/trial.h"

#include <ftw.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "base/fd.h"
#include "node/program.h"
#include "node/trial_module.h"

namespace wherry::node {
namespace {

constexpr char kNamespace[] = "wherry-node-trial";
constexpr char kContainer[] = "trial";
constexpr char kModule[] = "/trial.wasm";
constexpr std::chrono::seconds kLimit{60};

// Mounts are left alone, whatever should have become of a shim.
void remove_tree(const std::string& root) {
  constexpr int kOpen = 16;
  ::nftw(
      root.c_str(),
      [](const char* path, const struct stat*, int, struct FTW*) {
        ::remove(path);
        return 0;
      },
      kOpen, FTW_DEPTH | FTW_MOUNT | FTW_PHYS);
}

class Trial {
 public:
  Trial(const Client& client, const std::string& directory) : client_(client), root_(directory + "/trial") {}
  ~Trial() { clean(); }

  Result<void> run(const std::string& shim) {
    clean();
    if (::mkdir(root_.c_str(), 0755) != 0) return os_error(errno, root_);
    const std::span module(kTrialModule);
    TRY(replace_file(root_ + kModule, {reinterpret_cast<const char*>(module.data()), module.size()}, 0644));
    // By default it would be below one of the namespace's name, which nobody removes.
    const std::string cgroup = "/wherry-node-trial-" + std::to_string(::getpid());
    const Ended ended = TRY(ctr({"run", "--rm", "--cgroup", cgroup, "--rootfs", "--runtime", shim, root_, kContainer, kModule}));
    // Not the output: ctr loses it if the container ends before ctr has got to opening the fifo.
    if (ended.code == kTrialExitCode) return {};
    return error(ErrorKind::failed_precondition,
                 "the test container ended with " + std::to_string(ended.code) + " and printed `" +
                     ended.output.substr(0, ended.output.find_last_not_of('\n') + 1) + "`");
  }

  // Best effort: nothing of it may be there.
  void clean() {
    if (!left_over()) return;
    remove_container();
    remove_tree(root_);
  }

  // Of a killed call, whose ctr may still be about to start it.
  void clean_until(const std::function<bool()>& gone) {
    constexpr int kTries = 100;
    if (!left_over()) return;
    for (int i = 0; i < kTries; ++i) {
      remove_container();
      if (gone()) break;
      ::poll(nullptr, 0, 50);
    }
    remove_tree(root_);
  }

 private:
  Result<Ended> ctr(std::vector<std::string> arguments) {
    if (client_.words.empty()) return error(ErrorKind::unavailable, "there is no ctr");
    arguments.insert(arguments.begin(), {"--namespace", kNamespace});
    return run_program(client_.command(arguments), kLimit, Stderr::with_stdout);
  }

  bool left_over() const { return ::access(root_.c_str(), F_OK) == 0; }

  void remove_container() {
    (void)ctr({"tasks", "rm", "--force", kContainer});
    (void)ctr({"containers", "rm", kContainer});
    (void)ctr({"namespaces", "rm", kNamespace});
  }

  const Client& client_;
  const std::string root_;
};

}  // namespace

Result<void> run_trial(const Client& client, const std::string& shim, const std::string& directory) {
  return Trial(client, directory).run(shim);
}

void clean_trial(const Client& client, const std::string& directory, const std::function<bool()>& gone) {
  Trial(client, directory).clean_until(gone);
}

}  // namespace wherry::node
