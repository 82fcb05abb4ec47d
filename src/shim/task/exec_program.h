// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "config/settings.h"
#include "sandbox/entrypoint.h"

namespace wherry::shim {

// Wherry's own module with a program of that name; nothing if there is none.
using Toolbox = std::function<std::optional<sandbox::Entrypoint>(std::string_view name)>;

// The program of an exec in a container with that init: one of the container's own,
// so that a debugging image is what it is; the toolbox helps out where there is none
// of that name. denied if it is native and the settings have none of that.
Result<sandbox::Entrypoint> find_exec_program(const sandbox::Process& process, int init_pid, int init_pidfd, const config::Settings& settings,
                                              const Toolbox& toolbox);

}  // namespace wherry::shim
