// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <cstdio>

#include "cli/help.h"

namespace wherry::cli {

std::span<const Command* const> commands() {
  static constexpr const Command* kCommands[] = {&kRun,   &kCompile, &kInspect, &kPack,   &kPush,    &kPull,   &kDoctor,
                                                 &kCache, &kTop,     &kConfig, &kNode,  &kOci,   &kVersion, &kHelp};
  return kCommands;
}

int report(const Error& error) {
  std::fprintf(stderr, "error: %s\n", error.to_string().c_str());
  return kFailure;
}

std::optional<int> begin(const Command& command, void* options, std::span<char* const> words, Arguments& arguments) {
  auto parsed = parse(command.options, options, words, command.order);
  std::string problem;
  if (!parsed) {
    problem = parsed.error().message;
  } else if (parsed->help) {
    std::fputs(help_of(command).c_str(), stdout);
    return 0;
  } else if (parsed->arguments.size() < command.min_arguments) {
    problem = "expected " + std::string(command.arguments);
  } else if (parsed->arguments.size() > command.max_arguments) {
    problem = "unexpected argument `" + parsed->arguments[command.max_arguments] + "`";
  } else {
    arguments = std::move(parsed->arguments);
    return std::nullopt;
  }
  std::fprintf(stderr, "error: %s%s: %s\n", std::string(command.prefix).c_str(), std::string(command.name).c_str(), problem.c_str());
  return kUsageError;
}

}  // namespace wherry::cli
