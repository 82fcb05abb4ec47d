// SPDX-License-Identifier: Apache-2.0
// seq and xargs.
#include <cctype>
#include <cstdlib>

#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {

int seq(Context& context, Arguments arguments) {
  // Negative numbers are no options.
  std::string separator = "\n";
  bool equal_width = false;
  size_t at = 1;
  for (; at < arguments.size() && arguments[at].size() > 1 && arguments[at][0] == '-' && !std::isdigit(static_cast<unsigned char>(arguments[at][1])); at++) {
    if (arguments[at] == "-w") equal_width = true;
    else if (arguments[at] == "-s" && at + 1 < arguments.size()) separator = arguments[++at];
    else if (arguments[at].substr(0, 2) == "-s") separator = arguments[at].substr(2);
    else return usage_error(context);
  }
  const size_t given = arguments.size() - at;
  if (given < 1 || given > 3) return usage_error(context);
  int64_t values[3] = {1, 1, 1};  // first, step, last
  for (size_t i = 0; i < given; i++) {
    const auto number = parse_number(arguments[at + i]);
    if (!number) return context.fail("invalid number '%s': only whole ones are known", arguments[at + i].c_str());
    values[given == 1 ? 2 : given == 2 ? i * 2 : i] = *number;
  }
  const auto [first, step, last] = values;
  if (step == 0) return context.fail("the step is 0");
  const size_t width = equal_width ? std::max(std::to_string(first).size(), std::to_string(last).size()) : 0;
  bool any = false;
  for (int64_t value = first; step > 0 ? value <= last : value >= last;) {
    std::string text = std::to_string(value < 0 ? -value : value);
    const size_t sign = value < 0 ? 1 : 0;
    if (text.size() + sign < width) text.insert(0, width - sign - text.size(), '0');
    if (any) context.out.write(separator);
    context.out.write((sign ? "-" : "") + text);
    any = true;
    if (context.out.failed() || __builtin_add_overflow(value, step, &value)) break;
  }
  if (any) context.out.put('\n');
  return 0;
}

namespace {

// The next item of the input: a line or text up to NUL, or a word with its quotes.
bool next_item(Context& context, bool nulls, bool lines, std::string& item, bool& wrong) {
  if (nulls) return context.in.line(item, '\0');
  if (lines) {
    while (context.in.line(item)) {
      item.erase(0, std::min(item.find_first_not_of(" \t"), item.size()));
      if (!item.empty()) return true;
    }
    return false;
  }
  item.clear();
  int c;
  while ((c = context.in.peek()) >= 0 && std::isspace(c)) context.in.get();
  bool any = false;
  for (char quote = '\0'; (c = context.in.get()) >= 0;) {
    any = true;
    if (quote != '\0') {
      if (c == quote) quote = '\0';
      else item += static_cast<char>(c);
    } else if (c == '\'' || c == '"') {
      quote = static_cast<char>(c);
    } else if (c == '\\') {
      if ((c = context.in.get()) >= 0) item += static_cast<char>(c);
    } else if (std::isspace(c)) {
      break;
    } else {
      item += static_cast<char>(c);
    }
    if (context.in.peek() < 0 && quote != '\0') wrong = true;
  }
  return any;
}

}  // namespace

int xargs(Context& context, Arguments arguments) {
  Options options(context, arguments, "+0rtn:I:");
  if (!options.ok()) return usage_error(context);
  const int64_t most = options.number('n', 1 << 16);
  if (!options.ok() || most < 1) return usage_error(context);
  Arguments command = options.operands.empty() ? Arguments{"echo"} : options.operands;
  const auto replaced = options.value('I');
  const Applet* const applet = find_applet(command[0]);
  if (!applet) return context.fail("'%s': no such applet", command[0].c_str()), 127;
  int code = 0;
  bool wrong = false, ran = false;
  const auto run = [&](const Arguments& words) {
    if (options.has('t')) {
      for (const std::string& word : words) context.err.write(&word == &words[0] ? word : " " + word);
      context.err.put('\n');
    }
    ran = true;
    Input none{std::string()};
    const int result = run_applet(*applet, Context{none, context.out, context.err, applet->name}, words);
    if (result != 0) code = 123;
  };
  Arguments words = command;
  for (std::string item; next_item(context, options.has('0'), replaced.has_value(), item, wrong);) {
    if (wrong) return context.fail("a quote without its end");
    if (replaced) {
      words = command;
      for (std::string& word : words) {
        for (size_t at = 0; (at = word.find(*replaced, at)) != word.npos; at += item.size()) word.replace(at, replaced->size(), item);
      }
      run(words);
      words = command;
      continue;
    }
    words.push_back(item);
    if (words.size() - command.size() < static_cast<size_t>(most)) continue;
    run(words);
    words = command;
  }
  if (!replaced && (words.size() > command.size() || (!ran && !options.has('r')))) run(words);
  return code;
}

}  // namespace toolbox
