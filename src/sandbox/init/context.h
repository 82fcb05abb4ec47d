// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "config/settings.h"
#include "sandbox/label.h"
#include "sandbox/launch_message.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// What the steps of a container's init share. Each step is a function that is
// called once, in the order of prepare() in init.cc, by the only thread there is.
struct InitContext {
  LaunchMessage message;
  Spec spec;
  config::Settings settings;
  std::string warnings;  // lines for the operator
  UniqueFd console;      // the terminal's master, until the shim has it
  UniqueFd user_namespace;      // the container's, until it is entered
  std::vector<UniqueFd> trees;  // of open_trees()
  std::optional<Label> label;
  UniqueFd label_file;  // of open_label_file(); by nothing else can the label be set once the host's /proc is gone

  bool is_native() const { return message.kind == InitKind::native; }
  bool has_user_namespace() const { return spec.linux_.find(NamespaceType::user) != nullptr; }

  void warn(std::string_view line) {
    if (!warnings.empty()) warnings += '\n';
    warnings += line;
  }
};

}  // namespace wherry::sandbox
