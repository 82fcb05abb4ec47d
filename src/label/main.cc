// SPDX-License-Identifier: Apache-2.0
// wherry-label: beside the installer in its pod, so that only it has a token and
// only the other one has privileges; apart from `wherry` because of what TLS brings along.
#include <signal.h>

#include <cstdio>
#include <string_view>

#include "label/command.h"

int main(int argc, char** argv) {
  using namespace wherry;
  ::signal(SIGPIPE, SIG_IGN);
  const std::span<char* const> words(argv, static_cast<size_t>(argc));
  if (words.size() == 2 && std::string_view(words[1]) == "--version") {
    std::puts("wherry-label " WHERRY_VERSION);
    return 0;
  }
  return label::kLabel.main(label::kLabel, words.subspan(1));
}
