// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/entrypoint.h"

namespace wherry::shim {

// Wherry's toolbox: one module with many small programs, for execs in images that
// hold nothing but a module. It lists its programs in a custom section
// `wherry.applets`, a name a line. It is looked for below `directory`, that of this
// program: ../libexec/wherry/toolbox.wasm, then toolbox.wasm. Nothing if it is not
// installed or has no program of that name.
std::optional<sandbox::Entrypoint> open_toolbox(const std::string& directory, std::string_view name);

// Whether the open file is the toolbox that open_toolbox() would find.
bool is_toolbox(const std::string& directory, int file);

// Where this program is, as of now.
std::string program_directory();

}  // namespace wherry::shim
