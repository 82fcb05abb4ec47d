// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "applet.h"
#include "shell/syntax.h"

namespace toolbox::sh {

struct Variable {
  std::string value;
  bool exported = false;
  bool read_only = false;
};

// What a subshell gets a copy of.
struct State {
  std::map<std::string, Variable, std::less<>> variables;
  std::map<std::string, CommandPtr, std::less<>> functions;
  std::string name = "sh";  // $0
  Arguments arguments;      // $1 and on
  std::string at_exit;      // trap
  int status = 0;           // $?
  bool exit_on_error = false, refuse_unset = false, trace = false, no_globs = false;
};

// The streams of what runs.
struct Streams {
  Input* in;
  Output* out;
  Output* err;
};

// Runs scripts. There is no other process: applets and subshells are calls, the
// commands of a pipeline run one after the other with texts in between.
class Shell {
 public:
  explicit Shell(Streams streams);
  ~Shell();
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  State state;

  // Runs a whole script; its exit code.
  int run_text(std::string_view text);
  // Reads commands until the end of the input or `exit`.
  int run_input(Input& in, bool prompts);
  // What `trap ... EXIT` says.
  void finish();

  // --- for expansion and builtins

  const std::string* value(std::string_view name) const;
  // False after saying so if it is read-only.
  bool set(const std::string& name, std::string value, bool exported = false);
  void unset(const std::string& name) { state.variables.erase(name); }
  // The output of a script, without newlines at its end.
  std::string output_of(std::string_view script);
  // An error that ends the command that is being expanded.
  void fail(const std::string& message);
  bool failed() const { return failed_; }

  enum class Flow { on, next, stop, give_back, exit };
  // Leaves `levels` loops, a function, or the script.
  int leave(Flow flow, int code, int levels = 1);
  const Streams& streams() const { return streams_; }
  int run_command(const Arguments& words);
  // `exec` without a command: the redirections stay.
  void keep_redirections() { keeps_ = true; }
  std::map<std::string, std::optional<Variable>>* locals() { return locals_.empty() ? nullptr : &locals_.back(); }

 private:
  class Redirected;

  int run(const Command& command);
  int run_kind(const Command& command);
  int run_list(const Command& command);
  int run_chain(const Command& command);
  int run_pipeline(const Command& command);
  int run_simple(const Command& command);
  int run_loop(const Command& command);
  int run_each(const Command& command);
  int run_choice(const Command& command);
  int run_subshell(const Command& command, Streams streams);
  int run_function(const CommandPtr& body, const Arguments& words);
  int run_applet_of(const Arguments& words);
  int run_file(const Arguments& words);
  int run_words(const Command& command, const Arguments& words);
  int tested(const Command& command);
  bool ends_loop();
  void export_all() const;

  static constexpr int kMaxDepth = 100;

  Streams streams_;
  Flow flow_ = Flow::on;
  int levels_ = 0;   // of loops still to be left
  int testing_ = 0;  // `set -e` does not count where somebody looks at the status
  int loops_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  bool keeps_ = false;
  std::vector<std::map<std::string, std::optional<Variable>>> locals_;
  std::vector<std::unique_ptr<Redirected>> kept_;
};

// The fields that a word becomes; `quoted` as in an assignment: one, no patterns.
void expand(Shell& shell, const Word& word, Arguments& fields);
std::string expand_one(Shell& shell, const Word& word);
// For case and ${x#...}: as fnmatch takes it.
std::string expand_pattern(Shell& shell, const Word& word);
// The text of `<<`: no quotes.
std::string expand_text(Shell& shell, const std::string& text);

// $((...)); an error is the shell's.
int64_t calculate(Shell& shell, std::string_view expression);

// nullptr if there is none; gets its name as the first word.
using Builtin = int (*)(Shell& shell, Arguments words);
Builtin find_builtin(std::string_view name);

}  // namespace toolbox::sh
