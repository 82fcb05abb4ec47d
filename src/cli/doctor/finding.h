// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/cache.h"

namespace wherry::cli {

// One thing that `wherry doctor` looked at.
struct Finding {
  enum class State : uint8_t {
    ok,
    note,     // works, but less well than it could
    problem,  // something does not work
  };

  State state;
  std::string what;
  std::string cure = {};  // of a note or problem
};

// Adds `ok`, or what stands in its place if a condition does not hold.
class Findings {
 public:
  void ok(std::string what) { list_.push_back({Finding::State::ok, std::move(what)}); }
  void note(std::string what, std::string cure) {
    list_.push_back({Finding::State::note, std::move(what), std::move(cure)});
  }
  void problem(std::string what, std::string cure) {
    list_.push_back({Finding::State::problem, std::move(what), std::move(cure)});
  }

  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::vector<Finding> list_;
};

// What the sandbox and the engine need of the kernel and the processor.
std::vector<Finding> check_kernel();
std::vector<Finding> check_cgroups(const std::string& root);
// The daemon that runs here or else the one on PATH; `config` "" means the
// daemon's own or the default file.
std::vector<Finding> check_containerd(const std::string& config);
std::vector<Finding> check_cache(engine::CacheConfig config);

}  // namespace wherry::cli
