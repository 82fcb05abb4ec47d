// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wherry::node {

// One thing that was looked at on this machine.
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

}  // namespace wherry::node
