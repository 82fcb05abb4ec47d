// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>

#include "applet.h"
#include "core/host.h"
#include "core/options.h"

namespace toolbox {

#define APPLET(name, function, usage_error, usage, summary) int function(Context& context, Arguments arguments);
#include "applets.def"
#undef APPLET

namespace {

constexpr Applet kApplets[] = {
#define APPLET(name, function, usage_error, usage, summary) {name, function, usage_error, usage, summary},
#include "applets.def"
#undef APPLET
    {},
};

int show_help(Context& context, const Applet& applet) {
  context.out.write("usage: ");
  context.out.write(applet.name);
  context.out.put(' ');
  context.out.line(applet.usage);
  context.out.put('\n');
  context.out.line(applet.summary);
  return 0;
}

int list_applets(Context& context) {
  context.out.line("usage: toolbox APPLET [ARG]...\n\nthe applets, each with --help:");
  for (const Applet* applet = kApplets; !applet->name.empty(); applet++) context.out.line(applet->name);
  return 0;
}

}  // namespace

// What the shim reads to know what is in here: the table's names, a line each.
__asm__(
    ".section .custom_section.wherry.applets,\"\",@\n"
#define APPLET(name, function, usage_error, usage, summary) ".ascii \"" name "\\n\"\n"
#include "applets.def"
#undef APPLET
);

const Applet* all_applets() { return kApplets; }

const Applet* find_applet(std::string_view name) {
  for (const Applet* applet = kApplets; !applet->name.empty(); applet++) {
    if (applet->name == name) return applet;
  }
  return nullptr;
}

int run_applet(const Applet& applet, Context context, Arguments arguments) {
  context.name = applet.name;
  const bool lone_help = arguments.size() == 2 && arguments[1] == "--help";
  if (lone_help && !applet.usage.empty()) return show_help(context, applet);
  int code = applet.run(context, std::move(arguments));
  const bool had_failed = context.out.failed();
  if (!context.out.flush() && !had_failed) code = context.fail_errno("write error");
  context.err.flush();
  return code;
}

}  // namespace toolbox

int main(int argc, char** argv) {
  using namespace toolbox;
  Input in(STDIN_FILENO);
  Output out(STDOUT_FILENO);
  Output err(STDERR_FILENO);
  Context context{in, out, err, "toolbox"};
  enter_working_directory();
  Arguments arguments(argv, argv + argc);
  if (arguments.empty()) return list_applets(context);
  // By the name that it was called by; by the first argument where that is its own.
  if (base_name(arguments[0]).starts_with("toolbox")) arguments.erase(arguments.begin());
  if (arguments.empty()) return list_applets(context);
  const std::string name = base_name(arguments[0]);
  const Applet* const applet = find_applet(name);
  if (!applet) return context.fail("no applet '%s'", name.c_str());
  return run_applet(*applet, context, std::move(arguments));
}
