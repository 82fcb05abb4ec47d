// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <span>

#include "core/files.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

constexpr int kTrue = 0, kFalse = 1, kWrong = 2;

// `test` as POSIX has it: by the number of arguments first, and by a grammar of
// or, and, not, primary beyond that.
class Test {
 public:
  Test(Context& context, std::span<const std::string> words) : context_(context), words_(words) {}

  int run() {
    if (words_.empty()) return kFalse;
    const bool result = alternatives();
    if (!wrong_ && at_ != words_.size()) complain(words_[at_], "unexpected");
    if (wrong_) return kWrong;
    return result ? kTrue : kFalse;
  }

 private:
  size_t left() const { return words_.size() - at_; }
  bool next_is(std::string_view word) const { return left() > 0 && words_[at_] == word; }

  void complain(const std::string& what, const char* why) {
    if (!wrong_) context_.fail("%s: %s", what.c_str(), why);
    wrong_ = true;
  }

  bool alternatives() {
    bool result = conjunction();
    while (!wrong_ && next_is("-o")) {
      at_++;
      const bool more = conjunction();
      result = result || more;
    }
    return result;
  }

  bool conjunction() {
    bool result = negation();
    while (!wrong_ && next_is("-a")) {
      at_++;
      const bool more = negation();
      result = result && more;
    }
    return result;
  }

  bool negation() {
    // "! = x" compares, as does any three words with an operator in between.
    if (next_is("!") && left() > 1 && !(left() == 3 && is_binary(words_[at_ + 1]))) {
      at_++;
      return !negation();
    }
    return primary();
  }

  bool primary() {
    if (left() == 0) {
      complain("argument", "expected");
      return false;
    }
    if (left() >= 3 && is_binary(words_[at_ + 1])) {
      at_ += 3;
      return compare(words_[at_ - 3], words_[at_ - 2], words_[at_ - 1]);
    }
    if (next_is("(") && left() >= 2) {
      at_++;
      const bool result = alternatives();
      if (next_is(")")) return at_++, result;
      complain(")", "expected");
      return false;
    }
    const std::string& word = words_[at_];
    if (word.size() == 2 && word[0] == '-' && left() >= 2) {
      at_ += 2;
      return judge(word, words_[at_ - 1]);
    }
    at_++;
    return !word.empty();
  }

  static bool is_binary(const std::string& word) {
    for (const char* const known : {"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"}) {
      if (word == known) return true;
    }
    return false;
  }

  bool compare(const std::string& a, const std::string& op, const std::string& b) {
    if (op == "=" || op == "==") return a == b;
    if (op == "!=") return a != b;
    if (op == "<") return a < b;
    if (op == ">") return a > b;
    if (op == "-nt" || op == "-ot" || op == "-ef") return compare_files(a, op, b);
    const auto x = parse_number(a), y = parse_number(b);
    if (!x) complain(a, "bad number");
    if (!y) complain(b, "bad number");
    if (wrong_) return false;
    if (op == "-eq") return *x == *y;
    if (op == "-ne") return *x != *y;
    if (op == "-lt") return *x < *y;
    if (op == "-le") return *x <= *y;
    if (op == "-gt") return *x > *y;
    return *x >= *y;
  }

  static bool compare_files(const std::string& a, const std::string& op, const std::string& b) {
    FileInfo x, y;
    const bool has_x = file_info(a, Follow::yes, x), has_y = file_info(b, Follow::yes, y);
    if (!has_x || !has_y) return false;
    if (op == "-ef") return x.device == y.device && x.inode == y.inode;
    if (op == "-ot") std::swap(x, y);
    return std::pair(x.modified.tv_sec, x.modified.tv_nsec) > std::pair(y.modified.tv_sec, y.modified.tv_nsec);
  }

  bool judge(const std::string& op, const std::string& word) {
    if (op == "-n") return !word.empty();
    if (op == "-z") return word.empty();
    if (op == "-t") return ::isatty(static_cast<int>(parse_number(word).value_or(-1)));
    const std::string_view kFiles = "ebcdfghkLprsSuwx";
    if (kFiles.find(op[1]) == kFiles.npos) {
      complain(op, "unknown operand");
      return false;
    }
    FileInfo info;
    const bool follow = op[1] != 'h' && op[1] != 'L';
    if (!file_info(word, follow ? Follow::yes : Follow::no, info)) return false;
    switch (op[1]) {
      case 'b': return S_ISBLK(info.mode);
      case 'c': return S_ISCHR(info.mode);
      case 'd': return info.is_directory();
      case 'f': return info.is_file();
      case 'g': return info.mode & 02000;
      case 'h':
      case 'L': return info.is_link();
      case 'k': return info.mode & 01000;
      case 'p': return S_ISFIFO(info.mode);
      case 'r': return ::access(word.c_str(), R_OK) == 0;
      case 's': return info.size > 0;
      case 'S': return S_ISSOCK(info.mode);
      case 'u': return info.mode & 04000;
      case 'w': return ::access(word.c_str(), W_OK) == 0;
      case 'x': return info.is_directory() || (info.mode & 0111);
      default: return true;
    }
  }

  Context& context_;
  const std::span<const std::string> words_;
  size_t at_ = 0;
  bool wrong_ = false;
};

}  // namespace

int test(Context& context, Arguments arguments) {
  std::span<const std::string> words(arguments);
  words = words.subspan(1);
  if (context.name == "[") {
    if (words.empty() || words.back() != "]") return context.fail("missing ]"), kWrong;
    words = words.first(words.size() - 1);
  }
  return Test(context, words).run();
}

}  // namespace toolbox
