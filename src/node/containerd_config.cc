// SPDX-License-Identifier: Apache-2.0
#include "node/containerd_config.h"

#include <algorithm>
#include <cstdint>

#include "base/toml.h"

namespace wherry::node {
namespace {

constexpr char kRuntimeType[] = "io.containerd.wherry.v1";
constexpr const char* kCriPlugins[] = {"io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"};
constexpr char kServerPlugin[] = "io.containerd.server.v1.grpc";  // since version 4

bool has_string(const toml::node_view<const toml::node>& list, std::string_view prefix) {
  const toml::array* const array = list.as_array();
  if (!array) return false;
  for (const toml::node& element : *array)
    if (element.value_or(std::string_view()).starts_with(prefix)) return true;
  return false;
}

void add_runtimes(const toml::table& runtimes, ContainerdConfig& config) {
  for (const auto& [name, node] : runtimes) {
    if (!node.is_table()) continue;
    const toml::table& settings = *node.as_table();
    ContainerdConfig::Runtime runtime{.name = std::string(name.str()),
                                      .type = settings["runtime_type"].value_or(std::string()),
                                      .path = settings["runtime_path"].value_or(std::string()),
                                      .annotations = has_string(settings["pod_annotations"], "wherry.dev/")};
    if (runtime.type == kRuntimeType) config.runtimes.push_back(runtime);
    config.all_runtimes.push_back(std::move(runtime));
  }
  config.systemd_cgroup |= runtimes["runc"]["options"]["SystemdCgroup"].value_or(false);
}

}  // namespace

Result<ContainerdConfig> parse_containerd_config(std::string_view text) {
  const toml::table table = TRY(parse_toml(text));
  ContainerdConfig config;
  const int64_t version = table.contains("version") ? table["version"].value_exact<int64_t>().value_or(0) : 1;
  config.version = static_cast<int>(std::clamp<int64_t>(version, 0, kLastVersion + 1));
  const toml::node_view<const toml::node> disabled = table["disabled_plugins"];
  config.cri =
      !has_string(disabled, "cri") && !has_string(disabled, kCriPlugins[0]) && !has_string(disabled, kCriPlugins[1]);
  config.address = table["plugins"][kServerPlugin]["address"].value_or(std::string());
  if (config.address.empty()) config.address = table["grpc"]["address"].value_or(std::string());
  if (const toml::array* const imports = table["imports"].as_array())
    for (const toml::node& element : *imports) config.imports.push_back(element.value_or(std::string()));
  for (const char* const plugin : kCriPlugins)
    if (const toml::table* const runtimes = table["plugins"][plugin]["containerd"]["runtimes"].as_table())
      add_runtimes(*runtimes, config);
  return config;
}

std::string cri_plugin(int version) { return version >= kFirstVersionOf2 ? kCriPlugins[0] : kCriPlugins[1]; }

}  // namespace wherry::node
