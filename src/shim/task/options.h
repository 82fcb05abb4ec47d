// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/sources.h"
#include "shim/proto/types.pb.h"

namespace wherry::shim {

// The settings in a runtime handler's options, as a Create has them: TOML of
// containerd's `options` table (runtimeoptions.v1.Options) or of the file that its
// ConfigPath names. Options of runc's type hold none.
Result<config::Layer> layer_of_options(const pb::Any& options);

}  // namespace wherry::shim
