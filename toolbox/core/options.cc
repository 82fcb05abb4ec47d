// SPDX-License-Identifier: Apache-2.0
#include "core/options.h"

#include "core/numbers.h"

namespace toolbox {
namespace {

bool takes_value(std::string_view letters, char letter) {
  const size_t at = letters.find(letter);
  return at + 1 < letters.size() && letters[at + 1] == ':';
}

bool is_option(std::string_view letters, char letter) { return letter != ':' && letter != '+' && letters.find(letter) != letters.npos; }

}  // namespace

int usage_error(Context& context, std::string_view message) {
  const Applet* const applet = find_applet(context.name);
  if (!message.empty()) context.fail("%.*s", static_cast<int>(message.size()), message.data());
  if (!applet) return 1;
  context.err.write("usage: ");
  context.err.write(applet->name);
  context.err.put(' ');
  context.err.line(applet->usage);
  return applet->usage_error;
}

Options::Options(Context& context, const Arguments& arguments, std::string_view letters, std::initializer_list<LongOption> names)
    : context_(context) {
  const bool ordered = letters.substr(0, 1) == "+";
  size_t at = 1;
  for (; at < arguments.size() && ok_; at++) {
    const std::string& argument = arguments[at];
    if (argument == "--") {
      at++;
      break;
    }
    if (argument.substr(0, 2) == "--") {
      ok_ = take_name(arguments, at, letters, names);
    } else if (argument.size() > 1 && argument[0] == '-') {
      ok_ = take_letters(arguments, at, letters);
    } else {
      if (ordered) break;
      operands.push_back(argument);
    }
  }
  for (; at < arguments.size(); at++) operands.push_back(arguments[at]);
}

bool Options::refuse(const char* what, const std::string& option) {
  context_.fail("%s: %s", what, option.c_str());
  return false;
}

bool Options::take_letters(const Arguments& arguments, size_t& at, std::string_view letters) {
  const std::string& argument = arguments[at];
  for (size_t i = 1; i < argument.size(); i++) {
    const char letter = argument[i];
    if (!is_option(letters, letter)) return refuse("unrecognized option", std::string("-") + letter);
    if (!takes_value(letters, letter)) {
      given_.emplace_back(letter, "");
      continue;
    }
    const bool apart = i + 1 == argument.size();
    if (apart && at + 1 == arguments.size()) return refuse("option needs a value", std::string("-") + letter);
    given_.emplace_back(letter, apart ? arguments[++at] : argument.substr(i + 1));
    return true;
  }
  return true;
}

bool Options::take_name(const Arguments& arguments, size_t& at, std::string_view letters, std::initializer_list<LongOption> names) {
  const std::string& argument = arguments[at];
  const size_t equals = argument.find('=');
  const std::string_view name = std::string_view(argument).substr(2, equals == argument.npos ? equals : equals - 2);
  for (const LongOption& option : names) {
    if (option.name != name) continue;
    if (!takes_value(letters, option.letter)) {
      if (equals != argument.npos) return refuse("option takes no value", argument);
      given_.emplace_back(option.letter, "");
      return true;
    }
    if (equals == argument.npos && at + 1 == arguments.size()) return refuse("option needs a value", argument);
    given_.emplace_back(option.letter, equals == argument.npos ? arguments[++at] : argument.substr(equals + 1));
    return true;
  }
  return refuse("unrecognized option", argument);
}

std::optional<std::string> Options::value(char letter) const {
  for (size_t i = given_.size(); i-- > 0;) {
    if (given_[i].first == letter) return given_[i].second;
  }
  return std::nullopt;
}

std::vector<std::string> Options::values(char letter) const {
  std::vector<std::string> all;
  for (const auto& [given, value] : given_) {
    if (given == letter) all.push_back(value);
  }
  return all;
}

int64_t Options::number(char letter, int64_t otherwise) {
  const auto text = value(letter);
  if (!text) return otherwise;
  const auto number = parse_number(*text);
  if (number) return *number;
  context_.fail("invalid number '%s'", text->c_str());
  ok_ = false;
  return otherwise;
}

char Options::last_of(std::string_view letters) const {
  for (size_t i = given_.size(); i-- > 0;) {
    if (letters.find(given_[i].first) != letters.npos) return given_[i].first;
  }
  return '\0';
}

}  // namespace toolbox
