// SPDX-License-Identifier: Apache-2.0
// spec_runner [--explicit-checks] [--twice] FILE.json...
//
// Runs files of the core suite, each in a process of its own, and prints what
// follows; with --twice, of a second run in the slots of the first one's instances.
//   COMMAND LINE KIND TEXT     for each command that did not pass
//   FILE NAME ASSERTIONS TEXT  for each file, behind its commands
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

#include "script.h"

namespace wherry::spec {
namespace {

constexpr std::chrono::seconds kLimit{100};

// Interrupts a guest that does not end.
class Watchdog {
 public:
  explicit Watchdog(runtime::Store& store)
      : thread_([this, &store] {
          std::unique_lock lock(mutex_);
          if (!done_.wait_for(lock, kLimit, [this] { return ended_; })) store.interrupt(1);
        }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    done_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  bool ended_ = false;
  std::thread thread_;
};

const char* name_of(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::failed: return "failed";
    case Problem::Kind::unsupported: return "unsupported";
    default: return "follows";
  }
}

struct Options {
  bool explicit_checks = false;
  bool twice = false;
};

int run_file(const std::string& file, const Options& options, uint64_t& line) {
  const auto reuse = options.twice ? std::make_unique<Reuse>() : nullptr;
  if (options.twice) {
    const auto first = Script::create(file, options.explicit_checks, reuse.get());
    if (first) (*first)->run([&](uint64_t at) { line = at; });
  }
  auto script = Script::create(file, options.explicit_checks, reuse.get());
  if (!script) {
    printf("COMMAND 0 failed %s\n", script.error().message.c_str());
    return 0;
  }
  const Watchdog watchdog((*script)->store());
  for (const Problem& problem : (*script)->run([&](uint64_t at) { line = at; })) {
    printf("COMMAND %lu %s %s\n", problem.line, name_of(problem.kind), problem.text.c_str());
  }
  printf("FILE %s %u %u\n", file.c_str(), (*script)->counts().assertions, (*script)->counts().text);
  return 0;
}

void run_isolated(const std::string& file, const Options& options, uint64_t& line) {
  line = 0;
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    const int code = run_file(file, options, line);
    fflush(stdout);
    _exit(code);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
  }
  if (status == 0) return;
  printf("COMMAND %lu failed the runner died: %s\n", line,
         WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit code");
  printf("FILE %s 0 0\n", file.c_str());
}

int main(int argc, char** argv) {
  Options options;
  auto* const line = static_cast<uint64_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--explicit-checks") == 0) {
      options.explicit_checks = true;
    } else if (strcmp(argv[i], "--twice") == 0) {
      options.twice = true;
    } else {
      run_isolated(argv[i], options, *line);
    }
  }
  return 0;
}

}  // namespace
}  // namespace wherry::spec

int main(int argc, char** argv) { return wherry::spec::main(argc, argv); }
