// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ociruntime/options.h"
#include "ociruntime/store.h"

namespace wherry::ociruntime {

// The operations of the runtime specification (runtime.md, "Operations").

// Whether the bundle's program is one for the node's runc: not Wasm.
Result<bool> is_native(const std::string& bundle);

// Returns the master of the process's terminal if it has one that no socket was given for.
Result<UniqueFd> create(const GlobalOptions& global, const CommandOptions& options, const std::string& id, bool detach);
Result<void> start(const GlobalOptions& global, const std::string& id);
Result<void> kill(const GlobalOptions& global, const std::string& id, int signal, bool all);
Result<void> remove(const GlobalOptions& global, const std::string& id, bool force);
Result<void> pause(const GlobalOptions& global, const std::string& id, bool paused);
Result<void> update(const GlobalOptions& global, const CommandOptions& options, const std::string& id);

// runtime.md, "State"; a JSON document.
Result<std::string> state(const GlobalOptions& global, const std::string& id);
// Of all containers, as `format` says: table or json, or just the ids.
Result<std::string> list(const GlobalOptions& global, const CommandOptions& options);
Result<std::string> processes(const GlobalOptions& global, const CommandOptions& options, const std::string& id);

// A pidfd of the container's process, which may have ended.
Result<UniqueFd> init_of(const GlobalOptions& global, const std::string& id);

}  // namespace wherry::ociruntime
