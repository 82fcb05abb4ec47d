// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "cli/command.h"

namespace wherry::cli {
namespace {

struct VersionOptions {};

Result<int> version(const VersionOptions&, const Arguments&) {
  std::printf("wherry %s\n", WHERRY_VERSION);
  return 0;
}

}  // namespace

const Command kVersion = {
    .name = "version",
    .arguments = "",
    .min_arguments = 0,
    .max_arguments = 0,
    .order = Order::any,
    .summary = "prints the version, as --version does",
    .details = "",
    .options = {},
    .examples = {"version", "--version"},
    .main = command_main<VersionOptions, version>,
};

}  // namespace wherry::cli
