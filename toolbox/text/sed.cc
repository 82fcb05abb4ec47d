// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <memory>
#include <optional>

#include "core/numbers.h"
#include "core/options.h"
#include "text/regex.h"

namespace toolbox {
namespace {

struct Address {
  enum class Kind { none, line, last, match };
  Kind kind = Kind::none;
  int64_t line = 0;
  std::shared_ptr<Regex> regex;  // two commands may share one: // is the last
};

struct Command {
  Address first, second;
  bool negated = false, in_range = false;
  int64_t range_end = 0;
  char name = '\0';
  std::shared_ptr<Regex> regex;   // s
  std::string text;               // s: by what; a, i, c: the text; y: to; b, t, :: the label
  std::string from;               // y
  bool global = false, prints = false;
  int64_t occurrence = 1;
  size_t target = 0;              // b, t, {: where it goes on
};

class Parser {
 public:
  Parser(Context& context, const std::string& script, int flags) : context_(context), script_(script), flags_(flags) {}

  bool run(std::vector<Command>& commands) {
    std::vector<size_t> open;
    while (skip(), at_ < script_.size() && ok_) {
      Command command;
      addresses(command);
      if (at_ >= script_.size()) return fail("missing command");
      command.name = script_[at_++];
      if (command.name == '{') {
        open.push_back(commands.size());
      } else if (command.name == '}') {
        if (open.empty()) return fail("unexpected }");
        commands[open.back()].target = commands.size();
        open.pop_back();
      } else if (!details(command)) {
        return false;
      }
      commands.push_back(std::move(command));
    }
    if (!open.empty()) return fail("unmatched {");
    return ok_ && find_labels(commands);
  }

 private:
  bool fail(const std::string& why) {
    if (ok_) context_.fail("%s", why.c_str());
    return ok_ = false;
  }

  void skip() {
    while (at_ < script_.size() && (std::isspace(static_cast<unsigned char>(script_[at_])) || script_[at_] == ';')) at_++;
    if (at_ < script_.size() && script_[at_] == '#') {
      at_ = std::min(script_.find('\n', at_), script_.size());
      skip();
    }
  }
  void skip_blanks() {
    while (at_ < script_.size() && (script_[at_] == ' ' || script_[at_] == '\t')) at_++;
  }

  void addresses(Command& command) {
    command.first = address();
    skip_blanks();
    if (command.first.kind != Address::Kind::none && at_ < script_.size() && script_[at_] == ',') {
      at_++;
      skip_blanks();
      command.second = address();
      if (command.second.kind == Address::Kind::none) fail("unexpected ,");
    }
    skip_blanks();
    while (at_ < script_.size() && script_[at_] == '!') {
      command.negated = true;
      at_++;
      skip_blanks();
    }
  }

  Address address() {
    Address address;
    if (at_ >= script_.size()) return address;
    if (std::isdigit(static_cast<unsigned char>(script_[at_]))) {
      address.kind = Address::Kind::line;
      address.line = *number();
    } else if (script_[at_] == '$') {
      address.kind = Address::Kind::last;
      at_++;
    } else if (script_[at_] == '/' || script_[at_] == '\\') {
      if (script_[at_] == '\\') at_++;
      address.kind = Address::Kind::match;
      std::string pattern;
      if (!delimited(pattern, true)) return address;
      const bool folds = at_ < script_.size() && script_[at_] == 'I' && at_++;
      address.regex = compile(pattern, folds);
    }
    return address;
  }

  std::optional<int64_t> number() {
    const size_t start = at_;
    while (at_ < script_.size() && std::isdigit(static_cast<unsigned char>(script_[at_]))) at_++;
    return parse_number(std::string_view(script_).substr(start, at_ - start)).value_or(0);
  }

  // Up to the delimiter that stands at the beginning, which a backslash makes plain.
  bool delimited(std::string& text, bool opens) {
    if (opens) delimiter_ = at_ < script_.size() ? script_[at_++] : '\0';
    bool in_class = false;
    for (; at_ < script_.size(); at_++) {
      const char c = script_[at_];
      if (c == delimiter_ && !in_class) return at_++, true;
      if (opens && c == '[' && !in_class) in_class = true;
      else if (c == ']' && in_class && text.back() != '[') in_class = false;
      if (c != '\\' || at_ + 1 == script_.size() || in_class) {
        text += c;
        continue;
      }
      const char next = script_[++at_];
      if (next == delimiter_) text += next;
      else if (next == 'n') text += '\n';
      else if (next == 't') text += '\t';
      else (text += '\\') += next;
    }
    return fail("unterminated text of a command");
  }

  std::shared_ptr<Regex> compile(const std::string& pattern, bool folds) {
    if (pattern.empty()) {
      if (!last_) fail("no previous regex");
      return last_;
    }
    last_ = std::make_shared<Regex>(pattern, flags_ | (folds ? REG_ICASE : 0));
    if (!last_->ok()) fail("bad regex '" + pattern + "': " + last_->problem());
    return last_;
  }

  bool details(Command& command) {
    switch (command.name) {
      case 's':
        return substitution(command);
      case 'y':
        if (!delimited(command.from, true) || !delimited(command.text, false)) return false;
        return command.from.size() == command.text.size() || fail("y: the two texts have different lengths");
      case 'a':
      case 'i':
      case 'c':
        return text(command);
      case 'b':
      case 't':
      case ':':
      case 'w':
        return label(command);
      case 'p': case 'P': case 'd': case 'D': case 'q': case 'Q': case 'n': case 'N': case 'h': case 'H': case 'g': case 'G': case 'x': case '=': case 'l':
        return command.name != 'l' || fail("unsupported command l");
      default:
        return fail(std::string("unsupported command ") + command.name);
    }
  }

  bool substitution(Command& command) {
    std::string pattern;
    if (!delimited(pattern, true) || !delimited(command.text, false)) return false;
    bool folds = false;
    for (; at_ < script_.size() && std::string_view("gpiI0123456789").find(script_[at_]) != std::string_view::npos;) {
      const char flag = script_[at_];
      if (std::isdigit(static_cast<unsigned char>(flag))) {
        command.occurrence = std::max(*number(), int64_t{1});
        continue;
      }
      command.global |= flag == 'g';
      command.prints |= flag == 'p';
      folds |= flag == 'i' || flag == 'I';
      at_++;
    }
    command.regex = compile(pattern, folds);
    return ok_;
  }

  bool text(Command& command) {
    skip_blanks();
    if (at_ < script_.size() && script_[at_] == '\\') {
      at_++;
      skip_blanks();
      if (at_ < script_.size() && script_[at_] == '\n') at_++;
    }
    for (; at_ < script_.size() && script_[at_] != '\n'; at_++) {
      if (script_[at_] == '\\' && at_ + 1 < script_.size()) at_++;
      command.text += script_[at_];
    }
    command.text += '\n';
    return true;
  }

  bool label(Command& command) {
    if (command.name == 'w') return fail("unsupported command w");
    skip_blanks();
    while (at_ < script_.size() && script_[at_] != '\n' && script_[at_] != ';' && script_[at_] != '}') command.text += script_[at_++];
    while (!command.text.empty() && command.text.back() == ' ') command.text.pop_back();
    return true;
  }

  bool find_labels(std::vector<Command>& commands) {
    for (Command& command : commands) {
      if (command.name != 'b' && command.name != 't') continue;
      command.target = commands.size();
      for (size_t i = 0; i < commands.size() && !command.text.empty(); i++) {
        if (commands[i].name == ':' && commands[i].text == command.text) command.target = i;
      }
      if (!command.text.empty() && command.target == commands.size()) return fail("can't find label " + command.text);
    }
    return true;
  }

  Context& context_;
  const std::string& script_;
  const int flags_;
  size_t at_ = 0;
  char delimiter_ = '/';
  bool ok_ = true;
  std::shared_ptr<Regex> last_;
};

class Sed {
 public:
  Sed(std::vector<Command>& commands, bool quiet) : commands_(commands), quiet_(quiet) {}

  // Reads the file to its end; `last_file`: the last line is `$`.
  void run(Input& in, Output& out, bool last_file) {
    in_ = &in;
    out_ = &out;
    last_file_ = last_file;
    while (!quits_ && next_line()) {
      cycle();
      if (!appended_.empty()) out.write(std::exchange(appended_, {}));
    }
  }

  bool quits() const { return quits_; }
  void new_file() { line_ = 0; }

 private:
  bool next_line() {
    if (std::exchange(keeps_, false)) return true;
    if (!in_->line(space_, '\n', &ended_)) return false;
    line_++;
    return true;
  }
  bool at_last() { return last_file_ && in_->peek() < 0; }

  void print(const std::string& text) {
    out_->write(text);
    if (ended_ || in_->peek() >= 0) out_->put('\n');
  }

  bool matches(const Address& address) {
    Regex::Groups groups;
    switch (address.kind) {
      case Address::Kind::none: return true;
      case Address::Kind::line: return line_ == address.line;
      case Address::Kind::last: return at_last();
      case Address::Kind::match: return address.regex->find(space_, 0, groups);
    }
    return false;
  }

  bool selected(Command& command) {
    if (command.second.kind == Address::Kind::none) return matches(command.first);
    if (!command.in_range) {
      if (!matches(command.first)) return false;
      command.in_range = command.second.kind != Address::Kind::line || command.second.line > line_;
      if (command.second.kind == Address::Kind::last && at_last()) command.in_range = false;
      return true;
    }
    if (command.second.kind == Address::Kind::line && line_ >= command.second.line) {
      command.in_range = false;
      return line_ == command.second.line;
    }
    if (command.second.kind != Address::Kind::line && matches(command.second)) command.in_range = false;
    return true;
  }

  void cycle() {
    substituted_ = false;
    for (size_t i = 0; i < commands_.size(); i++) {
      Command& command = commands_[i];
      const bool runs = selected(command) != command.negated;
      if (command.name == '{') {
        if (!runs) i = command.target;
        continue;
      }
      if (!runs) continue;
      if (command.name == 'b' || (command.name == 't' && std::exchange(substituted_, false))) {
        i = command.target;
        continue;
      }
      if (!execute(command)) return;
    }
    if (!quiet_) print(space_);
  }

  // False: this line is done with.
  bool execute(const Command& command) {
    switch (command.name) {
      case 's':
        substitute(command);
        return true;
      case 'y':
        for (char& c : space_) {
          const size_t at = command.from.find(c);
          if (at != command.from.npos) c = command.text[at];
        }
        return true;
      case 'p': print(space_); return true;
      case 'P': out_->line(space_.substr(0, space_.find('\n'))); return true;
      case '=': out_->line(std::to_string(line_)); return true;
      case 'd': return false;
      case 'D': {
        const size_t end = space_.find('\n');
        if (end == space_.npos) return false;
        space_.erase(0, end + 1);
        keeps_ = true;
        return false;
      }
      case 'a': appended_ += command.text; return true;
      case 'i': out_->write(command.text); return true;
      case 'c':
        if (!command.in_range) out_->write(command.text);
        return false;
      case 'q':
      case 'Q':
        quits_ = true;
        if (command.name == 'q' && !quiet_) print(space_);
        return false;
      case 'n':
        if (in_->peek() < 0) return quits_ = last_file_, command.name == 'n' && !quiet_ ? (print(space_), false) : false;
        if (!quiet_) print(space_);
        return next_line();
      case 'N': {
        if (in_->peek() < 0) return !quiet_ ? (print(space_), false) : false;
        const std::string before = space_ + "\n";
        next_line();
        space_.insert(0, before);
        return true;
      }
      case 'h': hold_ = space_; return true;
      case 'H': hold_ += "\n" + space_; return true;
      case 'g': space_ = hold_; return true;
      case 'G': space_ += "\n" + hold_; return true;
      case 'x': std::swap(space_, hold_); return true;
      default: return true;
    }
  }

  void substitute(const Command& command) {
    std::string result;
    Regex::Groups groups;
    int64_t found = 0;
    size_t at = 0, last_end = std::string::npos;
    bool changed = false;
    while (at <= space_.size() && command.regex->find(space_, at, groups, at > 0)) {
      const auto begin = at + static_cast<size_t>(groups[0].rm_so), end = at + static_cast<size_t>(groups[0].rm_eo);
      result.append(space_, at, begin - at);
      const bool again = begin == end && begin == last_end;  // nothing, right after a match, is none
      found += !again;
      const bool counts = !again && (found == command.occurrence || (found > command.occurrence && command.global));
      if (counts) replace(command.text, groups, at, result);
      else result.append(space_, begin, end - begin);
      changed |= counts;
      at = last_end = end;
      if (end == begin) {
        if (at < space_.size()) result += space_[at];
        at++;
      }
      if (changed && !command.global) break;
    }
    if (!changed) return;
    if (at < space_.size()) result.append(space_, at);
    space_ = result;
    substituted_ = true;
    if (command.prints) print(space_);
  }

  void replace(const std::string& text, const Regex::Groups& groups, size_t base, std::string& result) const {
    for (size_t i = 0; i < text.size(); i++) {
      int group = text[i] == '&' ? 0 : -1;
      if (text[i] == '\\' && i + 1 < text.size()) {
        i++;
        if (std::isdigit(static_cast<unsigned char>(text[i]))) group = text[i] - '0';
      }
      if (group < 0) result += text[i];
      else if (groups[static_cast<size_t>(group)].rm_so >= 0)
        result.append(space_, base + static_cast<size_t>(groups[static_cast<size_t>(group)].rm_so),
                      static_cast<size_t>(groups[static_cast<size_t>(group)].rm_eo - groups[static_cast<size_t>(group)].rm_so));
    }
  }

  std::vector<Command>& commands_;
  const bool quiet_;
  Input* in_ = nullptr;
  Output* out_ = nullptr;
  std::string space_, hold_, appended_;
  int64_t line_ = 0;
  bool last_file_ = false, ended_ = true, quits_ = false, keeps_ = false, substituted_ = false;
};

// -i: a new file beside it takes its place.
int in_place(Context& context, Sed& sed, const std::string& path) {
  std::unique_ptr<Input> holder;
  Input* const in = context.open(path, holder);
  if (!in) return 1;
  const std::string fresh = path + ".sed-new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (fd < 0) return context.fail_errno(fresh);
  Output out(fd, true);
  sed.new_file();
  sed.run(*in, out, true);
  if (!in->failed() && out.flush() && ::rename(fresh.c_str(), path.c_str()) == 0) return 0;
  const int code = context.fail_errno(path);
  ::unlink(fresh.c_str());
  return code;
}

}  // namespace

int sed(Context& context, Arguments arguments) {
  Options options(context, arguments, "nErie:f:s", {{"quiet", 'n'}, {"expression", 'e'}, {"in-place", 'i'}, {"regexp-extended", 'E'}});
  if (!options.ok()) return usage_error(context);
  std::string script;
  for (const std::string& text : options.values('e')) script += text + "\n";
  for (const std::string& path : options.values('f')) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(path, holder);
    if (!in) return 1;
    script += in->rest() + "\n";
  }
  if (!options.has('e') && !options.has('f')) {
    if (options.operands.empty()) return usage_error(context);
    script = options.operands[0];
    options.operands.erase(options.operands.begin());
  }
  std::vector<Command> commands;
  if (!Parser(context, script, options.has('E') || options.has('r') ? REG_EXTENDED : 0).run(commands)) return 1;
  Sed sed(commands, options.has('n'));
  int code = 0;
  if (options.has('i')) {
    for (const std::string& path : options.operands) code |= in_place(context, sed, path);
    return code;
  }
  if (options.operands.empty()) options.operands = {"-"};
  for (size_t i = 0; i < options.operands.size() && !sed.quits(); i++) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(options.operands[i], holder);
    if (in) sed.run(*in, context.out, i + 1 == options.operands.size());
    else code = 1;
    if (in && in->failed()) errno = in->error(), code = context.fail_errno(options.operands[i]);
  }
  return code;
}

}  // namespace toolbox
