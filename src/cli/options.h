// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::cli {

// One option of a command; a command's table of them makes both its parser and
// its help. Given as --name VALUE, --name=VALUE, -l VALUE or -lVALUE.
struct Option {
  std::string_view name;
  char letter;               // 0: none
  std::string_view metavar;  // empty: takes no value
  std::string_view help;     // empty: understood, but not shown
  Result<void> (*set)(void* options, std::string_view value);
};

// In bytes.
struct Size {
  uint64_t bytes = 0;
};

Result<void> set_value(bool& out, std::string_view value);
Result<void> set_value(std::string& out, std::string_view value);
Result<void> set_value(std::vector<std::string>& out, std::string_view value);
Result<void> set_value(std::optional<Size>& out, std::string_view value);
Result<void> set_value(std::optional<std::chrono::nanoseconds>& out, std::string_view value);

// The Option::set of a member: `set<&RunOptions::invoke>`.
template <class Options, class T>
Options owner_of(T Options::*);
template <auto Member>
Result<void> set(void* options, std::string_view value) {
  using Options = decltype(owner_of(Member));
  return set_value(static_cast<Options*>(options)->*Member, value);
}
// The same of a function of the options and the value.
template <class Options, Result<void> (*function)(Options&, std::string_view)>
Result<void> call(void* options, std::string_view value) {
  return function(*static_cast<Options*>(options), value);
}

enum class Order : uint8_t {
  any,            // options may follow arguments
  options_first,  // all from the first argument on are arguments: another program's
};

struct Parsed {
  bool help = false;  // --help or -h was given; nothing else counts
  std::vector<std::string> arguments;
};

// Applies the options among `words` to `options` in their order.
Result<Parsed> parse(std::span<const Option> table, void* options, std::span<char* const> words, Order order);

}  // namespace wherry::cli
