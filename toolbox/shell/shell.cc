// SPDX-License-Identifier: Apache-2.0
#include "shell/shell.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/files.h"

namespace toolbox::sh {
namespace {

constexpr int kNotFound = 127, kNotExecutable = 126, kWrong = 2;
constexpr std::string_view kProgramDirectories[] = {"/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin"};

// An applet by its name, or as the program that it would be on another system.
const Applet* applet_of(const std::string& word) {
  if (word.find('/') == word.npos) return find_applet(word);
  const std::string directory = directory_name(word);
  for (const std::string_view known : kProgramDirectories) {
    if (directory == known) return find_applet(base_name(word));
  }
  return nullptr;
}

}  // namespace

// The streams of a command with its redirections, and what they have opened.
class Shell::Redirected {
 public:
  Redirected(Shell& shell, const Streams& from) : streams(from), shell_(shell) {}

  Streams streams;

  bool apply(const std::vector<Redirection>& redirections) {
    for (const Redirection& one : redirections) {
      if (!apply(one)) return false;
    }
    return true;
  }

 private:
  bool apply(const Redirection& one) {
    using Kind = Redirection::Kind;
    if (one.kind == Kind::text) {
      read_from(std::make_unique<Input>(one.literal ? *one.text : expand_text(shell_, *one.text)));
      return !shell_.failed();
    }
    const std::string target = expand_one(shell_, one.target);
    if (shell_.failed()) return false;
    if (one.kind == Kind::copy) return copy(one.fd, target);
    constexpr int kFlags[] = {O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, O_WRONLY | O_CREAT | O_APPEND, O_RDWR | O_CREAT};
    const int fd = ::open(target.c_str(), kFlags[static_cast<int>(one.kind)], 0666);
    if (fd < 0) {
      const int code = errno;
      shell_.fail(std::string(one.kind == Kind::read ? "can't open " : "can't create ") + target + ": " + std::strerror(code));
      return false;
    }
    if (one.fd == 0) read_from(std::make_unique<Input>(fd, true));
    else write_to(one.fd, std::make_unique<Output>(fd, true));
    return true;
  }

  bool copy(int fd, const std::string& target) {
    if (target == "-") {
      if (fd == 0) read_from(std::make_unique<Input>(std::string()));
      else write_to(fd, std::make_unique<Output>(nullptr));
      return true;
    }
    if (fd == 0 && target == "0") return true;
    if (fd != 0 && (target == "1" || target == "2")) {
      (fd == 1 ? streams.out : streams.err) = target == "1" ? streams.out : streams.err;
      return true;
    }
    shell_.fail(target + ": bad descriptor: only 0, 1 and 2 can be redirected");
    return false;
  }

  void read_from(std::unique_ptr<Input> input) {
    streams.in = input.get();
    inputs_.push_back(std::move(input));
  }
  void write_to(int fd, std::unique_ptr<Output> output) {
    (fd == 1 ? streams.out : streams.err) = output.get();
    outputs_.push_back(std::move(output));
  }

  Shell& shell_;
  std::vector<std::unique_ptr<Input>> inputs_;
  std::vector<std::unique_ptr<Output>> outputs_;
};

Shell::Shell(Streams streams) : streams_(streams) {}
Shell::~Shell() = default;

// --- scripts

int Shell::run_text(std::string_view text) {
  const Parsed parsed = parse(text);
  if (parsed.state == Parsed::State::complete) return run(*parsed.script);
  fail(parsed.state == Parsed::State::wrong ? parsed.problem : "syntax error: unexpected end of file");
  failed_ = false;
  return state.status = kWrong;
}

int Shell::run_input(Input& in, bool prompts) {
  std::string text, line;
  for (;;) {
    if (prompts) {
      char directory[4096];
      const char* const at = ::getcwd(directory, sizeof directory);
      streams_.out->write(text.empty() ? std::string(at ? at : "") + " # " : "> ");
      streams_.out->flush();
    }
    bool ended;
    const bool more = in.line(line, '\n', &ended);
    if (more) text += line + "\n";
    const Parsed parsed = parse(text);
    if (more && ended && parsed.state == Parsed::State::incomplete) continue;
    if (parsed.state == Parsed::State::complete) run(*parsed.script);
    else if (!text.empty()) run_text(text);  // which says what is wrong
    const bool ends = !more || flow_ == Flow::exit || (parsed.state != Parsed::State::complete && !prompts && !text.empty());
    flow_ = ends ? flow_ : Flow::on;
    if (ends && prompts && !more) streams_.out->put('\n');
    if (ends) return state.status;
    text.clear();
  }
}

void Shell::finish() {
  const std::string action = std::exchange(state.at_exit, {});
  if (action.empty()) return;
  flow_ = Flow::on;
  const int status = state.status;
  run_text(action);
  if (flow_ != Flow::exit) state.status = status;
}

std::string Shell::output_of(std::string_view script) {
  std::string text;
  {
    Output out(&text);
    Command command;
    command.kind = Command::Kind::subshell;
    const Parsed parsed = parse(script);
    if (parsed.state != Parsed::State::complete) return fail("syntax error in a command substitution"), "";
    command.children.push_back(parsed.script);
    state.status = run_subshell(command, {streams_.in, &out, streams_.err});
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void Shell::fail(const std::string& message) {
  streams_.out->flush();
  streams_.err->line(state.name + ": " + message);
  streams_.err->flush();
  failed_ = true;
}

// --- variables

const std::string* Shell::value(std::string_view name) const {
  const auto found = state.variables.find(name);
  return found == state.variables.end() ? nullptr : &found->second.value;
}

bool Shell::set(const std::string& name, std::string value, bool exported) {
  Variable& variable = state.variables[name];
  if (variable.read_only) return fail(name + ": is read only"), false;
  variable.value = std::move(value);
  variable.exported |= exported;
  return true;
}

void Shell::export_all() const {
  ::clearenv();
  for (const auto& [name, variable] : state.variables) {
    if (variable.exported) ::setenv(name.c_str(), variable.value.c_str(), 1);
  }
}

// --- commands

int Shell::leave(Flow flow, int code, int levels) {
  if ((flow == Flow::next || flow == Flow::stop) && loops_ == 0) return code;
  flow_ = flow;
  levels_ = std::min(levels, std::max(loops_, 1));
  return code;
}

int Shell::run(const Command& command) {
  if (flow_ != Flow::on) return state.status;
  if (depth_ >= kMaxDepth) {
    fail("commands nested too deeply");
    failed_ = false;
    flow_ = Flow::exit;
    return state.status = kWrong;
  }
  depth_++;
  if (command.redirections.empty() || command.kind == Command::Kind::simple) {
    state.status = run_kind(command);
  } else {
    Redirected redirected(*this, streams_);
    const bool applied = redirected.apply(command.redirections);
    const Streams outer = std::exchange(streams_, redirected.streams);
    state.status = applied ? run_kind(command) : 1;
    streams_ = outer;
    failed_ = false;
  }
  depth_--;
  const bool counts = command.kind == Command::Kind::simple || command.kind == Command::Kind::pipeline || command.kind == Command::Kind::subshell;
  if (state.exit_on_error && counts && state.status != 0 && testing_ == 0 && flow_ == Flow::on) flow_ = Flow::exit;
  return state.status;
}

// With `set -e` off, since the status is looked at.
int Shell::tested(const Command& command) {
  testing_++;
  const int status = run(command);
  testing_--;
  return status;
}

int Shell::run_kind(const Command& command) {
  const auto child = [&command](size_t i) -> const Command& { return *command.children[i]; };
  switch (command.kind) {
    case Command::Kind::simple:
      return run_simple(command);
    case Command::Kind::list:
    case Command::Kind::group:
      return run_list(command);
    case Command::Kind::chain:
      return run_chain(command);
    case Command::Kind::negation:
      return tested(child(0)) == 0 ? 1 : 0;
    case Command::Kind::pipeline:
      return run_pipeline(command);
    case Command::Kind::subshell:
      return run_subshell(command, streams_);
    case Command::Kind::condition: {
      const bool holds = tested(child(0)) == 0;
      if (flow_ != Flow::on) return state.status;
      if (holds) return run(child(1));
      return command.children.size() > 2 ? run(child(2)) : 0;
    }
    case Command::Kind::loop:
      return run_loop(command);
    case Command::Kind::each:
      return run_each(command);
    case Command::Kind::choice:
      return run_choice(command);
    case Command::Kind::function:
      state.functions[command.name] = command.children[0];
      return 0;
  }
  return 0;
}

int Shell::run_list(const Command& command) {
  int status = command.children.empty() ? 0 : state.status;
  for (const CommandPtr& child : command.children) {
    status = run(*child);
    if (flow_ != Flow::on) break;
  }
  return status;
}

int Shell::run_chain(const Command& command) {
  int status = 0;
  for (size_t i = 0; i < command.children.size() && flow_ == Flow::on; i++) {
    if (i > 0 && (status == 0) != (command.operators[i - 1] == '&')) continue;
    const bool last = i + 1 == command.children.size();
    status = last ? run(*command.children[i]) : tested(*command.children[i]);
  }
  return status;
}

int Shell::run_pipeline(const Command& command) {
  Input* in = streams_.in;
  std::unique_ptr<Input> between;
  int status = 0;
  for (size_t i = 0; i < command.children.size(); i++) {
    const bool last = i + 1 == command.children.size();
    std::string text;
    {
      Output out(&text);
      Command part;
      part.kind = Command::Kind::subshell;
      part.children.push_back(command.children[i]);
      if (!last) testing_++;
      status = run_subshell(part, {in, last ? streams_.out : &out, streams_.err});
      if (!last) testing_--;
    }
    if (last) break;
    between = std::make_unique<Input>(std::move(text));
    in = between.get();
  }
  return status;
}

int Shell::run_subshell(const Command& command, Streams streams) {
  const WorkingDirectory back;
  Shell inner(streams);
  inner.state = state;
  inner.state.at_exit.clear();
  inner.testing_ = testing_;
  inner.depth_ = depth_;
  inner.run(*command.children[0]);
  inner.finish();
  streams.out->flush();
  return inner.state.status;
}

bool Shell::ends_loop() {
  if (flow_ == Flow::on) return false;
  if (flow_ != Flow::next && flow_ != Flow::stop) return true;
  const bool own = --levels_ == 0;
  const bool stops = flow_ == Flow::stop || !own;
  if (own) flow_ = Flow::on;
  return stops;
}

int Shell::run_loop(const Command& command) {
  int status = 0;
  loops_++;
  for (;;) {
    const bool holds = tested(*command.children[0]) == 0;
    if (flow_ == Flow::on) {
      if (holds == command.reversed) break;
      status = run(*command.children[1]);
    }
    if (ends_loop()) break;
  }
  loops_--;
  return flow_ == Flow::exit || flow_ == Flow::give_back ? state.status : status;
}

int Shell::run_each(const Command& command) {
  Arguments values;
  if (command.over_arguments) values = state.arguments;
  for (const Word& word : command.words) expand(*this, word, values);
  if (std::exchange(failed_, false)) return 1;
  int status = 0;
  loops_++;
  for (const std::string& value : values) {
    if (!set(command.name, value)) break;
    status = run(*command.children[0]);
    if (ends_loop()) break;
  }
  loops_--;
  return status;
}

int Shell::run_choice(const Command& command) {
  const std::string subject = expand_one(*this, command.words[0]);
  for (const Command::Choice& choice : command.choices) {
    for (const Word& word : choice.patterns) {
      const std::string pattern = expand_pattern(*this, word);
      if (std::exchange(failed_, false)) return 1;
      if (::fnmatch(pattern.c_str(), subject.c_str(), 0) == 0) return choice.body->children.empty() ? 0 : run(*choice.body);
    }
  }
  return 0;
}

int Shell::run_simple(const Command& command) {
  Arguments words;
  for (const Word& word : command.words) expand(*this, word, words);
  if (std::exchange(failed_, false)) {
    flow_ = Flow::exit;  // as POSIX has it for errors of expansion
    return kWrong;
  }
  if (state.trace) {
    std::string line = "+";
    for (const std::string& word : words) line += " " + word;
    streams_.err->line(line);
  }
  auto redirected = std::make_unique<Redirected>(*this, streams_);
  if (!redirected->apply(command.redirections)) {
    failed_ = false;
    return 1;
  }
  keeps_ = false;
  const Streams outer = std::exchange(streams_, redirected->streams);
  const int status = run_words(command, words);
  const bool keeps = std::exchange(keeps_, false);
  if (!keeps) streams_.out->flush();
  if (keeps) kept_.push_back(std::move(redirected));
  else streams_ = outer;
  failed_ = false;
  return status;
}

// Assignments stay if there is no command, and are for that command alone if there is one.
int Shell::run_words(const Command& command, const Arguments& words) {
  std::map<std::string, std::optional<Variable>> before;
  state.status = words.empty() ? 0 : state.status;
  for (const Word& assignment : command.assignments) {
    const size_t equals = assignment.find('=');
    const std::string name = assignment.substr(0, equals), value = expand_one(*this, assignment.substr(equals + 1));
    if (failed_) return flow_ = Flow::exit, kWrong;
    const auto old = state.variables.find(name);
    before.emplace(name, old == state.variables.end() ? std::nullopt : std::optional(old->second));
    if (!set(name, value, !words.empty())) return flow_ = Flow::exit, kWrong;
  }
  if (words.empty()) return state.status;
  const int status = run_command(words);
  for (auto& [name, variable] : before) {
    if (variable) state.variables[name] = std::move(*variable);
    else state.variables.erase(name);
  }
  return status;
}

int Shell::run_command(const Arguments& words) {
  const auto function = state.functions.find(words[0]);
  if (function != state.functions.end()) return run_function(CommandPtr(function->second), words);
  if (const Builtin builtin = find_builtin(words[0])) return builtin(*this, words);
  return run_applet_of(words);
}

int Shell::run_function(const CommandPtr& body, const Arguments& words) {
  const Arguments outer = std::exchange(state.arguments, Arguments(words.begin() + 1, words.end()));
  const int loops = std::exchange(loops_, 0);
  locals_.emplace_back();
  int status = run(*body);
  if (flow_ == Flow::give_back) {
    flow_ = Flow::on;
    status = state.status;
  }
  for (auto& [name, variable] : locals_.back()) {
    if (variable) state.variables[name] = std::move(*variable);
    else state.variables.erase(name);
  }
  locals_.pop_back();
  loops_ = loops;
  state.arguments = outer;
  return status;
}

int Shell::run_applet_of(const Arguments& words) {
  if (const Applet* const applet = applet_of(words[0])) {
    export_all();
    return run_applet(*applet, Context{*streams_.in, *streams_.out, *streams_.err, applet->name}, words);
  }
  if (words[0].find('/') != words[0].npos) return run_file(words);
  fail(words[0] + ": not found");
  return kNotFound;
}

// A script of the container's; of programs only the toolbox's own can be run, since
// a guest can not start another.
int Shell::run_file(const Arguments& words) {
  const int fd = ::open(words[0].c_str(), O_RDONLY);
  if (fd < 0) {
    const int code = errno;
    fail(words[0] + ": " + (code == ENOENT ? "not found" : std::strerror(code)));
    return code == ENOENT ? kNotFound : kNotExecutable;
  }
  Input file(fd, true);
  FileInfo info;
  if (file_info(words[0], Follow::yes, info) && info.knows_owner && !(info.mode & 0111)) {
    fail(words[0] + ": " + std::strerror(EACCES));
    return kNotExecutable;
  }
  if (file.peek() <= 0 || file.peek() == 0x7f || file.failed()) {
    fail(words[0] + ": only scripts and the toolbox's own programs can be run from here");
    return kNotExecutable;
  }
  const WorkingDirectory back;
  Shell inner(streams_);
  for (const auto& [name, variable] : state.variables) {
    if (variable.exported) inner.state.variables[name] = variable;
  }
  inner.state.name = words[0];
  inner.state.arguments.assign(words.begin() + 1, words.end());
  inner.depth_ = depth_;
  inner.run_text(file.rest());
  inner.finish();
  return inner.state.status;
}

}  // namespace toolbox::sh
