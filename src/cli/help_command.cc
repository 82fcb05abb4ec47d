// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/suggest.h"

namespace wherry::cli {
namespace {

struct HelpOptions {};

Result<int> help(const HelpOptions&, const Arguments& arguments) {
  if (arguments.empty()) {
    std::fputs(help_of_all().c_str(), stdout);
    return 0;
  }
  if (arguments[0] == "features") {
    std::fputs(help_of_features().c_str(), stdout);
    return 0;
  }
  std::vector<std::string_view> names{"features"};
  for (const Command* command : commands()) {
    names.push_back(command->name);
    if (command->name != arguments[0]) continue;
    std::fputs(help_of(*command).c_str(), stdout);
    return 0;
  }
  std::fprintf(stderr, "error: no help on `%s`%s\n", arguments[0].c_str(), suggestion(arguments[0], names).c_str());
  return kUsageError;
}

}  // namespace

const Command kHelp = {
    .name = "help",
    .arguments = "[COMMAND | features]",
    .min_arguments = 0,
    .max_arguments = 1,
    .order = Order::any,
    .summary = "explains a command, or the features of WebAssembly",
    .details = "",
    .options = {},
    .examples = {"help run", "help features"},
    .main = command_main<HelpOptions, help>,
};

}  // namespace wherry::cli
