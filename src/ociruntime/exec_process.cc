// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/exec_process.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/fd.h"
#include "base/json_text.h"

namespace wherry::ociruntime {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxProcess = 4 << 20;

Result<uint32_t> id_number(std::string_view text, std::string_view what) {
  uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return number;
  return error(ErrorKind::invalid, std::string(what) + ": expected a number, found `" + std::string(text) + "`");
}

// UID or UID:GID. The group of a user without one stays the container's.
Result<void> set_user(Json& user, std::string_view text) {
  const size_t colon = text.find(':');
  user["uid"] = TRY(id_number(text.substr(0, colon), "--user"));
  if (colon != text.npos) user["gid"] = TRY(id_number(text.substr(colon + 1), "--user"));
  return {};
}

// An array that is there, and one that is not.
void append(Json& array, const std::vector<std::string>& values) {
  if (!array.is_array()) array = Json::array();
  for (const std::string& value : values) array.push_back(value);
}

// Programs take the first of a name, so that an older one has to go.
void set_variable(Json& env, const std::string& variable) {
  const std::string name = variable.substr(0, variable.find('='));
  std::vector<std::string> kept;
  for (const Json& one : env) {
    const std::string& text = one.get_ref<const std::string&>();
    if (text.substr(0, text.find('=')) != name) kept.push_back(text);
  }
  kept.push_back(variable);
  env = kept;
}

void add_capabilities(Json& process, const std::vector<std::string>& names) {
  if (names.empty()) return;
  for (const char* const set : {"bounding", "effective", "permitted", "ambient"}) append(process["capabilities"][set], names);
}

Result<void> change(Json& process, const CommandOptions& options) {
  process["terminal"] = options.terminal;
  process.erase("consoleSize");
  for (const std::string& variable : options.env) set_variable(process["env"], variable);
  if (!options.cwd.empty()) process["cwd"] = options.cwd;
  if (!options.user.empty()) TRY(set_user(process["user"], options.user));
  for (const std::string& group : options.additional_gids) process["user"]["additionalGids"].push_back(TRY(id_number(group, "--additional-gids")));
  if (!options.apparmor.empty()) process["apparmorProfile"] = options.apparmor;
  if (!options.process_label.empty()) process["selinuxLabel"] = options.process_label;
  if (options.no_new_privs) process["noNewPrivileges"] = true;
  add_capabilities(process, options.cap);
  return {};
}

}  // namespace

Result<std::string> exec_process(std::string_view spec_json, const CommandOptions& options, std::span<const std::string> command) {
  if (!options.process.empty()) return read_file(options.process, kMaxProcess);
  if (command.empty()) return error(ErrorKind::invalid, "exec: expected a command, or --process");
  Json spec = Json::parse(spec_json, nullptr, false);
  if (!spec.is_object() || !spec["process"].is_object()) return error(ErrorKind::malformed, "config.json: no process");
  Json& process = spec["process"];
  process["args"] = std::vector<std::string>(command.begin(), command.end());
  TRY(change(process, options));
  return json_text(process);
}

}  // namespace wherry::ociruntime
