// SPDX-License-Identifier: Apache-2.0
#include "core/escapes.h"
#include "core/options.h"

namespace toolbox {
namespace {

// Options of echo are only those that are nothing else: "-nx" is a text.
bool take_option(const std::string& argument, bool& newline, bool& escapes) {
  if (argument.size() < 2 || argument[0] != '-' || argument.find_first_not_of("neE", 1) != argument.npos) return false;
  for (const char letter : argument.substr(1)) {
    if (letter == 'n') newline = false;
    if (letter != 'n') escapes = letter == 'e';
  }
  return true;
}

}  // namespace

int echo(Context& context, Arguments arguments) {
  bool newline = true, escapes = false, first = true;
  size_t at = 1;
  while (at < arguments.size() && take_option(arguments[at], newline, escapes)) at++;
  for (; at < arguments.size(); at++) {
    if (!first) context.out.put(' ');
    first = false;
    bool stopped = false;
    context.out.write(escapes ? unescape(arguments[at], Escapes::echo, &stopped) : arguments[at]);
    if (stopped) return 0;
  }
  if (newline) context.out.put('\n');
  return 0;
}

}  // namespace toolbox
