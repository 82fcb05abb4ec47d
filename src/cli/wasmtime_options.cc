// SPDX-License-Identifier: Apache-2.0
#include "cli/wasmtime_options.h"

#include <span>

#include "cli/suggest.h"

namespace wherry::cli {
namespace {

Result<bool> parse_switch(std::string_view text) {
  if (text.empty() || text == "y" || text == "yes" || text == "true") return true;
  if (text == "n" || text == "no" || text == "false") return false;
  return error(ErrorKind::invalid, "`" + std::string(text) + "` is neither y nor n");
}

Result<void> set_inherit_env(RunOptions& options, std::string_view value) {
  options.inherit_env = TRY(parse_switch(value));
  return {};
}

// For what we have in any case, such as -S cli.
Result<void> always(RunOptions&, std::string_view value) {
  if (!TRY(parse_switch(value))) return error(ErrorKind::unsupported, "it can not be turned off");
  return {};
}

struct Key {
  std::string_view name;
  Result<void> (*set)(RunOptions& options, std::string_view value);
};

constexpr Key kWasmKeys[] = {
    {"max-memory-size",
     [](RunOptions& options, std::string_view value) { return set_value(options.max_memory, value); }},
    {"max-wasm-stack", [](RunOptions& options, std::string_view value) { return set_value(options.max_stack, value); }},
    {"timeout", [](RunOptions& options, std::string_view value) { return set_value(options.timeout, value); }},
    {"bulk-memory", always},
    {"extended-const", always},
    {"multi-value", always},
    {"reference-types", always},
    {"simd", always},
    {"tail-call", always},
};
constexpr Key kHostKeys[] = {
    {"tcplisten", add_listener},
    {"inherit-env", set_inherit_env},
    {"cli", always},
};

Result<void> set_keys(RunOptions& options, std::span<const Key> keys, std::string_view text) {
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(','));
    // The one value with a comma of its own.
    if (part.starts_with("tcplisten=") && text.substr(part.size()).starts_with(",blocking"))
      part = text.substr(0, part.size() + 9);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const Key* found = nullptr;
    std::vector<std::string_view> names;
    for (const Key& key : keys) {
      names.push_back(key.name);
      if (key.name == name) found = &key;
    }
    if (!found) return error(ErrorKind::invalid, "unknown key `" + std::string(name) + "`" + suggestion(name, names));
    auto done = found->set(options, equals == part.npos ? "" : part.substr(equals + 1));
    if (!done) return error(ErrorKind::invalid, std::string(name) + ": " + done.error().message);
  }
  return {};
}

}  // namespace

Result<void> add_listener(RunOptions& options, std::string_view address) {
  options.listeners.push_back(TRY(parse_listen_address(address)));
  return {};
}

Result<void> set_wasm_option(RunOptions& options, std::string_view text) { return set_keys(options, kWasmKeys, text); }
Result<void> set_host_option(RunOptions& options, std::string_view text) { return set_keys(options, kHostKeys, text); }

}  // namespace wherry::cli
