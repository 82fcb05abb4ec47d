// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/printable.h"
#include "cli/inspect/module_report.h"
#include "cli/values.h"

namespace wherry::cli {
namespace {

template <class Function>
void each_feature(wasm::FeatureSet features, Function&& function) {
  for (size_t i = 0; i < wasm::kFeatureCount; ++i)
    if (features.contains(static_cast<wasm::Feature>(i))) function(static_cast<wasm::Feature>(i));
}

void append_items(std::string& out, const std::vector<ModuleReport::Item>& items, const char* indent) {
  size_t width = 0;
  for (const ModuleReport::Item& item : items) width = std::max(width, std::min<size_t>(item.name.size(), 32));
  for (const ModuleReport::Item& item : items) {
    std::string name = printable(item.name);
    name.append(width > name.size() ? width - name.size() : 0, ' ');
    out += indent + name + "  " + item.type;
    if (!item.missing.empty()) out += "  (missing: " + item.missing + ")";
    out += '\n';
  }
}

void append_list(std::string& out, const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += std::string(title) + "\n";
  for (const std::string& line : lines) out += "  " + printable(line) + "\n";
}

using Json = nlohmann::ordered_json;

Json to_array(const std::vector<ModuleReport::Item>& items, bool imports) {
  Json list = Json::array();
  for (const ModuleReport::Item& item : items) {
    list.push_back({{"name", item.name}, {"type", item.type}});
    if (imports) list.back()["available"] = item.missing.empty();
  }
  return list;
}

}  // namespace

std::string to_text(const ModuleReport& report, const std::string& name) {
  const ModuleReport::Sizes& sizes = report.sizes;
  std::string out = name + ": " + (report.component ? "component" : "module") + ", " + format_size(sizes.file) + "\n";
  if (!report.component) {
    out += "  " + std::to_string(report.functions) + (report.functions == 1 ? " function, code " : " functions, code ") + format_size(sizes.code) + ", data " +
           format_size(sizes.data) + ", custom sections " + format_size(sizes.custom) + "\n";
    std::string features;
    each_feature(report.features,
                 [&](wasm::Feature feature) { features += " " + std::string(wasm::info(feature).flag); });
    out += "features\n " + (features.empty() ? " none beyond the first version" : features) + "\n";
  }
  if (!report.imports.empty()) out += "imports\n";
  for (const ModuleReport::Interface& interface : report.imports) {
    out += "  " + printable(interface.module) + "\n";
    append_items(out, interface.items, "    ");
  }
  if (!report.exports.empty()) out += "exports\n";
  append_items(out, report.exports, "  ");
  append_list(out, "memories", report.memories);
  append_list(out, "tables", report.tables);
  append_list(out, "missing here", report.missing);
  if (report.missing.empty()) out += "it can be run here\n";
  return out;
}

std::string to_json(const ModuleReport& report, const std::string& name) {
  Json imports = Json::array(), features = Json::array();
  for (const ModuleReport::Interface& interface : report.imports)
    imports.push_back({{"interface", interface.module}, {"items", to_array(interface.items, true)}});
  each_feature(report.features, [&](wasm::Feature feature) { features.push_back(wasm::info(feature).flag); });
  const ModuleReport::Sizes& sizes = report.sizes;
  const Json json = {
      {"file", name},
      {"kind", report.component ? "component" : "module"},
      {"name", report.name},
      {"sizes", {{"file", sizes.file}, {"code", sizes.code}, {"data", sizes.data}, {"custom", sizes.custom}}},
      {"functions", report.functions},
      {"features", std::move(features)},
      {"imports", std::move(imports)},
      {"exports", to_array(report.exports, false)},
      {"memories", report.memories},
      {"tables", report.tables},
      {"missing", report.missing}};
  return json_text(json, 2) + "\n";
}

}  // namespace wherry::cli
