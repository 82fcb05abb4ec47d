// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace wherry::cli {

// The exit code of a wrong command line, and of everything else that failed.
inline constexpr int kUsageError = 2;
inline constexpr int kFailure = 1;

using Arguments = std::vector<std::string>;

// A command is its table; the parser, the help and the list of commands come
// from it.
struct Command {
  std::string_view name;
  std::string_view arguments;  // "MODULE [ARG...]"
  size_t min_arguments;
  size_t max_arguments;
  Order order;
  std::string_view summary;  // one line, in the list of commands too
  std::string_view details;  // more lines for the command's own help
  std::span<const Option> options;
  std::array<std::string_view, 2> examples;  // without the prefix
  int (*main)(const Command& command, std::span<char* const> words);
  std::string_view prefix = "wherry ";  // of the name, or "wherry-" for a program of its own
};

inline constexpr size_t kAnyNumber = ~size_t{0};

// The commands in the order of the help.
std::span<const Command* const> commands();

extern const Command kRun, kCompile, kInspect, kPack, kPush, kPull, kDoctor, kCache, kTop, kConfig, kNode, kOci, kVersion, kHelp;

// Parses the command line. If there is nothing to be done any more, because help
// was asked for or something was wrong, says so and returns the exit code.
std::optional<int> begin(const Command& command, void* options, std::span<char* const> words, Arguments& arguments);

// "error: " and the message on standard error; returns the exit code for it.
int report(const Error& error);

// The Command::main of a function that does the work.
template <class Options, Result<int> (*body)(const Options&, const Arguments&)>
int command_main(const Command& command, std::span<char* const> words) {
  Options options;
  Arguments arguments;
  if (const std::optional<int> code = begin(command, &options, words, arguments)) return *code;
  const Result<int> code = body(options, arguments);
  return code ? *code : report(code.error());
}

}  // namespace wherry::cli
