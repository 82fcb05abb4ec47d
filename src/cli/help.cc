// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <algorithm>

#include "wasm/features.h"

namespace wherry::cli {
namespace {

void append_row(std::string& out, std::string_view left, size_t width, std::string_view right) {
  out += "  ";
  out += left;
  out.append(std::max(left.size() + 2, width) - left.size(), ' ');
  out += right;
  out += '\n';
}

// "-o, --output FILE"
std::string usage_of(const Option& option) {
  std::string text;
  if (option.letter != 0) text += std::string{'-', option.letter};
  if (!option.name.empty()) text += (text.empty() ? "--" : ", --") + std::string(option.name);
  if (!option.metavar.empty()) text += " " + std::string(option.metavar);
  return text;
}

}  // namespace

std::string help_of(const Command& command) {
  std::string out = "usage: " + std::string(command.prefix) + std::string(command.name);
  if (!command.options.empty()) out += " [OPTION...]";
  if (!command.arguments.empty()) out += " " + std::string(command.arguments);
  out += "\n" + std::string(command.summary) + "\n";
  if (!command.details.empty()) out += std::string(command.details) + "\n";

  size_t width = 0;
  for (const Option& option : command.options)
    if (!option.help.empty()) width = std::max(width, usage_of(option).size() + 2);
  if (width > 0) out += '\n';
  for (const Option& option : command.options)
    if (!option.help.empty()) append_row(out, usage_of(option), width, option.help);

  out += "\nexamples:\n";
  for (const std::string_view example : command.examples) out += "  " + std::string(command.prefix) + std::string(example) + "\n";
  return out;
}

std::string help_of_all() {
  std::string out =
      "usage: wherry COMMAND [OPTION...] [ARG...]\nruns WebAssembly programs and packs them as containers\n\n";
  size_t width = 0;
  for (const Command* command : commands()) width = std::max(width, command->name.size() + 2);
  for (const Command* command : commands()) append_row(out, command->name, width, command->summary);
  out += "\n`wherry COMMAND --help` has the options, `wherry help features` the features of WebAssembly\n";
  out += "\nexamples:\n  wherry run --dir . app.wasm\n  wherry pack app.wasm -t app:v1 -o app.tar\n";
  return out;
}

std::string help_of_features() {
  std::string out = "features of WebAssembly that modules may use here\n\n";
  constexpr size_t kWidth = 26;
  for (const wasm::FeatureInfo& feature : wasm::kFeatures)
    append_row(out, feature.flag, kWidth,
               std::string(feature.enabled_by_default ? "yes  " : "no   ") + std::string(feature.text));
  out += "\n`wherry inspect MODULE` says which ones a module uses\n";
  return out;
}

}  // namespace wherry::cli
