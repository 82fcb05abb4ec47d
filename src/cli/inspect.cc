// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "cli/command.h"
#include "cli/inspect/module_report.h"
#include "cli/module_file.h"

namespace wherry::cli {
namespace {

struct InspectOptions {
  bool json = false;
};

constexpr Option kOptions[] = {
    {"json", 0, "", "prints JSON, sizes in bytes", set<&InspectOptions::json>},
};

Result<int> inspect(const InspectOptions& options, const Arguments& arguments) {
  const ModuleFile file = TRY(ModuleFile::open(arguments[0]));
  auto report = examine(file.bytes());
  if (!report) return file.in_file(report.error());
  std::fputs((options.json ? to_json(*report, file.name()) : to_text(*report, file.name())).c_str(), stdout);
  return 0;
}

}  // namespace

const Command kInspect = {
    .name = "inspect",
    .arguments = "MODULE",
    .min_arguments = 1,
    .max_arguments = 1,
    .order = Order::any,
    .summary = "shows what a module is, needs and offers, and what is missing here",
    .details = "",
    .options = kOptions,
    .examples = {"inspect app.wasm", "inspect --json app.wasm | jq .missing"},
    .main = command_main<InspectOptions, inspect>,
};

}  // namespace wherry::cli
