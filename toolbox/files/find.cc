// SPDX-License-Identifier: Apache-2.0
#include <fnmatch.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <functional>
#include <memory>
#include <optional>

#include "core/calendar.h"
#include "core/files.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

constexpr int kMaxDepth = 256;

struct Candidate {
  const std::string& path;
  const FileInfo& info;
};
using Test = std::function<bool(const Candidate&)>;

// "+3", "-3", "3": more, less, or just so many.
struct Amount {
  char sign = '=';
  int64_t value = 0;

  bool fits(int64_t number) const { return sign == '+' ? number > value : sign == '-' ? number < value : number == value; }
};

std::optional<Amount> parse_amount(std::string text) {
  Amount amount;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    amount.sign = text[0];
    text.erase(0, 1);
  }
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  amount.value = *number;
  return amount;
}

class Find {
 public:
  Find(Context& context, const Arguments& words) : context_(context), words_(words) {}

  int run() {
    at_ = 1;
    if (at_ < words_.size() && words_[at_] == "-L") follow_ = Follow::yes, at_++;
    Arguments paths;
    while (at_ < words_.size() && words_[at_][0] != '-' && words_[at_] != "(" && words_[at_] != "!") paths.push_back(words_[at_++]);
    if (paths.empty()) paths.push_back(".");
    Test test = at_ == words_.size() ? Test([](const Candidate&) { return true; }) : alternatives(0);
    if (ok_ && at_ != words_.size()) complain("unexpected '" + words_[at_] + "'");
    if (!ok_) return 1;
    for (const std::string& path : paths) visit(path, 0, test);
    return code_;
  }

 private:
  void complain(const std::string& why) {
    if (ok_) context_.fail("%s", why.c_str());
    ok_ = false;
  }

  void visit(const std::string& path, int depth, const Test& test) {
    FileInfo info;
    if (!file_info(path, follow_, info) && !file_info(path, Follow::no, info)) return void(code_ = context_.fail_errno(path));
    const auto judge = [&] {
      pruned_ = false;
      if (depth >= least_ && test({path, info}) && !acts_) context_.out.line(path);
      return std::exchange(pruned_, false);
    };
    if (!contents_first_ && judge()) return;
    std::vector<std::string> names;
    if (info.is_directory() && depth < most_) {
      if (depth == kMaxDepth) errno = ENAMETOOLONG;
      if (depth == kMaxDepth || !directory_names(path, names)) code_ = context_.fail_errno(path);
    }
    for (const std::string& name : names) visit(join(path, name), depth + 1, test);
    if (contents_first_) judge();
  }

  // --- the expression

  bool next_is(std::string_view a, std::string_view b = "") const { return at_ < words_.size() && (words_[at_] == a || (!b.empty() && words_[at_] == b)); }

  Test alternatives(int depth) {
    Test left = conjunction(depth);
    while (ok_ && next_is("-o", "-or")) {
      at_++;
      left = [a = std::move(left), b = conjunction(depth)](const Candidate& c) { return a(c) || b(c); };
    }
    return left;
  }

  Test conjunction(int depth) {
    Test left = negation(depth);
    while (ok_ && at_ < words_.size() && !next_is("-o", "-or") && !next_is(")")) {
      if (next_is("-a", "-and")) at_++;
      left = [a = std::move(left), b = negation(depth)](const Candidate& c) { return a(c) && b(c); };
    }
    return left;
  }

  Test negation(int depth) {
    if (depth > kMaxNesting) complain("nested too deeply");
    if (!ok_ || at_ == words_.size()) return complain("an expression is missing"), Test();
    if (next_is("!", "-not")) {
      at_++;
      return [a = negation(depth + 1)](const Candidate& c) { return !a(c); };
    }
    if (next_is("(")) {
      at_++;
      Test inside = alternatives(depth + 1);
      if (!next_is(")")) complain("expected ')'");
      else at_++;
      return inside;
    }
    const std::string word = words_[at_++];
    Test test = plain(word);
    if (!test && ok_) test = with_value(word);
    if (!test) complain("unrecognized: " + word);
    return test;
  }

  Test plain(const std::string& word) {
    if (word == "-true") return [](const Candidate&) { return true; };
    if (word == "-depth") return contents_first_ = true, [](const Candidate&) { return true; };
    if (word == "-prune") return [this](const Candidate&) { return pruned_ = true; };
    if (word == "-empty") {
      return [](const Candidate& c) {
        std::vector<std::string> names;
        return c.info.is_directory() ? directory_names(c.path, names) && names.empty() : c.info.is_file() && c.info.size == 0;
      };
    }
    if (word == "-print" || word == "-print0") {
      acts_ = true;
      return [this, end = word == "-print" ? '\n' : '\0'](const Candidate& c) {
        context_.out.write(c.path);
        context_.out.put(end);
        return true;
      };
    }
    if (word == "-quit") return acts_ = true, [this](const Candidate&) { most_ = 0, pruned_ = true; return true; };
    if (word == "-delete") {
      acts_ = contents_first_ = true;
      return [this](const Candidate& c) {
        if (c.path == "." || (c.info.is_directory() ? ::rmdir(c.path.c_str()) : ::unlink(c.path.c_str())) == 0) return true;
        code_ = context_.fail_errno(c.path);
        return false;
      };
    }
    return {};
  }

  Test with_value(const std::string& word) {
    if (word == "-exec") return command();
    for (const std::string_view known : {"-name", "-iname", "-path", "-type", "-maxdepth", "-mindepth", "-size", "-mtime", "-mmin", "-newer", "-perm", "-user"}) {
      if (word != known) continue;
      if (at_ == words_.size()) return complain(word + ": a value is missing"), Test();
      return judge_by(word, words_[at_++]);
    }
    return {};
  }

  Test judge_by(const std::string& word, const std::string& value) {
    if (word == "-name" || word == "-iname") {
      return [value, flags = word == "-iname" ? FNM_CASEFOLD : 0](const Candidate& c) { return ::fnmatch(value.c_str(), base_name(c.path).c_str(), flags) == 0; };
    }
    if (word == "-path") return [value](const Candidate& c) { return ::fnmatch(value.c_str(), c.path.c_str(), 0) == 0; };
    if (word == "-type") {
      if (value.size() != 1 || std::string_view("fdlcbsp").find(value[0]) == std::string_view::npos) return complain("-type: unknown type " + value), Test();
      return [kind = value[0] == 'f' ? '-' : value[0]](const Candidate& c) { return mode_text(c.info)[0] == kind; };
    }
    if (word == "-newer") {
      FileInfo other;
      if (!file_info(value, Follow::yes, other)) return complain(value + ": no such file"), Test();
      return [time = other.modified](const Candidate& c) { return std::pair(c.info.modified.tv_sec, c.info.modified.tv_nsec) > std::pair(time.tv_sec, time.tv_nsec); };
    }
    return judge_by_number(word, value);
  }

  Test judge_by_number(const std::string& word, std::string value) {
    int64_t unit = 512;
    if (word == "-size" && !value.empty()) {
      const size_t letter = std::string_view("cwbkMG").find(value.back());
      constexpr int64_t kUnits[] = {1, 2, 512, 1024, 1 << 20, 1 << 30};
      if (letter != std::string_view::npos) unit = kUnits[letter], value.pop_back();
    }
    if (word == "-perm") {
      const uint32_t mode = static_cast<uint32_t>(std::strtoul(value.c_str() + (value[0] == '-'), nullptr, 8));
      return [mode, all = value[0] == '-'](const Candidate& c) { return all ? (c.info.mode & mode) == mode : (c.info.mode & 07777) == mode; };
    }
    const auto amount = parse_amount(value);
    if (!amount) return complain(word + ": invalid number " + value), Test();
    if (word == "-size") return [amount = *amount, unit](const Candidate& c) { return amount.fits((static_cast<int64_t>(c.info.size) + unit - 1) / unit); };
    if (word == "-user") return [amount = *amount](const Candidate& c) { return amount.fits(c.info.uid); };
    if (word == "-mtime" || word == "-mmin") {
      return [amount = *amount, unit = word == "-mtime" ? 86400 : 60](const Candidate& c) { return amount.fits((now().tv_sec - c.info.modified.tv_sec) / unit); };
    }
    (word == "-maxdepth" ? most_ : least_) = static_cast<int>(std::min<int64_t>(amount->value, INT_MAX));
    return [](const Candidate&) { return true; };
  }

  // -exec APPLET ... {} ... ; (and +, which here is the same, one at a time)
  Test command() {
    Arguments words;
    while (at_ < words_.size() && words_[at_] != ";" && words_[at_] != "+") words.push_back(words_[at_++]);
    const Applet* const applet = words.empty() ? nullptr : find_applet(words[0]);
    if (at_ == words_.size()) return complain("-exec: no ';'"), Test();
    at_++;
    if (!applet) return complain("-exec: no such applet"), Test();
    acts_ = true;
    return [this, applet, words](const Candidate& c) {
      Arguments filled = words;
      for (std::string& word : filled) {
        for (size_t at = 0; (at = word.find("{}", at)) != word.npos; at += c.path.size()) word.replace(at, 2, c.path);
      }
      context_.out.flush();
      return run_applet(*applet, Context{context_.in, context_.out, context_.err, applet->name}, filled) == 0;
    };
  }

  static constexpr int kMaxNesting = 40;

  Context& context_;
  const Arguments& words_;
  size_t at_ = 1;
  Follow follow_ = Follow::no;
  bool ok_ = true, acts_ = false, contents_first_ = false, pruned_ = false;
  int most_ = INT_MAX, least_ = 0, code_ = 0;
};

}  // namespace

int find(Context& context, Arguments arguments) { return Find(context, arguments).run(); }

}  // namespace toolbox
