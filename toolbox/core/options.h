// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "applet.h"

namespace toolbox {

// Another name of a letter: {"no-same-owner", 'o'}.
struct LongOption {
  std::string_view name;
  char letter;
};

// Arguments as getopt has them: letters may be together, options and operands may
// be mixed, `--` ends the options. In `letters` a ':' follows what takes a value;
// with a '+' first, the first operand ends the options.
class Options {
 public:
  // After a wrong argument ok() is false, and the applet's error was written.
  Options(Context& context, const Arguments& arguments, std::string_view letters, std::initializer_list<LongOption> names = {});

  bool ok() const { return ok_; }
  bool has(char letter) const { return value(letter).has_value(); }
  // The last one given, "" for one without a value.
  std::optional<std::string> value(char letter) const;
  std::vector<std::string> values(char letter) const;
  // The number given, or `otherwise`; says so and makes ok() false if it is none.
  int64_t number(char letter, int64_t otherwise);
  // Of these letters the one that was given last, '\0' for none.
  char last_of(std::string_view letters) const;
  // Operands, but without the applet's name.
  Arguments operands;

 private:
  bool take_letters(const Arguments& arguments, size_t& at, std::string_view letters);
  bool take_name(const Arguments& arguments, size_t& at, std::string_view letters, std::initializer_list<LongOption> names);
  bool refuse(const char* what, const std::string& option);

  Context& context_;
  std::vector<std::pair<char, std::string>> given_;
  bool ok_ = true;
};

// Says how the applet is called, after a message; returns its exit code for that.
int usage_error(Context& context, std::string_view message = "");

}  // namespace toolbox
