// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

namespace wherry::shim {

// What containerd says on the command line, in the syntax of Go's flag package:
// one dash or two, "-x value" or "-x=value", the action first of what is no flag.
struct Flags {
  std::string ns{};  // -namespace
  std::string id{};
  std::string address{};
  std::string publish_binary{};
  std::string bundle{};
  std::string socket{};
  bool debug = false;
  bool version = false;
  bool info = false;
  std::string action{};
};

// Never fails: a flag of a containerd to come is skipped, with its value if it
// seems to have one.
Flags parse_flags(std::span<char* const> arguments);

}  // namespace wherry::shim
