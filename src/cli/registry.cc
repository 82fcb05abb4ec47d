// SPDX-License-Identifier: Apache-2.0
#include "cli/beside.h"
#include "cli/command.h"

namespace wherry::cli {
namespace {

// The words are wherry-registry's own, its options and its help too.
int registry(const Command& command, std::span<char* const> words) {
  std::string name(command.name);
  std::vector<char*> all{name.data()};
  all.insert(all.end(), words.begin(), words.end());
  return report(execute_beside("wherry-registry", all));
}

}  // namespace

const Command kPush = {
    .name = "push",
    .arguments = "IMAGE.tar | DIRECTORY | MODULE.wasm  NAME",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .order = Order::options_first,
    .summary = "sends an image to a registry",
    .details = "runs wherry-registry; `wherry push --help` has its options",
    .options = {},
    .examples = {"push app.tar ghcr.io/me/app:v1", "push app.wasm localhost:5000/app:v1"},
    .main = registry,
};

const Command kPull = {
    .name = "pull",
    .arguments = "NAME",
    .min_arguments = 0,
    .max_arguments = kAnyNumber,
    .order = Order::options_first,
    .summary = "fetches an image from a registry",
    .details = "runs wherry-registry; `wherry pull --help` has its options",
    .options = {},
    .examples = {"pull ghcr.io/me/app:v1 -o app.tar", "pull ghcr.io/me/app:v1 --module app.wasm"},
    .main = registry,
};

}  // namespace wherry::cli
