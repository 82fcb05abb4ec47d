// SPDX-License-Identifier: Apache-2.0
#include "shim/pod/pod_spec.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "shim/cri_annotations.h"

namespace wherry::shim {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPodConfig = "runtime.v1.PodSandboxConfig";
constexpr int kSandboxOomScoreAdj = -998;
constexpr int kSandboxCpuShares = 2;
constexpr std::string_view kSlice = ".slice";

struct Pod {
  const pb::CreateSandboxRequest& request;
  pb::PodSandboxConfig config;

  const pb::LinuxSandboxSecurityContext& security() const { return config.linux_config().security_context(); }
  const pb::NamespaceOption& namespaces() const { return security().namespace_options(); }
  bool host_network() const { return namespaces().network() == pb::NODE; }
  bool host_ipc() const { return namespaces().ipc() == pb::NODE; }
  bool own_users() const { return namespaces().has_userns_options() && namespaces().userns_options().mode() == pb::POD; }
};

Result<Pod> parse(const pb::CreateSandboxRequest& request) {
  const std::string_view url = request.options().type_url();
  if (url.substr(url.rfind('/') + 1) != kPodConfig) {
    return error(ErrorKind::invalid, "CreateSandbox: expected options of type " + std::string(kPodConfig) + ", found `" + std::string(url) + "`");
  }
  Pod pod{request, {}};
  if (!pod.config.ParseFromString(request.options().value())) return error(ErrorKind::invalid, "CreateSandbox: malformed PodSandboxConfig");
  return pod;
}

// As containerd's CRI plugin does it: a parent that is a slice means systemd.
std::string cgroups_path(const std::string& parent, const std::string& id) {
  if (parent.empty()) return "";
  const std::string base = parent.substr(parent.rfind('/') + 1);
  if (base.ends_with(kSlice)) return base + ":cri-containerd:" + id;
  return parent + (parent.ends_with('/') ? "" : "/") + id;
}

Json mappings(const google::protobuf::RepeatedPtrField<pb::IDMapping>& all) {
  Json out = Json::array();
  for (const pb::IDMapping& one : all) {
    out.push_back({{"containerID", one.container_id()}, {"hostID", one.host_id()}, {"size", one.length()}});
  }
  return out;
}

Json namespaces_of(const Pod& pod, const std::string& user_namespace) {
  Json out = Json::array({{{"type", "mount"}}});
  if (!pod.host_network()) {
    out.push_back({{"type", "network"}, {"path", pod.request.netns_path()}});
    out.push_back({{"type", "uts"}});
  }
  if (pod.namespaces().pid() != pb::NODE) out.push_back({{"type", "pid"}});
  if (!pod.host_ipc()) out.push_back({{"type", "ipc"}});
  if (pod.own_users()) out.push_back({{"type", "user"}, {"path", user_namespace}});
  return out;
}

// As containerd's own sandboxer has it: with ours nobody else looks at this.
Result<void> check_users(const pb::NamespaceOption& namespaces) {
  const pb::UserNamespace& users = namespaces.userns_options();
  if (!namespaces.has_userns_options()) return {};
  if (users.mode() != pb::POD && users.mode() != pb::NODE) {
    return error(ErrorKind::invalid, "CreateSandbox: users: unsupported user namespace mode " + std::to_string(users.mode()));
  }
  const bool all = !users.uids().empty() && !users.gids().empty(), none = users.uids().empty() && users.gids().empty();
  if (users.mode() == pb::POD && !all) return error(ErrorKind::invalid, "CreateSandbox: users: a user namespace needs mappings of users and groups");
  if (users.mode() == pb::NODE && !none) return error(ErrorKind::invalid, "CreateSandbox: users: the node's have no mappings");
  return {};
}

Result<uint32_t> id_of(int64_t value, const char* what) {
  if (value < 0 || value > std::numeric_limits<uint32_t>::max()) {
    return error(ErrorKind::invalid, std::string("CreateSandbox: ") + what + ": " + std::to_string(value) + " is no user or group");
  }
  return static_cast<uint32_t>(value);
}

Result<Json> user_of(const Pod& pod) {
  Json user = Json::object();
  user["uid"] = TRY(id_of(pod.security().run_as_user().value(), "run_as_user"));
  user["gid"] = TRY(id_of(pod.security().run_as_group().value(), "run_as_group"));
  Json groups = Json::array();
  for (const int64_t group : pod.security().supplemental_groups()) {
    const uint32_t id = TRY(id_of(group, "supplemental_groups"));
    groups.push_back(id);
  }
  if (!groups.empty()) user["additionalGids"] = groups;
  return user;
}

Json annotations_of(const Pod& pod) {
  Json out = Json::object();
  for (const auto& [key, value] : pod.config.annotations()) out[key] = value;
  for (const auto& [key, value] : pod.request.annotations()) out[key] = value;
  out[cri::kContainerType] = cri::kSandbox;
  out[cri::kSandboxId] = pod.request.sandbox_id();
  out[cri::kSandboxName] = pod.config.metadata().name();
  out[cri::kSandboxNamespace] = pod.config.metadata().namespace_();
  out[cri::kSandboxUid] = pod.config.metadata().uid();
  out[cri::kSandboxLogDirectory] = pod.config.log_directory();
  return out;
}

Json mount(const char* at, const char* type, const std::string& source, std::initializer_list<const char*> options) {
  Json list = Json::array();
  for (const char* option : options) list.push_back(option);
  return {{"destination", at}, {"type", type}, {"source", source}, {"options", list}};
}

Json mounts_of(const Pod& pod) {
  const std::string shm = pod.host_ipc() ? "/dev/shm" : pod.request.bundle_path() + "/pod/shm";
  return Json::array({
      mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      mount("/dev/shm", "bind", shm, {"rbind", "ro", "nosuid", "nodev", "noexec"}),
  });
}

}  // namespace

bool joins_user_namespace(const pb::CreateSandboxRequest& request) {
  const auto pod = parse(request);
  return pod && pod->own_users() && !pod->host_network();
}

Result<std::string> pod_spec(const pb::CreateSandboxRequest& request, const std::string& user_namespace) {
  const Pod pod = TRY(parse(request));
  if (!pod.host_network() && request.netns_path().empty()) {
    return error(ErrorKind::invalid, "CreateSandbox: a pod with a network of its own needs netns_path");
  }
  TRY(check_users(pod.namespaces()));
  Json sysctls = Json::object();
  for (const auto& [key, value] : pod.config.linux_config().sysctls()) sysctls[key] = value;
  const Json user_json = TRY(user_of(pod));
  Json spec{
      {"ociVersion", "1.1.0"},
      {"process", {{"user", user_json},
                   {"args", {"/pause"}},
                   {"cwd", "/"},
                   {"capabilities", Json::object()},
                   {"noNewPrivileges", true},
                   {"oomScoreAdj", kSandboxOomScoreAdj}}},
      {"root", {{"path", "rootfs"}, {"readonly", true}}},
      {"mounts", mounts_of(pod)},
      {"annotations", annotations_of(pod)},
      {"linux", {{"namespaces", namespaces_of(pod, user_namespace)},
                 {"cgroupsPath", cgroups_path(pod.config.linux_config().cgroup_parent(), request.sandbox_id())},
                 {"resources", {{"cpu", {{"shares", kSandboxCpuShares}}}}},
                 {"sysctl", sysctls}}}};
  if (!pod.host_network() && !pod.config.hostname().empty()) spec["hostname"] = pod.config.hostname();
  if (pod.own_users()) {
    spec["linux"]["uidMappings"] = mappings(pod.namespaces().userns_options().uids());
    spec["linux"]["gidMappings"] = mappings(pod.namespaces().userns_options().gids());
  }
  return json_text(spec);
}

Result<std::string> with_pod_files(const std::string& spec_json, const std::string& pod_bundle) {
  Json spec = Json::parse(spec_json, nullptr, false);
  if (!spec.is_object()) return error(ErrorKind::invalid, "config.json: expected an object");
  Json& mounts = spec["mounts"];
  if (mounts.is_null()) mounts = Json::array();
  if (!mounts.is_array()) return error(ErrorKind::invalid, "config.json: mounts: expected an array");
  const auto has = [&](const char* at) {
    for (const Json& one : mounts) {
      if (one.is_object() && one.contains("destination") && one["destination"] == at) return true;
    }
    return false;
  };
  const bool read_only = spec.contains("root") && spec["root"].is_object() && spec["root"].value("readonly", Json(false)) == true;
  struct File {
    const char* at;
    const char* name;
  };
  for (const File& file : {File{"/etc/hostname", "hostname"}, {"/etc/hosts", "hosts"}, {"/etc/resolv.conf", "resolv.conf"}}) {
    if (has(file.at)) continue;
    Json made = mount(file.at, "bind", pod_bundle + "/pod/" + file.name, {"rbind", "rprivate", read_only ? "ro" : "rw"});
    // As containerd's own sandboxer does: root of the container may write to them.
    for (const char* maps : {"uidMappings", "gidMappings"}) {
      const Json::json_pointer at = Json::json_pointer("/linux") / maps;
      if (spec.contains(at)) made[maps] = spec[at];
    }
    mounts.push_back(made);
  }
  if (!has("/dev/shm")) mounts.push_back(mount("/dev/shm", "bind", pod_bundle + "/pod/shm", {"rbind", "rprivate", "rw", "nosuid", "nodev", "noexec"}));
  return json_text(spec);
}

}  // namespace wherry::shim
