// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>

#include "cli/command.h"
#include "cli/suggest.h"
#include "config/sources.h"

namespace wherry::cli {
namespace {

struct ConfigOptions {
  std::string file;
  std::vector<std::string> annotations;
  std::string container;
};

constexpr Option kOptions[] = {
    {"file", 'f', "FILE", "the node's file [default: /etc/wherry/config.toml, if it is there]", set<&ConfigOptions::file>},
    {"annotation", 'a', "KEY=VALUE", "show: a pod's, with or without wherry.dev/", set<&ConfigOptions::annotations>},
    {"container", 0, "NAME", "show: of this container of the pod", set<&ConfigOptions::container>},
};

std::string file_of(const ConfigOptions& options) {
  const char* const variable = std::getenv("WHERRY_CONFIG");
  return options.file.empty() && variable ? variable : options.file;
}

Result<int> keys(const ConfigOptions&) {
  for (const config::SettingInfo& setting : config::kSettings) {
    std::printf("%-14s %s\n%-14s example: %s%s\n", std::string(setting.key).c_str(), std::string(setting.text).c_str(), "",
                std::string(setting.example).c_str(), setting.may_be_ceiling ? "" : "  (no ceiling)");
  }
  return 0;
}

Result<int> check(const ConfigOptions& options) {
  const config::Layer layer = TRY(config::read_layer(file_of(options)));
  const std::string name = file_of(options).empty() ? config::kNodeFile : file_of(options);
  std::printf("%s: %zu defaults, %zu ceilings\n", name.c_str(), layer.defaults.values.size(), layer.ceilings.values.size());
  return 0;
}

Result<std::map<std::string, std::string>> annotations_of(const ConfigOptions& options) {
  std::map<std::string, std::string> annotations;
  for (const std::string& text : options.annotations) {
    const size_t equals = text.find('=');
    if (equals == text.npos) return error(ErrorKind::invalid, "--annotation " + text + ": expected KEY=VALUE");
    std::string key = text.substr(0, equals);
    if (!key.starts_with(config::kAnnotationPrefix)) key.insert(0, config::kAnnotationPrefix);
    annotations[key] = text.substr(equals + 1);
  }
  return annotations;
}

Result<int> show(const ConfigOptions& options) {
  const config::Source annotations = TRY(config::annotations_source(TRY(annotations_of(options)), options.container));
  const config::Layer node = TRY(config::read_layer(file_of(options)));
  const config::Settings settings = TRY(config::resolve(annotations, {&node, 1}));
  for (const auto& [setting, text] : settings.applied()) std::printf("%-14s %s\n", std::string(config::info(setting).key).c_str(), text.c_str());
  if (settings.applied().empty()) std::puts("nothing is restricted");
  return 0;
}

Result<int> config_command(const ConfigOptions& options, const Arguments& arguments) {
  constexpr struct {
    std::string_view name;
    Result<int> (*run)(const ConfigOptions& options);
  } kActions[] = {{"keys", keys}, {"check", check}, {"show", show}};
  std::vector<std::string_view> names;
  for (const auto& action : kActions) {
    names.push_back(action.name);
    if (action.name == arguments[0]) return action.run(options);
  }
  std::fprintf(stderr, "error: wherry config: unknown action `%s`%s\n", arguments[0].c_str(), suggestion(arguments[0], names).c_str());
  return kUsageError;
}

}  // namespace

const Command kConfig = {
    .name = "config",
    .arguments = "keys | check | show",
    .min_arguments = 1,
    .max_arguments = 1,
    .order = Order::any,
    .summary = "explains and checks the settings of containers on this machine",
    .details = "keys lists them, check reads the node's file, show says what holds for a pod; where a key\n"
               "stands twice, both hold",
    .options = kOptions,
    .examples = {"config keys", "config show -a memory=64Mi -a egress=none"},
    .main = command_main<ConfigOptions, config_command>,
};

}  // namespace wherry::cli
