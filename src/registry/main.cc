// SPDX-License-Identifier: Apache-2.0
// wherry-registry: `push` and `pull`, which `wherry` runs; apart from it because
// of what TLS brings along.
#include <signal.h>

#include <cstdio>
#include <string_view>

#include "cli/command.h"
#include "registry/commands.h"

int main(int argc, char** argv) {
  using namespace wherry;
  ::signal(SIGPIPE, SIG_IGN);
  const std::span<char* const> words(argv, static_cast<size_t>(argc));
  if (words.size() == 2 && std::string_view(words[1]) == "--version") {
    std::puts("wherry-registry " WHERRY_VERSION);
    return 0;
  }
  for (const cli::Command* command : {&registry::kPush, &registry::kPull})
    if (words.size() > 1 && command->name == words[1]) return command->main(*command, words.subspan(2));
  std::fputs("usage: wherry push|pull ...; `wherry push --help` and `wherry pull --help` have more\n", stderr);
  return cli::kUsageError;
}
