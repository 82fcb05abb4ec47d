// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spec.h"

#include <sys/resource.h>

#include "sandbox/json_node.h"
#include "sandbox/spec_linux.h"

namespace wherry::sandbox {
namespace {

constexpr size_t kMaxSpecBytes = 4 << 20;

constexpr std::pair<std::string_view, int> kRlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_FSIZE", RLIMIT_FSIZE},       {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

Result<void> read_user(const JsonNode& in, User& user) {
  TRY(in.read("uid", user.uid));
  TRY(in.read("gid", user.gid));
  TRY(in.read("umask", user.umask));
  if (user.umask && *user.umask > 0777) return in.fail("umask is more than 0777");
  return in.read("additionalGids", user.additionalGids);
}

Result<void> read_rlimit(const JsonNode& in, std::vector<Rlimit>& rlimits) {
  Rlimit limit;
  TRY(in.read("type", limit.type));
  TRY(in.read("soft", limit.soft));
  TRY(in.read("hard", limit.hard));
  for (const auto& [name, number] : kRlimits) {
    if (name != limit.type) continue;
    limit.resource = number;
    for (const Rlimit& other : rlimits) {
      if (other.resource == number) return in.fail("`" + limit.type + "` is given twice");
    }
    rlimits.push_back(std::move(limit));
    return {};
  }
  return in.fail("unknown resource limit `" + limit.type + "`");
}

// A name this build does not know is a capability of a newer kernel: nothing that
// a guest of ours could keep.
Result<void> read_capability_set(const JsonNode& in, std::string_view key, uint64_t& set) {
  std::vector<std::string> names;
  TRY(in.read(key, names));
  for (const std::string& name : names) {
    if (const auto number = capability_number(name)) set |= uint64_t{1} << *number;
  }
  return {};
}

Result<void> read_capabilities(const JsonNode& in, Capabilities& sets) {
  TRY(read_capability_set(in, "bounding", sets.bounding));
  TRY(read_capability_set(in, "effective", sets.effective));
  TRY(read_capability_set(in, "inheritable", sets.inheritable));
  TRY(read_capability_set(in, "permitted", sets.permitted));
  return read_capability_set(in, "ambient", sets.ambient);
}

Result<void> read_process(const JsonNode& in, Process& process) {
  TRY(in.read("terminal", process.terminal));
  TRY(in.object("consoleSize", [&](const JsonNode& size) -> Result<void> {
    ConsoleSize& console = process.consoleSize.emplace();
    TRY(size.read("width", console.width));
    return size.read("height", console.height);
  }));
  TRY(in.object("user", [&](const JsonNode& user) { return read_user(user, process.user); }));
  TRY(in.read("args", process.args));
  TRY(in.read("env", process.env));
  TRY(in.read("cwd", process.cwd));
  if (!process.cwd.starts_with('/')) return in.fail("cwd: `" + process.cwd + "` is not an absolute path");
  TRY(in.object("capabilities",
                [&](const JsonNode& sets) { return read_capabilities(sets, process.capabilities.emplace()); }));
  TRY(in.each("rlimits", [&](const JsonNode& limit) { return read_rlimit(limit, process.rlimits); }));
  TRY(in.read("noNewPrivileges", process.noNewPrivileges));
  TRY(in.read("oomScoreAdj", process.oomScoreAdj));
  if (process.oomScoreAdj && (*process.oomScoreAdj < -1000 || *process.oomScoreAdj > 1000)) {
    return in.fail("oomScoreAdj: the number must be from -1000 to 1000");
  }
  TRY(in.read("apparmorProfile", process.apparmorProfile));
  return in.read("selinuxLabel", process.selinuxLabel);
}

Result<void> read_root(const JsonNode& in, Root& root) {
  TRY(in.read("path", root.path));
  if (root.path.empty()) return in.fail("path is missing");
  return in.read("readonly", root.readonly);
}

Result<void> read_mount(const JsonNode& in, std::vector<SpecMount>& mounts) {
  SpecMount& mount = mounts.emplace_back();
  TRY(in.read("destination", mount.destination));
  if (mount.destination.empty()) return in.fail("destination is missing");
  TRY(in.read("type", mount.type));
  TRY(in.read("source", mount.source));
  TRY(in.read("options", mount.options));
  TRY(read_id_mappings(in, "uidMappings", mount.uidMappings));
  return read_id_mappings(in, "gidMappings", mount.gidMappings);
}

Result<void> read_hooks(const JsonNode& in, std::string_view key, std::vector<Hook>& hooks) {
  return in.each(key, [&](const JsonNode& node) -> Result<void> {
    Hook& hook = hooks.emplace_back();
    TRY(node.read("path", hook.path));
    if (!hook.path.starts_with('/')) return node.fail("path: `" + hook.path + "` is not an absolute path");
    TRY(node.read("args", hook.args));
    TRY(node.read("env", hook.env));
    TRY(node.read("timeout", hook.timeout));
    if (hook.timeout && *hook.timeout <= 0) return node.fail("timeout: the number must be more than 0");
    return {};
  });
}

Result<void> read_all_hooks(const JsonNode& in, Hooks& hooks) {
  TRY(read_hooks(in, "prestart", hooks.prestart));
  TRY(read_hooks(in, "createRuntime", hooks.createRuntime));
  TRY(read_hooks(in, "createContainer", hooks.createContainer));
  TRY(read_hooks(in, "startContainer", hooks.startContainer));
  TRY(read_hooks(in, "poststart", hooks.poststart));
  return read_hooks(in, "poststop", hooks.poststop);
}

Result<nlohmann::json> parse_object(std::string_view text) {
  if (text.size() > kMaxSpecBytes) {
    return error(ErrorKind::exhausted, "config.json: " + std::to_string(text.size()) + " bytes, the limit is " +
                                           std::to_string(kMaxSpecBytes));
  }
  // The parser keeps its own stack, but values are freed recursively.
  constexpr int kMaxDepth = 64;
  bool too_deep = false;
  auto json = nlohmann::json::parse(
      text,
      [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
        too_deep = too_deep || depth > kMaxDepth;
        return !too_deep;
      },
      false);
  if (too_deep) return error(ErrorKind::invalid, "config.json: nested more than " + std::to_string(kMaxDepth) + " deep");
  if (json.is_discarded()) return error(ErrorKind::invalid, "config.json: not valid JSON");
  if (!json.is_object()) return JsonNode(json).expected("an object");
  return json;
}

}  // namespace

std::string_view Spec::annotation(std::string_view key) const {
  const auto found = annotations.find(std::string(key));
  return found == annotations.end() ? std::string_view() : std::string_view(found->second);
}

Result<Spec> parse_spec(std::string_view text) {
  const nlohmann::json json = TRY(parse_object(text));
  const JsonNode in(json);
  Spec spec;
  TRY(in.read("ociVersion", spec.ociVersion));
  TRY(in.object("process", [&](const JsonNode& node) { return read_process(node, spec.process); }));
  if (!in.find("root")) return in.fail("root is missing");
  TRY(in.object("root", [&](const JsonNode& node) { return read_root(node, spec.root); }));
  TRY(in.read("hostname", spec.hostname));
  TRY(in.read("domainname", spec.domainname));
  TRY(in.each("mounts", [&](const JsonNode& node) { return read_mount(node, spec.mounts); }));
  TRY(in.object("linux", [&](const JsonNode& node) { return read_linux(node, spec.linux_); }));
  TRY(in.object("hooks", [&](const JsonNode& node) { return read_all_hooks(node, spec.hooks); }));
  TRY(in.read("annotations", spec.annotations));
  return spec;
}

Result<Process> parse_process(std::string_view text) {
  const nlohmann::json json = TRY(parse_object(text));
  Process process;
  TRY(read_process(JsonNode(json), process));
  return process;
}

Result<Resources> parse_resources(std::string_view text) {
  const nlohmann::json json = TRY(parse_object(text));
  Resources resources;
  TRY(read_resources(JsonNode(json), resources));
  return resources;
}

}  // namespace wherry::sandbox
