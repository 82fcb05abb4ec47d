// SPDX-License-Identifier: Apache-2.0
#include "cli/beside.h"
#include "cli/command.h"
#include "cli/help.h"

namespace wherry::cli {
namespace {

// The words are wherry-oci's own, its options and its help too.
int oci(const Command&, std::span<char* const> words) { return report(execute_beside("wherry-oci", words)); }

}  // namespace

const Command kOci = {
    .name = "oci",
    .arguments = "create | start | run | state | kill | delete ...",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .order = Order::options_first,
    .summary = "an OCI runtime's command line, for Podman and CRI-O",
    .details = "runs wherry-oci, whose path is what those want to know; `wherry oci --help` has more",
    .options = {},
    .examples = {"oci run --bundle . web", "oci state web"},
    .main = oci,
};

}  // namespace wherry::cli
