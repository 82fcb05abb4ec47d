// SPDX-License-Identifier: Apache-2.0
#include "node/handler_block.h"

#include <algorithm>
#include <span>

#include "base/toml.h"
#include "node/containerd_config.h"

namespace wherry::node {
namespace {

constexpr std::string_view kBegin = "# wherry: begin, written by `wherry node install`, removed by `wherry node uninstall`";
constexpr std::string_view kEnd = "# wherry: end";

// How long the end of a line is that begins at `at`: an editor may have made another of it. npos if there is none.
size_t line_end(std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.empty()) return 0;
  if (rest.starts_with("\n")) return 1;
  return rest == "\r" || rest.starts_with("\r\n") ? std::min<size_t>(rest.size(), 2) : rest.npos;
}

// Where a line begins that is `line`, or npos.
size_t find_line(std::string_view text, std::string_view line, size_t from = 0) {
  for (size_t at = text.find(line, from); at != text.npos; at = text.find(line, at + 1))
    if ((at == 0 || text[at - 1] == '\n') && line_end(text, at + line.size()) != text.npos) return at;
  return text.npos;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Removes keys[0].keys[1]... and, on the way back, what `before` does not have and is empty now.
void remove_path(toml::table& table, const toml::table* before, std::span<const std::string> keys) {
  if (keys.size() == 1) {
    table.erase(keys[0]);
    return;
  }
  toml::table* const inner = table[keys[0]].as_table();
  if (!inner) return;
  const toml::table* const inner_before = before ? (*before)[keys[0]].as_table() : nullptr;
  remove_path(*inner, inner_before, keys.subspan(1));
  if (!inner_before && inner->empty()) table.erase(keys[0]);
}

}  // namespace

bool is_handler_name(std::string_view name) {
  constexpr size_t kLimit = 63;
  return !name.empty() && name.size() <= kLimit && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  }) && name.front() != '-' && name.back() != '-';
}

std::string handler_block(int version, const Handler& handler) {
  const std::string table = "plugins.\"" + cri_plugin(version) + "\".containerd.runtimes." + handler.name;
  std::string out(kBegin);
  out += "\n[" + table + "]\n  runtime_type = \"io.containerd.wherry.v1\"\n";
  if (!handler.shim.empty()) out += "  runtime_path = " + quoted(handler.shim) + "\n";
  out += "  pod_annotations = [\"wherry.dev/*\"]\n";
  if (handler.systemd_cgroup) out += "[" + table + ".options]\n  SystemdCgroup = true\n";
  return out.append(kEnd) += '\n';
}

bool has_block(std::string_view text) { return find_line(text, kBegin) != text.npos; }

Result<std::string> without_block(std::string_view text) {
  size_t begin = find_line(text, kBegin);
  const size_t end = find_line(text, kEnd, begin == text.npos ? 0 : begin);
  if (begin == text.npos && end == text.npos) return std::string(text);
  if (begin == text.npos || end == text.npos || find_line(text, kBegin, begin + 1) != text.npos)
    return error(ErrorKind::failed_precondition,
                 "the comments around wherry's block are not in pairs any more: remove the block by hand");
  const size_t rest = end + kEnd.size() + line_end(text, end + kEnd.size());
  // with_block's empty line
  if (begin > 1 && text.substr(begin - 2, 2) == "\r\n" && (begin == 2 || text[begin - 3] == '\n')) begin -= 2;
  else if (begin > 0 && (begin == 1 || text[begin - 2] == '\n')) --begin;
  return std::string(text.substr(0, begin)) + std::string(text.substr(rest));
}

Result<std::string> with_block(std::string_view text, std::string_view block) {
  std::string out = TRY(without_block(text));
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  if (!out.empty()) out += '\n';
  return out.append(block);
}

Result<void> check_edit(std::string_view before_text, std::string_view after_text, int version,
                        const Handler& handler) {
  const toml::table before = TRY(parse_toml(before_text));
  auto parsed = parse_toml(after_text);
  if (!parsed)
    return error(ErrorKind::failed_precondition,
                 "no handler can be added: [plugins.\"" + cri_plugin(version) + "\".containerd.runtimes], or a part of that, is an inline table or no table");
  toml::table& after = *parsed;
  const std::string keys[] = {"plugins", cri_plugin(version), "containerd", "runtimes", handler.name};
  const toml::node_view<toml::node> ours = after[keys[0]][keys[1]][keys[2]][keys[3]][keys[4]];
  if (!ours.is_table() || before[keys[0]][keys[1]][keys[2]][keys[3]][keys[4]])
    return error(ErrorKind::failed_precondition, "handler `" + handler.name + "` is there already, or was not added");
  remove_path(after, &before, keys);
  if (after == before) return {};
  return error(ErrorKind::failed_precondition, "the edit would change more than the handler's table");
}

}  // namespace wherry::node
