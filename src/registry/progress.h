// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "registry/registry.h"

namespace wherry::registry {

// A line on a terminal's standard error that tells how far a transfer is, and is
// gone afterwards; into anything else, and when quiet, nothing.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // For one blob; the object outlives what is returned.
  Progress of(const std::string& verb, const oci::Descriptor& blob);
  void clear();

 private:
  void show(const std::string& text);

  const bool shown_;
  bool on_line_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace wherry::registry
