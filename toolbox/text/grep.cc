// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <deque>

#include "core/files.h"
#include "core/options.h"
#include "text/regex.h"

namespace toolbox {
namespace {

constexpr int kFound = 0, kNotFound = 1, kTrouble = 2;
constexpr int kMaxDepth = 256;

// One of the patterns that a line is looked at for.
class Pattern {
 public:
  Pattern(const std::string& text, const Options& options) : fixed_(options.has('F') && !options.has('i') && !options.has('w') && !options.has('x')), text_(text) {
    if (fixed_) return;
    std::string expression = text;
    if (options.has('F')) {
      expression.clear();
      for (const char c : text) {
        if (std::string_view("\\.[]*^$").find(c) != std::string_view::npos) expression += '\\';
        expression += c;
      }
    }
    if (options.has('x')) expression = options.has('E') ? "^(" + expression + ")$" : "^\\(" + expression + "\\)$";
    regex_ = std::make_unique<Regex>(expression, (options.has('E') ? REG_EXTENDED : 0) | (options.has('i') ? REG_ICASE : 0));
  }

  const Regex* regex() const { return regex_.get(); }

  // The first match from `start` on: {begin, end}.
  bool find(const std::string& line, size_t start, bool words, std::pair<size_t, size_t>& where) const {
    for (; start <= line.size(); start++) {
      if (fixed_) {
        const size_t at = line.find(text_, start);
        where = {at, at + text_.size()};
        return at != line.npos;
      }
      Regex::Groups groups;
      if (!regex_->find(line, start, groups, start > 0)) return false;
      where = {start + static_cast<size_t>(groups[0].rm_so), start + static_cast<size_t>(groups[0].rm_eo)};
      const auto in_word = [&line](size_t at) { return at < line.size() && (std::isalnum(static_cast<unsigned char>(line[at])) || line[at] == '_'); };
      if (!words || (!(where.first > 0 && in_word(where.first - 1)) && !in_word(where.second))) return true;
      start = where.first;
    }
    return false;
  }

 private:
  const bool fixed_;
  const std::string text_;
  std::unique_ptr<Regex> regex_;
};

class Grep {
 public:
  Grep(Context& context, Options& options) : context_(context), options_(options) {
    const int64_t around = options.number('C', 0);
    before_ = options.number('B', around);
    after_ = options.number('A', around);
    most_ = options.number('m', -1);
  }

  bool prepare(const std::string& patterns) {
    for (size_t at = 0; at <= patterns.size();) {
      const size_t end = std::min(patterns.find('\n', at), patterns.size());
      patterns_.push_back(std::make_unique<Pattern>(patterns.substr(at, end - at), options_));
      const Regex* const regex = patterns_.back()->regex();
      if (regex && !regex->ok()) return context_.fail("bad regex '%s': %s", patterns.substr(at, end - at).c_str(), regex->problem().c_str()), false;
      at = end + 1;
    }
    return options_.ok();
  }

  int run(const Arguments& paths, bool recursive) {
    names_ = options_.last_of("hH") == 'H' || (options_.last_of("hH") == '\0' && (paths.size() > 1 || recursive));
    for (const std::string& path : paths) {
      look(path, recursive, kMaxDepth);
      if (done_) break;
    }
    return found_ && (!trouble_ || options_.has('q')) ? kFound : trouble_ ? kTrouble : kNotFound;
  }

 private:
  void look(const std::string& path, bool recursive, int depth) {
    FileInfo info;
    if (recursive && path != "-" && depth > 0 && file_info(path, depth == kMaxDepth ? Follow::yes : Follow::no, info)) {
      if (info.is_directory()) return look_below(path, depth);
      if (!info.is_file() && depth != kMaxDepth) return;
    }
    std::unique_ptr<Input> holder;
    Input* const in = path == "-" || !options_.has('s') ? context_.open(path, holder) : quietly(path, holder);
    if (!in) return void(trouble_ = true);
    read(*in, path == "-" ? "(standard input)" : path);
    if (in->failed()) {
      errno = in->error();
      if (!options_.has('s')) context_.fail_errno(path);
      trouble_ = true;
    }
  }

  static Input* quietly(const std::string& path, std::unique_ptr<Input>& holder) {
    std::string nowhere;
    Output silent(&nowhere);
    Input none{std::string()};
    Context context{none, silent, silent, "grep"};
    return context.open(path, holder);
  }

  void look_below(const std::string& path, int depth) {
    std::vector<std::string> names;
    if (!directory_names(path, names)) {
      trouble_ = true;
      return void(context_.fail_errno(path));
    }
    for (const std::string& name : names) {
      look(join(path, name), true, depth - 1);
      if (done_) return;
    }
  }

  bool matches(const std::string& line) const {
    std::pair<size_t, size_t> where;
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& pattern) { return pattern->find(line, 0, options_.has('w'), where); });
  }

  void read(Input& in, const std::string& name) {
    std::string line;
    std::deque<std::string> before;
    int64_t number = 0, count = 0, after = 0, last_printed = 0;
    while (count != most_ && in.line(line)) {
      number++;
      if (matches(line) == options_.has('v')) {
        if (after > 0) {
          after--;
          print(name, number, line, '-');
          last_printed = number;
        } else if (before_ > 0) {
          before.push_back(line);
          if (static_cast<int64_t>(before.size()) > before_) before.pop_front();
        }
        continue;
      }
      count++;
      found_ = true;
      if (options_.has('q')) return void(done_ = true);
      if (options_.has('l') || options_.has('L')) break;
      if (options_.has('c')) continue;
      const int64_t first = number - static_cast<int64_t>(before.size());
      if ((before_ > 0 || after_ > 0) && last_printed > 0 && first > last_printed + 1) context_.out.line("--");
      for (size_t i = 0; i < before.size(); i++) print(name, first + static_cast<int64_t>(i), before[i], '-');
      before.clear();
      if (options_.has('o')) print_parts(name, number, line);
      else print(name, number, line, ':');
      last_printed = number;
      after = after_;
    }
    if (options_.has('l') && count > 0) context_.out.line(name);
    if (options_.has('L') && count == 0) context_.out.line(name);
    if (options_.has('c')) context_.out.line((names_ ? name + ":" : "") + std::to_string(count));
  }

  void print(const std::string& name, int64_t number, const std::string& line, char mark) {
    if (names_) context_.out.write(name + mark);
    if (options_.has('n')) context_.out.write(std::to_string(number) + mark);
    context_.out.line(line);
  }

  // -o: each match alone.
  void print_parts(const std::string& name, int64_t number, const std::string& line) {
    for (size_t at = 0; at <= line.size();) {
      std::pair<size_t, size_t> best{std::string::npos, 0}, where;
      for (const auto& pattern : patterns_) {
        if (pattern->find(line, at, options_.has('w'), where) && where.first < best.first) best = where;
      }
      if (best.first == std::string::npos) return;
      if (best.second > best.first) print(name, number, line.substr(best.first, best.second - best.first), ':');
      at = std::max(best.second, best.first + 1);
    }
  }

  Context& context_;
  Options& options_;
  std::vector<std::unique_ptr<Pattern>> patterns_;
  int64_t before_ = 0, after_ = 0, most_ = -1;
  bool names_ = false, found_ = false, trouble_ = false, done_ = false;
};

}  // namespace

int grep(Context& context, Arguments arguments) {
  Options options(context, arguments, "EFGHhilLnoqrRsvwxcm:e:f:A:B:C:");
  if (!options.ok()) return usage_error(context);
  std::string patterns;
  auto add = [&, first = true](const std::string& text) mutable {
    patterns += (first ? "" : "\n") + text;
    first = false;
  };
  for (const std::string& text : options.values('e')) add(text);
  for (const std::string& path : options.values('f')) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(path, holder);
    if (!in) return kTrouble;
    for (std::string line; in->line(line);) add(line);
  }
  if (!options.has('e') && !options.has('f')) {
    if (options.operands.empty()) return usage_error(context);
    add(options.operands[0]);
    options.operands.erase(options.operands.begin());
  }
  const bool recursive = options.has('r') || options.has('R');
  if (options.operands.empty()) options.operands = {recursive ? "." : "-"};
  Grep grep(context, options);
  return grep.prepare(patterns) ? grep.run(options.operands, recursive) : kTrouble;
}

}  // namespace toolbox
