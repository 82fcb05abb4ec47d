// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>

#include "core/options.h"

namespace toolbox {
namespace {

void print_all(Output& out, char end) {
  for (char** variable = environ; variable && *variable; variable++) {
    out.write(*variable);
    out.put(end);
  }
}

// What `env` changes is only for the command that it runs.
class SavedEnvironment {
 public:
  SavedEnvironment() {
    for (char** variable = environ; variable && *variable; variable++) saved_.emplace_back(*variable);
  }
  ~SavedEnvironment() {
    ::clearenv();
    for (const std::string& variable : saved_) {
      const size_t equals = variable.find('=');
      ::setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
    }
  }

 private:
  std::vector<std::string> saved_;
};

}  // namespace

int env(Context& context, Arguments arguments) {
  Options options(context, arguments, "+iu:0", {{"ignore-environment", 'i'}, {"unset", 'u'}, {"null", '0'}});
  if (!options.ok()) return usage_error(context);
  const SavedEnvironment saved;
  if (options.has('i')) ::clearenv();
  for (const std::string& name : options.values('u')) ::unsetenv(name.c_str());
  Arguments& rest = options.operands;
  size_t at = 0;
  for (; at < rest.size() && rest[at].find('=') != std::string::npos; at++) {
    const size_t equals = rest[at].find('=');
    ::setenv(rest[at].substr(0, equals).c_str(), rest[at].c_str() + equals + 1, 1);
  }
  if (at == rest.size()) {
    print_all(context.out, options.has('0') ? '\0' : '\n');
    return 0;
  }
  const Applet* const applet = find_applet(rest[at]);
  if (!applet) return context.fail("can't execute '%s': no such applet", rest[at].c_str()), 127;
  return run_applet(*applet, context, Arguments(rest.begin() + static_cast<ptrdiff_t>(at), rest.end()));
}

int printenv(Context& context, Arguments arguments) {
  if (arguments.size() == 1) print_all(context.out, '\n');
  int code = 0;
  for (size_t i = 1; i < arguments.size(); i++) {
    const char* const value = ::getenv(arguments[i].c_str());
    if (value) context.out.line(value);
    if (!value) code = 1;
  }
  return code;
}

int pwd(Context& context, Arguments) {
  char directory[4096];
  if (!::getcwd(directory, sizeof directory)) return context.fail_errno("getcwd");
  context.out.line(directory);
  return 0;
}

}  // namespace toolbox
