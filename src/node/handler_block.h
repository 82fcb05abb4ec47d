// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::node {

// The handler that a RuntimeClass names.
struct Handler {
  std::string name = "wherry";
  std::string shim;             // runtime_path; "": by the runtime's type on containerd's PATH
  bool systemd_cgroup = false;  // as runc's handler has it
};

// A name that a RuntimeClass may have as its handler, and a bare key of TOML.
bool is_handler_name(std::string_view name);

// The handler's tables between two lines of comment that say whose they are.
std::string handler_block(int version, const Handler& handler);

// The text with the block at its end, behind an empty line; an older block is gone.
Result<std::string> with_block(std::string_view text, std::string_view block);
// The text as it was before with_block, but for a line feed that its last line may have lacked. Fails if
// somebody has taken one of the two comments away.
Result<std::string> without_block(std::string_view text);
bool has_block(std::string_view text);

// Fails unless the two files differ, as TOML, in the handler's table and nothing else.
Result<void> check_edit(std::string_view before, std::string_view after, int version, const Handler& handler);

}  // namespace wherry::node
