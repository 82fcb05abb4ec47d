// SPDX-License-Identifier: Apache-2.0
#include <cctype>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "core/numbers.h"
#include "shell/shell.h"

namespace toolbox::sh {
namespace {

constexpr int kMaxDepth = 60;

struct Operator {
  std::string_view text;
  int level;  // binds tighter than lower ones
};
constexpr Operator kOperators[] = {{"||", 1}, {"&&", 2}, {"<<", 8}, {">>", 8}, {"<=", 7}, {">=", 7}, {"==", 6}, {"!=", 6}, {"|", 3},
                                   {"^", 4},  {"&", 5},  {"<", 7},  {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}};

// Numbers wrap around as the machine's do.
int64_t wrapped(uint64_t value) { return static_cast<int64_t>(value); }

class Calculation {
 public:
  Calculation(Shell& shell, std::string_view text) : shell_(shell), text_(text) {}

  int64_t run() {
    skip_blanks();
    if (at_ == text_.size()) return 0;
    const int64_t value = choice(0);
    if (at_ != text_.size()) fail("arithmetic syntax error");
    return value;
  }

 private:
  void fail(const char* why) {
    if (!shell_.failed()) shell_.fail(why);
    at_ = text_.size();
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) at_++;
  }
  bool take(std::string_view op) {
    skip_blanks();
    if (text_.substr(at_, op.size()) != op) return false;
    at_ += op.size();
    skip_blanks();
    return true;
  }

  int64_t choice(int depth) {
    if (depth > kMaxDepth) return fail("expression nested too deeply"), 0;
    if (const auto assigned = assignment(depth)) return *assigned;
    const int64_t condition = binary(1, depth + 1);
    if (!take("?")) return condition;
    const bool evaluates = std::exchange(evaluates_, evaluates_ && condition != 0);
    const int64_t yes = choice(depth + 1);
    if (!take(":")) fail("arithmetic syntax error");
    evaluates_ = evaluates && condition == 0;
    const int64_t no = choice(depth + 1);
    evaluates_ = evaluates;
    return condition != 0 ? yes : no;
  }

  std::optional<int64_t> assignment(int depth) {
    skip_blanks();
    const size_t start = at_, length = name_length(text_, at_);
    if (length == 0) return std::nullopt;
    const std::string name(text_.substr(at_, length));
    at_ += length;
    skip_blanks();
    for (const std::string_view op : {"=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="}) {
      if (text_.substr(at_, op.size()) != op || (op == "=" && text_.substr(at_, 2) == "==")) continue;
      at_ += op.size();
      const int64_t right = choice(depth + 1);
      const int64_t value = op == "=" ? right : apply(op.substr(0, op.size() - 1), variable(name), right);
      if (evaluates_) shell_.set(name, std::to_string(value));
      return value;
    }
    at_ = start;
    return std::nullopt;
  }

  int64_t binary(int level, int depth) {
    if (depth > kMaxDepth) return fail("expression nested too deeply"), 0;
    int64_t left = unary(depth + 1);
    for (;;) {
      const Operator* const op = next_operator();
      if (!op || op->level < level) return left;
      take(op->text);
      const bool evaluates = evaluates_;
      if (op->text == "||") evaluates_ = evaluates && left == 0;
      if (op->text == "&&") evaluates_ = evaluates && left != 0;
      const int64_t right = binary(op->level + 1, depth + 1);
      left = apply(op->text, left, right);
      evaluates_ = evaluates;
    }
  }

  const Operator* next_operator() {
    skip_blanks();
    for (const Operator& op : kOperators) {
      if (text_.substr(at_, op.text.size()) == op.text) return &op;
    }
    return nullptr;
  }

  int64_t apply(std::string_view op, int64_t a, int64_t b) {
    const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
    if (op == "||") return a || b;
    if (op == "&&") return a && b;
    if (op == "|") return a | b;
    if (op == "^") return a ^ b;
    if (op == "&") return a & b;
    if (op == "==") return a == b;
    if (op == "!=") return a != b;
    if (op == "<=") return a <= b;
    if (op == ">=") return a >= b;
    if (op == "<") return a < b;
    if (op == ">") return a > b;
    if (op == "<<") return wrapped(x << (y & 63));
    if (op == ">>") return a >> (y & 63);
    if (op == "+") return wrapped(x + y);
    if (op == "-") return wrapped(x - y);
    if (op == "*") return wrapped(x * y);
    if (b == 0) {
      if (evaluates_) fail("divide by zero");
      return 0;
    }
    if (b == -1) return op == "/" ? wrapped(-x) : 0;
    return op == "/" ? a / b : a % b;
  }

  int64_t unary(int depth) {
    if (depth > kMaxDepth) return fail("expression nested too deeply"), 0;
    if (take("!")) return unary(depth + 1) == 0;
    if (take("~")) return ~unary(depth + 1);
    if (take("-")) return wrapped(-static_cast<uint64_t>(unary(depth + 1)));
    if (take("+")) return unary(depth + 1);
    return primary(depth);
  }

  int64_t primary(int depth) {
    if (take("(")) {
      const int64_t value = choice(depth + 1);
      if (!take(")")) fail("arithmetic syntax error");
      return value;
    }
    skip_blanks();
    if (const size_t length = name_length(text_, at_)) {
      const std::string name(text_.substr(at_, length));
      at_ += length;
      return variable(name);
    }
    const size_t start = at_;
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_]))) at_++;
    return number(std::string(text_.substr(start, at_ - start)));
  }

  int64_t number(const std::string& text) {
    char* end = nullptr;
    const uint64_t value = std::strtoull(text.c_str(), &end, 0);
    if (text.empty() || *end != '\0') fail("arithmetic syntax error");
    return wrapped(value);
  }

  int64_t variable(const std::string& name) {
    const std::string* const value = shell_.value(name);
    if (!value || value->empty()) return 0;
    if (const auto plain = parse_number(*value); plain && (*value)[0] != '0') return *plain;
    const bool negative = (*value)[0] == '-';
    const int64_t result = number(value->substr(negative ? 1 : 0));
    return negative ? wrapped(-static_cast<uint64_t>(result)) : result;
  }

  Shell& shell_;
  const std::string_view text_;
  size_t at_ = 0;
  bool evaluates_ = true;
};

}  // namespace

int64_t calculate(Shell& shell, std::string_view expression) { return Calculation(shell, expression).run(); }

}  // namespace toolbox::sh
