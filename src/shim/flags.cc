// SPDX-License-Identifier: Apache-2.0
#include "shim/flags.h"

#include <algorithm>
#include <string_view>

namespace wherry::shim {
namespace {

struct TextFlag {
  std::string_view name;
  std::string Flags::*member;
};
constexpr TextFlag kTextFlags[] = {
    {"namespace", &Flags::ns},         {"id", &Flags::id},         {"address", &Flags::address},
    {"publish-binary", &Flags::publish_binary}, {"bundle", &Flags::bundle}, {"socket", &Flags::socket},
};

struct SwitchFlag {
  std::string_view name;
  bool Flags::*member;
};
constexpr SwitchFlag kSwitchFlags[] = {
    {"debug", &Flags::debug}, {"v", &Flags::version}, {"version", &Flags::version}, {"info", &Flags::info},
};

constexpr std::string_view kActions[] = {"start", "delete"};

bool is_action(std::string_view text) { return std::find(std::begin(kActions), std::end(kActions), text) != std::end(kActions); }

}  // namespace

Flags parse_flags(std::span<char* const> arguments) {
  Flags flags;
  for (size_t i = 0; i < arguments.size(); i++) {
    std::string_view text = arguments[i];
    if (text.size() < 2 || text[0] != '-') {
      flags.action = text;
      break;
    }
    text.remove_prefix(text[1] == '-' ? 2 : 1);
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    const std::string_view value = has_value ? text.substr(equals + 1) : std::string_view();

    const auto* toggle = std::find_if(std::begin(kSwitchFlags), std::end(kSwitchFlags), [&](const SwitchFlag& f) { return f.name == name; });
    if (toggle != std::end(kSwitchFlags)) {
      flags.*toggle->member = !has_value || (value != "false" && value != "0");
      continue;
    }
    const auto* known = std::find_if(std::begin(kTextFlags), std::end(kTextFlags), [&](const TextFlag& f) { return f.name == name; });
    if (known != std::end(kTextFlags)) {
      if (has_value) {
        flags.*known->member = value;
      } else if (i + 1 < arguments.size()) {
        flags.*known->member = arguments[++i];
      }
      continue;
    }
    const bool value_follows = !has_value && i + 1 < arguments.size() && arguments[i + 1][0] != '-' && !is_action(arguments[i + 1]);
    if (value_follows) i++;
  }
  return flags;
}

}  // namespace wherry::shim
