// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/suggest.h"

int main(int argc, char** argv) {
  using namespace wherry::cli;
  const std::span<char* const> words(argv, static_cast<size_t>(argc));
  if (words.size() < 2) {
    std::fputs(help_of_all().c_str(), stderr);
    return kUsageError;
  }
  std::string_view name = words[1];
  if (name == "--version" || name == "-V") name = "version";
  if (name == "--help" || name == "-h") name = "help";
  std::vector<std::string_view> names;
  for (const Command* command : commands()) {
    if (command->name == name) return command->main(*command, words.subspan(2));
    names.push_back(command->name);
  }
  std::fprintf(stderr, "error: unknown command `%s`%s\n", words[1], suggestion(name, names).c_str());
  return kUsageError;
}
