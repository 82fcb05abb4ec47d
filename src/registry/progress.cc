// SPDX-License-Identifier: Apache-2.0
#include "registry/progress.h"

#include <unistd.h>

#include <cstdio>

#include "cli/values.h"

namespace wherry::registry {

ProgressLine::ProgressLine(bool quiet) : shown_(!quiet && ::isatty(STDERR_FILENO) != 0) {}

Progress ProgressLine::of(const std::string& verb, const oci::Descriptor& blob) {
  constexpr size_t kShortDigest = 19;
  const std::string begin = verb + " " + blob.digest.substr(0, kShortDigest) + "  ";
  return [this, begin, size = blob.size](uint64_t bytes) { show(begin + cli::format_size(bytes) + " of " + cli::format_size(size)); };
}

void ProgressLine::show(const std::string& text) {
  constexpr std::chrono::milliseconds kPause{100};
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ || now < next_) return;
  next_ = now + kPause;
  on_line_ = true;
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
}

void ProgressLine::clear() {
  if (on_line_) std::fputs("\r\033[K", stderr);
  on_line_ = false;
}

}  // namespace wherry::registry
