// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/numbers.h"
#include "core/files.h"
#include "shell/shell.h"

namespace toolbox::sh {
namespace {

int status_of(Shell& shell, const Arguments& words) {
  if (words.size() < 2) return shell.state.status;
  const auto code = parse_number(words[1]);
  if (code) return static_cast<int>(*code & 0xff);
  shell.fail(words[0] + ": " + words[1] + ": bad number");
  return 2;
}

int nothing(Shell&, Arguments) { return 0; }

int leave_shell(Shell& shell, Arguments words) {
  const int code = status_of(shell, words);
  return shell.leave(Shell::Flow::exit, code);
}

int give_back(Shell& shell, Arguments words) {
  const int code = status_of(shell, words);
  return shell.leave(Shell::Flow::give_back, code);
}

int leave_loop(Shell& shell, Arguments words) {
  const auto levels = words.size() > 1 ? parse_number(words[1]) : 1;
  if (!levels || *levels < 1) return shell.fail(words[0] + ": bad number"), 1;
  return shell.leave(words[0] == "break" ? Shell::Flow::stop : Shell::Flow::next, 0, static_cast<int>(std::min<int64_t>(*levels, 1000)));
}

int change_directory(Shell& shell, Arguments words) {
  std::string target = words.size() > 1 ? words[1] : "";
  const bool back = target == "-";
  if (words.size() == 1 || back) {
    const std::string* const known = shell.value(back ? "OLDPWD" : "HOME");
    target = known ? *known : "/";
  }
  char directory[4096];
  const std::string old = ::getcwd(directory, sizeof directory) ? directory : "/";
  if (::chdir(target.c_str()) != 0) {
    shell.fail("cd: can't cd to " + target + ": " + std::strerror(errno));
    return 1;
  }
  char now[4096];
  const char* const at = ::getcwd(now, sizeof now);
  shell.set("OLDPWD", old);
  shell.set("PWD", at ? at : target);
  if (back) shell.streams().out->line(at ? at : target);
  return 0;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

// export and readonly
int mark(Shell& shell, Arguments words) {
  const bool exports = words[0] == "export";
  if (words.size() == 1 || words[1] == "-p") {
    for (const auto& [name, variable] : shell.state.variables) {
      if (exports ? variable.exported : variable.read_only) shell.streams().out->line(words[0] + " " + name + "=" + quoted(variable.value));
    }
    return 0;
  }
  for (size_t i = 1; i < words.size(); i++) {
    const size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    if (words[i] == "-n") continue;
    if (!is_name(name)) return shell.fail(words[0] + ": " + name + ": bad variable name"), 2;
    if (equals != words[i].npos && !shell.set(name, words[i].substr(equals + 1))) return 1;
    if (equals == words[i].npos && !shell.value(name)) shell.set(name, "");
    Variable& variable = shell.state.variables[name];
    if (exports) variable.exported = words[1] != "-n";
    else variable.read_only = true;
  }
  return 0;
}

int unset(Shell& shell, Arguments words) {
  bool functions = false;
  for (size_t i = 1; i < words.size(); i++) {
    if (words[i] == "-f" || words[i] == "-v") {
      functions = words[i] == "-f";
    } else if (functions) {
      shell.state.functions.erase(words[i]);
    } else {
      const auto found = shell.state.variables.find(words[i]);
      if (found != shell.state.variables.end() && found->second.read_only) return shell.fail(words[i] + ": is read only"), 1;
      shell.unset(words[i]);
    }
  }
  return 0;
}

int local(Shell& shell, Arguments words) {
  auto* const locals = shell.locals();
  if (!locals) return shell.fail("local: not in a function"), 1;
  for (size_t i = 1; i < words.size(); i++) {
    const size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    if (!is_name(name)) return shell.fail("local: " + name + ": bad variable name"), 2;
    const auto old = shell.state.variables.find(name);
    locals->emplace(name, old == shell.state.variables.end() ? std::nullopt : std::optional(old->second));
    if (equals != words[i].npos && !shell.set(name, words[i].substr(equals + 1))) return 1;
  }
  return 0;
}

int set(Shell& shell, Arguments words) {
  State& state = shell.state;
  if (words.size() == 1) {
    for (const auto& [name, variable] : state.variables) shell.streams().out->line(name + "=" + quoted(variable.value));
    return 0;
  }
  size_t at = 1;
  for (; at < words.size() && words[at].size() > 1 && (words[at][0] == '-' || words[at][0] == '+'); at++) {
    const bool on = words[at][0] == '-';
    if (words[at] == "--") {
      state.arguments.assign(words.begin() + static_cast<ptrdiff_t>(at) + 1, words.end());
      return 0;
    }
    std::string letters = words[at].substr(1);
    if (letters == "o" && at + 1 < words.size()) {
      const std::string& name = words[++at];
      letters = name == "errexit" ? "e" : name == "nounset" ? "u" : name == "xtrace" ? "x" : name == "noglob" ? "f" : name;
    }
    for (const char letter : letters) {
      if (letter == 'e') state.exit_on_error = on;
      else if (letter == 'u') state.refuse_unset = on;
      else if (letter == 'x') state.trace = on;
      else if (letter == 'f') state.no_globs = on;
      else return shell.fail("set: unknown option " + words[at]), 2;
    }
  }
  if (at < words.size()) state.arguments.assign(words.begin() + static_cast<ptrdiff_t>(at), words.end());
  return 0;
}

int shift(Shell& shell, Arguments words) {
  const auto count = words.size() > 1 ? parse_number(words[1]) : 1;
  Arguments& arguments = shell.state.arguments;
  if (!count || *count < 0 || static_cast<uint64_t>(*count) > arguments.size()) return shell.fail("shift: can't shift that many"), 1;
  arguments.erase(arguments.begin(), arguments.begin() + static_cast<ptrdiff_t>(*count));
  return 0;
}

int eval(Shell& shell, Arguments words) {
  std::string script;
  for (size_t i = 1; i < words.size(); i++) script += (i > 1 ? " " : "") + words[i];
  return shell.run_text(script);
}

int source(Shell& shell, Arguments words) {
  if (words.size() < 2) return shell.fail(".: a file is needed"), 2;
  const int fd = ::open(words[1].c_str(), O_RDONLY);
  if (fd < 0) return shell.fail("can't open '" + words[1] + "': " + std::strerror(errno)), 1;
  Input file(fd, true);
  return shell.run_text(file.rest());
}

int exec(Shell& shell, Arguments words) {
  if (words.size() == 1) {
    shell.keep_redirections();
    return 0;
  }
  words.erase(words.begin());
  return shell.leave(Shell::Flow::exit, shell.run_command(words));
}

int read(Shell& shell, Arguments words) {
  bool raw = false;
  words.erase(words.begin());
  while (!words.empty() && words[0].size() > 1 && words[0][0] == '-') {
    if (words[0] == "-r") raw = true;
    else if (words[0] == "-p" && words.size() > 1) {
      shell.streams().err->write(words[1]);
      shell.streams().err->flush();
      words.erase(words.begin());
    } else return shell.fail("read: unknown option " + words[0]), 2;
    words.erase(words.begin());
  }
  if (words.empty()) words.push_back("REPLY");
  std::string text, line;
  bool ended = false;
  for (;;) {
    if (!shell.streams().in->line(line, '\n', &ended)) break;
    text += line;
    const size_t slashes = text.size() - (text.find_last_not_of('\\') + 1);
    if (raw || !ended || slashes % 2 == 0) break;
    text.pop_back();
  }
  const std::string* const ifs = shell.value("IFS");
  const std::string separators = ifs ? *ifs : " \t\n";
  size_t at = 0;
  for (size_t i = 0; i < words.size(); i++) {
    const auto blank = [&](char c) { return (c == ' ' || c == '\t' || c == '\n') && separators.find(c) != separators.npos; };
    while (at < text.size() && blank(text[at])) at++;
    std::string value;
    const bool last = i + 1 == words.size();
    while (at < text.size() && (last || separators.find(text[at]) == separators.npos)) {
      if (!raw && text[at] == '\\' && at + 1 < text.size()) at++;
      value += text[at++];
    }
    while (last && !value.empty() && blank(value.back())) value.pop_back();
    if (!last) {
      while (at < text.size() && blank(text[at])) at++;
      if (at < text.size() && separators.find(text[at]) != separators.npos && !blank(text[at])) at++;
    }
    if (!shell.set(words[i], value)) return 2;
  }
  return ended ? 0 : 1;
}

// `command -v NAME`, `type NAME`, `command NAME ARG...`
int command(Shell& shell, Arguments words) {
  const bool asks = words[0] == "type" || (words.size() > 1 && (words[1] == "-v" || words[1] == "-V"));
  const bool tells = words[0] == "type" || (words.size() > 1 && words[1] == "-V");
  words.erase(words.begin(), words.begin() + (words[0] != "type" && asks ? 2 : 1));
  if (words.empty()) return 0;
  if (!asks) {
    const auto function = shell.state.functions.extract(words[0]);  // which it does not mean
    const int status = shell.run_command(words);
    if (!function.empty() && shell.state.functions.count(function.key()) == 0) shell.state.functions[function.key()] = function.mapped();
    return status;
  }
  int status = 0;
  for (const std::string& name : words) {
    const bool function = shell.state.functions.count(name) > 0, builtin = find_builtin(name) != nullptr, applet = find_applet(name) != nullptr;
    if (!function && !builtin && !applet) {
      if (tells) shell.streams().err->line(name + ": not found");
      status = 127;
      continue;
    }
    const char* const what = function ? " is a function" : builtin ? " is a shell builtin" : " is an applet of the toolbox";
    shell.streams().out->line(name + (tells ? what : ""));
  }
  return status;
}

// Of the signals only the end is one that a guest can see.
int trap(Shell& shell, Arguments words) {
  if (words.size() < 3) return 0;
  for (size_t i = 2; i < words.size(); i++) {
    if (words[i] == "EXIT" || words[i] == "0") shell.state.at_exit = words[1] == "-" ? "" : words[1];
  }
  return 0;
}

constexpr struct {
  std::string_view name;
  Builtin run;
} kBuiltins[] = {
    {":", nothing},     {".", source},           {"break", leave_loop},  {"cd", change_directory}, {"command", command}, {"continue", leave_loop},
    {"eval", eval},     {"exec", exec},          {"exit", leave_shell},  {"export", mark},         {"local", local},     {"read", read},
    {"readonly", mark}, {"return", give_back},   {"set", set},           {"shift", shift},         {"source", source},   {"trap", trap},
    {"type", command},  {"unset", unset},        {"wait", nothing},
};

}  // namespace

Builtin find_builtin(std::string_view name) {
  for (const auto& builtin : kBuiltins) {
    if (builtin.name == name) return builtin.run;
  }
  return nullptr;
}

}  // namespace toolbox::sh
