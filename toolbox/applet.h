// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/io.h"

namespace toolbox {

using Arguments = std::vector<std::string>;

// What an applet has: its streams, which the shell may have redirected, and its
// name for messages. The working directory and the environment are the module's.
struct Context {
  Input& in;
  Output& out;
  Output& err;
  std::string_view name;

  // Writes "NAME: MESSAGE" and returns 1.
  [[gnu::format(printf, 2, 3)]] int fail(const char* format, ...);
  // "NAME: WHAT: error of errno", returns 1.
  int fail_errno(std::string_view what);
  // A file to read, "-" for the standard input; nullptr after saying why not. Good
  // until the end of the applet.
  Input* open(const std::string& path, std::unique_ptr<Input>& holder);
};

// A program of the toolbox. Returns its exit code.
struct Applet {
  std::string_view name;
  int (*run)(Context& context, Arguments arguments) = nullptr;
  int usage_error = 1;         // its exit code for wrong arguments
  std::string_view usage{};    // of its arguments; "": takes --help as any other
  std::string_view summary{};  // what it does, and a line for options that need it
};

// nullptr if there is none.
const Applet* find_applet(std::string_view name);
// In the table's order, then {}.
const Applet* all_applets();

// Runs it on these streams: arguments[0] is its name. Handles --help, and writes out what it left.
int run_applet(const Applet& applet, Context context, Arguments arguments);

}  // namespace toolbox
