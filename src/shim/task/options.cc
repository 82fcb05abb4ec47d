// SPDX-License-Identifier: Apache-2.0
#include "shim/task/options.h"

#include "shim/proto/start.pb.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kRuntimeOptions = "runtimeoptions.v1.Options";
constexpr const char* kName = "options of the runtime";

// What handlers of runc have in the table; some concern the containers that it runs here.
constexpr std::string_view kRuncKeys[] = {"SystemdCgroup", "BinaryName",  "Root",         "NoPivotRoot",  "NoNewKeyring", "ShimCgroup",
                                          "IoUid",         "IoGid",       "CriuPath",     "CriuImagePath", "CriuWorkPath", "TaskApiAddress",
                                          "TaskApiVersion", "TypeUrl",    "ConfigPath",   "ConfigBody"};

}  // namespace

Result<config::Layer> layer_of_options(const pb::Any& options) {
  const std::string_view type = std::string_view(options.type_url()).substr(options.type_url().rfind('/') + 1);
  if (type != kRuntimeOptions) return config::Layer();
  pb::RuntimeOptions runtime;
  if (!runtime.ParseFromString(options.value())) return error(ErrorKind::malformed, std::string(kName) + ": not of their type");
  // containerd before 1.7 knows the type and sends nothing of it.
  if (runtime.config_body().empty() && runtime.config_path().empty()) return config::Layer();
  if (runtime.config_body().empty()) return config::read_layer(runtime.config_path());
  return config::parse_layer(runtime.config_body(), kName, kRuncKeys);
}

}  // namespace wherry::shim
