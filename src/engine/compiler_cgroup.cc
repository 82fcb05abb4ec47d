// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/fd.h"

namespace wherry::engine {
namespace {

bool write_value(const std::string& path, uint64_t value) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write_all(file.get(), std::to_string(value), path).has_value();
}

}  // namespace

void CompilerCgroup::join(const std::string& parent, pid_t pid, uint64_t memory) {
  if (parent.empty()) return;
  const std::string path = parent + "/wherryc-" + std::to_string(pid);
  if (mkdir(path.c_str(), 0755) != 0) return;
  if (memory && !write_value(path + "/memory.max", memory)) write_value(path + "/memory.limit_in_bytes", memory);
  if (write_value(path + "/cgroup.procs", static_cast<uint64_t>(pid))) {
    path_ = path;
  } else {
    rmdir(path.c_str());
  }
}

// A process that has been waited for may be in its group a moment longer.
CompilerCgroup::~CompilerCgroup() {
  constexpr int kTries = 200;
  for (int i = 0; !path_.empty() && rmdir(path_.c_str()) != 0 && errno == EBUSY && i < kTries; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace wherry::engine
