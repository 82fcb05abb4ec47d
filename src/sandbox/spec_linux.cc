// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spec_linux.h"

namespace wherry::sandbox {
namespace {

constexpr std::pair<std::string_view, NamespaceType> kNamespaces[] = {
    {"pid", NamespaceType::pid},   {"network", NamespaceType::network}, {"mount", NamespaceType::mount},
    {"ipc", NamespaceType::ipc},   {"uts", NamespaceType::uts},         {"user", NamespaceType::user},
    {"cgroup", NamespaceType::cgroup}, {"time", NamespaceType::time},
};

Result<void> read_namespace(const JsonNode& in, std::vector<Namespace>& out) {
  std::string type;
  TRY(in.read("type", type));
  Namespace entry;
  TRY(in.read("path", entry.path));
  for (const auto& [name, value] : kNamespaces) {
    if (name != type) continue;
    entry.type = value;
    for (const Namespace& other : out) {
      if (other.type == value) return in.fail("namespace `" + type + "` is given twice");
    }
    out.push_back(std::move(entry));
    return {};
  }
  return in.fail("unknown namespace `" + type + "`");
}

Result<char> read_device_type(const JsonNode& in, std::string_view allowed, char fallback) {
  std::string type;
  TRY(in.read("type", type));
  if (type.empty() && fallback) return fallback;
  if (type == "u") type = "c";
  if (type.size() != 1 || allowed.find(type[0]) == std::string_view::npos) {
    return in.fail("unknown device type `" + type + "`");
  }
  return type[0];
}

Result<void> read_device(const JsonNode& in, std::vector<Device>& out) {
  Device& device = out.emplace_back();
  TRY(in.read("path", device.path));
  if (!device.path.starts_with('/')) return in.fail("path: `" + device.path + "` is not an absolute path");
  device.type = TRY(read_device_type(in, "cbp", 0));
  TRY(in.read("major", device.major));
  TRY(in.read("minor", device.minor));
  TRY(in.read("fileMode", device.fileMode));
  TRY(in.read("uid", device.uid));
  return in.read("gid", device.gid);
}

// -1 is "any", as absence is.
Result<void> read_device_number(const JsonNode& in, std::string_view key, std::optional<int64_t>& out) {
  TRY(in.read(key, out));
  if (out && *out < 0) out.reset();
  return {};
}

Result<void> read_device_rule(const JsonNode& in, std::vector<DeviceRule>& out) {
  DeviceRule& rule = out.emplace_back();
  TRY(in.read("allow", rule.allow));
  rule.type = TRY(read_device_type(in, "acb", 'a'));
  TRY(read_device_number(in, "major", rule.major));
  TRY(read_device_number(in, "minor", rule.minor));
  TRY(in.read("access", rule.access));
  if (rule.access.empty()) rule.access = "rwm";
  if (rule.access.find_first_not_of("rwm") != std::string::npos) return in.fail("access: expected some of `rwm`");
  return {};
}

Result<void> read_cpu(const JsonNode& in, Resources::Cpu& cpu) {
  TRY(in.read("shares", cpu.shares));
  TRY(in.read("quota", cpu.quota));
  TRY(in.read("period", cpu.period));
  TRY(in.read("burst", cpu.burst));
  TRY(in.read("idle", cpu.idle));
  TRY(in.read("cpus", cpu.cpus));
  return in.read("mems", cpu.mems);
}

Result<void> read_memory(const JsonNode& in, Resources::Memory& memory) {
  TRY(in.read("limit", memory.limit));
  TRY(in.read("reservation", memory.reservation));
  TRY(in.read("swap", memory.swap));
  TRY(in.read("swappiness", memory.swappiness));
  return in.read("disableOOMKiller", memory.disableOOMKiller);
}

// These become file names below the cgroup's directory.
Result<void> check_file_name(const JsonNode& in, std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos) {
    return in.fail("`" + std::string(name) + "` is not a file name");
  }
  return {};
}

}  // namespace

const Namespace* Linux::find(NamespaceType type) const {
  for (const Namespace& entry : namespaces) {
    if (entry.type == type) return &entry;
  }
  return nullptr;
}

Result<void> read_id_mappings(const JsonNode& in, std::string_view key, std::vector<IdMapping>& out) {
  return in.each(key, [&](const JsonNode& node) -> Result<void> {
    IdMapping& mapping = out.emplace_back();
    TRY(node.read("containerID", mapping.containerID));
    TRY(node.read("hostID", mapping.hostID));
    return node.read("size", mapping.size);
  });
}

Result<void> read_resources(const JsonNode& in, Resources& out) {
  TRY(in.object("cpu", [&](const JsonNode& node) { return read_cpu(node, out.cpu); }));
  TRY(in.object("memory", [&](const JsonNode& node) { return read_memory(node, out.memory); }));
  TRY(in.object("pids", [&](const JsonNode& node) { return node.read("limit", out.pids_limit); }));
  TRY(in.each("hugepageLimits", [&](const JsonNode& node) -> Result<void> {
    HugepageLimit& limit = out.hugepageLimits.emplace_back();
    TRY(node.read("pageSize", limit.pageSize));
    TRY(check_file_name(node, limit.pageSize));
    return node.read("limit", limit.limit);
  }));
  TRY(in.each("devices", [&](const JsonNode& node) { return read_device_rule(node, out.devices); }));
  TRY(in.read("unified", out.unified));
  for (const auto& [name, value] : out.unified) TRY(check_file_name(in, name));
  return {};
}

Result<void> read_linux(const JsonNode& in, Linux& out) {
  TRY(in.each("namespaces", [&](const JsonNode& node) { return read_namespace(node, out.namespaces); }));
  TRY(read_id_mappings(in, "uidMappings", out.uidMappings));
  TRY(read_id_mappings(in, "gidMappings", out.gidMappings));
  TRY(in.each("devices", [&](const JsonNode& node) { return read_device(node, out.devices); }));
  TRY(in.read("cgroupsPath", out.cgroupsPath));
  TRY(in.object("resources", [&](const JsonNode& node) { return read_resources(node, out.resources); }));
  TRY(in.object("seccomp", [&](const JsonNode& node) { return read_seccomp(node, out.seccomp.emplace()); }));
  const JsonNode::Json* const offsets = in.find("timeOffsets");
  out.has_time_offsets = offsets && !offsets->empty();
  TRY(in.read("rootfsPropagation", out.rootfsPropagation));
  TRY(in.read("mountLabel", out.mountLabel));
  TRY(in.read("maskedPaths", out.maskedPaths));
  TRY(in.read("readonlyPaths", out.readonlyPaths));
  return in.read("sysctl", out.sysctl);
}

}  // namespace wherry::sandbox
