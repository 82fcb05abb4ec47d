// SPDX-License-Identifier: Apache-2.0
#include "shim/start_input.h"

#include <optional>

#include "shim/address.h"
#include "shim/proto/start.pb.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kRuncOptions = "containerd.runc.v1.Options";
constexpr const char* kUsualSearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int kInfoLevel = 0;
// The hash is 64 characters, and a socket's path has to fit in sockaddr_un.
constexpr size_t kMaxSocketRoot = 42;

std::string or_else(const std::string& value, const char* other) {
  return value.empty() && other ? std::string(other) : value;
}

void take_options(const pb::Any& options, StartParameters& out) {
  const std::string_view type = std::string_view(options.type_url()).substr(options.type_url().rfind('/') + 1);
  if (type != kRuncOptions) return;
  pb::RuncOptions runc;
  if (runc.ParseFromString(options.value())) out.shim_cgroup = runc.shim_cgroup();
}

// A legacy Any{type_url, value} parses as BootstrapParams{instance_id, namespace}
// too. Only the right one repeats what the flags say.
std::optional<pb::BootstrapParams> bootstrap_params(const Flags& flags, const std::string& input) {
  pb::BootstrapParams params;
  if (input.empty() || !params.ParseFromString(input)) return std::nullopt;
  const bool id_fits = flags.id.empty() ? params.instance_id().find('.') == std::string::npos : params.instance_id() == flags.id;
  const bool ns_fits = flags.ns.empty() || params.namespace_() == flags.ns;
  if (params.instance_id().empty() || !id_fits || !ns_fits) return std::nullopt;
  return params;
}

void take_bootstrap(const pb::BootstrapParams& params, StartParameters& out) {
  if (out.id.empty()) out.id = params.instance_id();
  if (out.ns.empty()) out.ns = params.namespace_();
  if (out.address.empty()) out.address = params.containerd_grpc_address();
  if (out.ttrpc_address.empty()) out.ttrpc_address = params.containerd_ttrpc_address();
  if (!params.socket_dir().empty()) out.socket_root = params.socket_dir();
  out.debug = out.debug || params.log_level() < kInfoLevel;
  for (const pb::Extension& extension : params.extensions()) take_options(extension.value(), out);
}

}  // namespace

Result<StartParameters> start_parameters(const Flags& flags, const StartEnvironment& environment, const std::string& input) {
  StartParameters out;
  out.id = flags.id;
  out.ns = or_else(flags.ns, environment.ns);
  out.address = or_else(flags.address, environment.grpc_address);
  out.ttrpc_address = or_else("", environment.ttrpc_address);
  out.socket_root = kSocketRoot;
  out.cache_directory = or_else("", environment.cache_directory);
  out.search_path = or_else(or_else("", environment.search_path), kUsualSearchPath);
  out.node_file = or_else("", environment.node_file);
  out.debug = flags.debug;
  out.sched_core = environment.sched_core && std::string_view(environment.sched_core) == "1";
  if (const auto params = bootstrap_params(flags, input)) {
    take_bootstrap(*params, out);
  } else if (!input.empty()) {
    pb::Any options;
    if (!options.ParseFromString(input)) return error(ErrorKind::malformed, "start: stdin is neither options nor bootstrap parameters");
    take_options(options, out);
  }
  if (out.id.empty()) return error(ErrorKind::invalid, "start: no -id");
  if (out.ns.empty()) return error(ErrorKind::invalid, "start: no -namespace");
  if (out.address.empty()) return error(ErrorKind::invalid, "start: no -address");
  if (out.socket_root.size() > kMaxSocketRoot || out.socket_root[0] != '/') {
    return error(ErrorKind::invalid, "start: socket directory \"" + out.socket_root + "\": expected an absolute path of at most " +
                                         std::to_string(kMaxSocketRoot) + " bytes");
  }
  return out;
}

}  // namespace wherry::shim
