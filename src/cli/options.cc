// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include "cli/suggest.h"
#include "cli/values.h"

namespace wherry::cli {
namespace {

Error usage(std::string message) { return error(ErrorKind::invalid, std::move(message)); }

std::string spelling(const Option& option, bool is_long) {
  return is_long ? "--" + std::string(option.name) : std::string{'-', option.letter};
}

class Parser {
 public:
  Parser(std::span<const Option> table, void* options, std::span<char* const> words)
      : table_(table), options_(options), words_(words) {}

  Result<Parsed> parse(Order order) {
    Parsed parsed;
    bool only_arguments = false;
    while (next_ < words_.size() && !parsed.help) {
      const std::string_view word = words_[next_++];
      if (only_arguments || word.size() < 2 || word[0] != '-') {
        parsed.arguments.emplace_back(word);
        only_arguments |= order == Order::options_first;
      } else if (word == "--") {
        only_arguments = true;
      } else if (word == "--help" || word == "-h") {
        parsed.help = true;
      } else if (word[1] == '-') {
        TRY(long_option(word.substr(2)));
      } else {
        TRY(letters(word.substr(1)));
      }
    }
    return parsed;
  }

 private:
  Result<void> long_option(std::string_view text) {
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    std::optional<std::string_view> value;
    if (equals != text.npos) value = text.substr(equals + 1);
    for (const Option& option : table_)
      if (option.name == name && !name.empty()) return apply(option, value, true);
    std::vector<std::string_view> names{"help"};
    for (const Option& option : table_) names.push_back(option.name);
    std::string hint = suggestion(name, names);
    if (const size_t quote = hint.find('`'); quote != hint.npos) hint.insert(quote + 1, "--");
    return usage("unknown option `--" + std::string(name) + "`" + hint);
  }

  // One letter with its value, or several that take none.
  Result<void> letters(std::string_view text) {
    while (!text.empty()) {
      const Option* const option = find(text[0]);
      if (!option) return usage("unknown option `-" + std::string(text.substr(0, 1)) + "`");
      text.remove_prefix(1);
      std::optional<std::string_view> value;
      if (!option->metavar.empty() && !text.empty()) {
        value = text.starts_with('=') ? text.substr(1) : text;
        text = {};
      }
      TRY(apply(*option, value, false));
    }
    return {};
  }

  const Option* find(char letter) const {
    for (const Option& option : table_)
      if (option.letter == letter) return &option;
    return nullptr;
  }

  Result<void> apply(const Option& option, std::optional<std::string_view> value, bool is_long) {
    const std::string name = spelling(option, is_long);
    if (option.metavar.empty()) {
      if (value) return usage("`" + name + "` takes no value");
      value = "";
    } else if (!value) {
      if (next_ >= words_.size()) return usage("`" + name + "` needs " + std::string(option.metavar));
      value = words_[next_++];
    }
    auto done = option.set(options_, *value);
    if (!done) return usage(name + ": " + done.error().message);
    return {};
  }

  const std::span<const Option> table_;
  void* const options_;
  const std::span<char* const> words_;
  size_t next_ = 0;
};

}  // namespace

Result<void> set_value(bool& out, std::string_view) {
  out = true;
  return {};
}

Result<void> set_value(std::string& out, std::string_view value) {
  out = value;
  return {};
}

Result<void> set_value(std::vector<std::string>& out, std::string_view value) {
  out.emplace_back(value);
  return {};
}

Result<void> set_value(std::optional<Size>& out, std::string_view value) {
  out = Size{TRY(parse_size(value))};
  return {};
}

Result<void> set_value(std::optional<std::chrono::nanoseconds>& out, std::string_view value) {
  out = TRY(parse_duration(value));
  return {};
}

Result<Parsed> parse(std::span<const Option> table, void* options, std::span<char* const> words, Order order) {
  return Parser(table, options, words).parse(order);
}

}  // namespace wherry::cli
