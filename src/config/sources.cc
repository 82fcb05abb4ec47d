// SPDX-License-Identifier: Apache-2.0
#include "config/sources.h"

#include <algorithm>

#include "base/fd.h"
#include "base/toml.h"

namespace wherry::config {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr std::string_view kDefaults = "defaults", kCeilings = "ceilings";

std::string known_keys(bool ceilings) {
  std::string text;
  for (const SettingInfo& setting : kSettings) {
    if (ceilings && !setting.may_be_ceiling) continue;
    text.append(text.empty() ? "" : ", ").append(setting.key);
  }
  return text;
}

Error unknown_key(const std::string& where, bool ceilings = false) {
  return error(ErrorKind::invalid, where + ": unknown; known are " + known_keys(ceilings));
}

// As the text that an annotation would have.
Result<std::string> text_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto permission = node.value_exact<bool>()) return std::string(*permission ? "allow" : "deny");
  if (const toml::array* const list = node.as_array()) {
    std::string text;
    for (const toml::node& item : *list) {
      const auto word = item.value_exact<std::string>();
      if (!word) return error(ErrorKind::invalid, "expected a list of strings");
      text.append(text.empty() ? "" : ",").append(*word);
    }
    return text;
  }
  return error(ErrorKind::invalid, "expected a string, a number or a list of strings");
}

Result<Source> read_source(const toml::table& file, std::string_view table, const std::string& name) {
  Source source{.name = name + ": " + std::string(table) + ".", .values = {}};
  const toml::node* const node = file.get(table);
  if (!node) return source;
  if (!node->is_table()) return error(ErrorKind::invalid, name + ": " + std::string(table) + ": expected a table");
  const bool ceilings = table == kCeilings;
  for (const auto& [key, value] : *node->as_table()) {
    const std::string where = source.name + std::string(key.str());
    const auto setting = find_setting(key.str());
    if (!setting) return unknown_key(where, ceilings);
    if (ceilings && !info(*setting).may_be_ceiling) return error(ErrorKind::invalid, where + ": no ceiling; ceilings are " + known_keys(true));
    auto text = text_of(value);
    if (!text) return error(text.error().kind, where + ": " + text.error().message);
    source.values.emplace(*setting, std::move(*text));
  }
  return source;
}

Result<void> apply(Settings& settings, const Source& source, Setting setting) {
  const auto found = source.values.find(setting);
  if (found == source.values.end()) return {};
  auto done = settings.narrow(setting, found->second);
  if (done) return {};
  return error(done.error().kind, source.name + std::string(info(setting).key) + ": " + done.error().message);
}

// A file is right or wrong by itself, not when the first pod meets it.
Result<void> check(const Source& source) {
  Settings settings;
  for (const auto& [setting, text] : source.values) TRY(apply(settings, source, setting));
  return {};
}

}  // namespace

Result<Source> annotations_source(const std::map<std::string, std::string>& annotations, std::string_view container) {
  Source source{.name = "annotation " + std::string(kAnnotationPrefix), .values = {}};
  std::map<Setting, std::string> own;
  for (auto item = annotations.lower_bound(std::string(kAnnotationPrefix)); item != annotations.end() && item->first.starts_with(kAnnotationPrefix); ++item) {
    const std::string_view name = std::string_view(item->first).substr(kAnnotationPrefix.size());
    const size_t dot = std::min(name.find('.'), name.size());
    const auto setting = find_setting(name.substr(0, dot));
    if (!setting) return unknown_key("annotation " + item->first);
    const bool is_own = dot < name.size() && name.substr(dot + 1) == container;
    if (dot < name.size() && !is_own) continue;
    (is_own ? own : source.values).emplace(*setting, item->second);
  }
  own.merge(source.values);
  source.values = std::move(own);
  return source;
}

Result<Layer> parse_layer(std::string_view text, const std::string& name, std::span<const std::string_view> others) {
  const auto parsed = parse_toml(text);
  if (!parsed) return error(parsed.error().kind, name + ": " + parsed.error().message);
  for (const auto& [key, value] : *parsed) {
    if (key.str() == kDefaults || key.str() == kCeilings || std::find(others.begin(), others.end(), key.str()) != others.end()) continue;
    return error(ErrorKind::invalid, name + ": " + std::string(key.str()) + ": unknown; known are the tables `defaults` and `ceilings`");
  }
  Layer layer;
  layer.defaults = TRY(read_source(*parsed, kDefaults, name));
  layer.ceilings = TRY(read_source(*parsed, kCeilings, name));
  TRY(check(layer.defaults));
  TRY(check(layer.ceilings));
  return layer;
}

Result<Layer> read_layer(const std::string& path) {
  const std::string name = path.empty() ? kNodeFile : path;
  const auto text = read_file(name, kMaxFile);
  if (text) return parse_layer(*text, name);
  if (path.empty() && text.error().kind == ErrorKind::not_found) return Layer();
  return text.error();
}

Result<Settings> resolve(const Source& annotations, std::span<const Layer> layers) {
  std::vector<const Source*> by_rank{&annotations};
  for (const Layer& layer : layers) by_rank.push_back(&layer.defaults);
  Settings settings;
  for (size_t i = 0; i < kSettingCount; i++) {
    const auto setting = static_cast<Setting>(i);
    const auto first = std::find_if(by_rank.begin(), by_rank.end(), [&](const Source* source) { return source->values.contains(setting); });
    if (first != by_rank.end()) TRY(apply(settings, **first, setting));
    for (const Layer& layer : layers) TRY(apply(settings, layer.ceilings, setting));
  }
  return settings;
}

}  // namespace wherry::config
