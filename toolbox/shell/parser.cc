// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <optional>

#include "shell/syntax.h"

namespace toolbox::sh {
namespace {

constexpr int kMaxDepth = 100;  // of compound commands
constexpr std::string_view kOperators[] = {"&&", "||", ";;", "<<-", "<<", ">>", "<&", ">&", "&>", "<>", ">|", ";", "&", "|", "(", ")", "<", ">", "\n"};
constexpr std::string_view kReserved[] = {"then", "else", "elif", "fi", "do", "done", "esac", "}"};

struct Token {
  enum class Kind { word, op, end };
  Kind kind = Kind::end;
  std::string text;
  int number = -1;  // before a redirection
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  Parsed run() {
    Parsed result;
    CommandPtr script = list(0);
    if (token_.kind != Token::Kind::end) fail("unexpected `" + (token_.text == "\n" ? "newline" : token_.text) + "`");
    if (!pending_.empty()) incomplete_ = true;
    result.script = std::move(script);
    result.problem = problem_;
    if (incomplete_) result.state = Parsed::State::incomplete;
    else if (!problem_.empty()) result.state = Parsed::State::wrong;
    return result;
  }

 private:
  using Kind = Command::Kind;

  // --- tokens

  bool stopped() const { return incomplete_ || !problem_.empty(); }
  void fail(const std::string& why) {
    if (!stopped()) problem_ = "syntax error: " + why;
    token_ = {};
  }
  void more_needed() {
    if (problem_.empty()) incomplete_ = true;
    token_ = {};
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r') {
        at_++;
      } else if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') {
        at_ += 2;
      } else if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }

  void advance() {
    if (stopped()) return;
    token_ = {};
    skip_blanks();
    if (at_ == text_.size()) return;
    size_t digits = at_;
    while (digits < text_.size() && std::isdigit(static_cast<unsigned char>(text_[digits]))) digits++;
    const bool redirects = digits < text_.size() && (text_[digits] == '<' || text_[digits] == '>');
    if (digits > at_ && digits - at_ < 3 && redirects) {
      token_.number = std::stoi(std::string(text_.substr(at_, digits - at_)));
      at_ = digits;
    }
    for (const std::string_view op : kOperators) {
      if (text_.substr(at_, op.size()) != op) continue;
      token_.kind = Token::Kind::op;
      token_.text = op;
      at_ += op.size();
      if (op == "\n") read_texts();
      return;
    }
    read_word();
  }

  void read_word() {
    const size_t start = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (std::string_view(" \t\r\n;&|<>()").find(c) != std::string_view::npos) break;
      const size_t end = c == '\\' || c == '\'' || c == '"' || c == '`' ? skip_quoted(text_, at_) : c == '$' ? skip_dollar(text_, at_) : at_ + 1;
      if (end == std::string_view::npos) return more_needed();
      at_ = end;
    }
    token_.kind = Token::Kind::word;
    token_.text = text_.substr(start, at_ - start);
  }

  // The lines that `<<` has announced, after the line that does.
  void read_texts() {
    for (const auto& [text, end, strips] : pending_) {
      for (;;) {
        if (at_ >= text_.size()) return more_needed();
        const size_t stop = std::min(text_.find('\n', at_), text_.size());
        std::string_view line = text_.substr(at_, stop - at_);
        at_ = std::min(stop + 1, text_.size());
        while (strips && line.substr(0, 1) == "\t") line.remove_prefix(1);
        if (line == end) break;
        text->append(line) += '\n';
      }
    }
    pending_.clear();
  }

  bool is_op(std::string_view op) const { return token_.kind == Token::Kind::op && token_.text == op; }
  bool is_word(std::string_view word) const { return token_.kind == Token::Kind::word && token_.text == word; }
  bool take_op(std::string_view op) { return is_op(op) && (advance(), true); }
  bool take_word(std::string_view word) { return is_word(word) && (advance(), true); }
  void skip_newlines() {
    while (take_op("\n")) {
    }
  }
  void expect_word(std::string_view word) {
    if (take_word(word) || stopped()) return;
    if (token_.kind == Token::Kind::end) return more_needed();
    fail("expected `" + std::string(word) + "`, found `" + token_.text + "`");
  }
  bool at_reserved() const {
    return token_.kind == Token::Kind::word && std::find(std::begin(kReserved), std::end(kReserved), token_.text) != std::end(kReserved);
  }

  // --- commands

  static std::shared_ptr<Command> make(Kind kind, std::vector<CommandPtr> children = {}) {
    auto command = std::make_shared<Command>();
    command->kind = kind;
    command->children = std::move(children);
    return command;
  }

  CommandPtr list(int depth) {
    auto all = make(Kind::list);
    for (;;) {
      while (take_op("\n") || (!all->children.empty() && take_op(";"))) {
      }
      if (stopped() || token_.kind == Token::Kind::end || is_op(")") || is_op(";;") || at_reserved()) return all;
      all->children.push_back(conjunction(depth));
      if (is_op("&")) fail("`&`: nothing runs in the background here");
      if (!is_op(";") && !is_op("\n")) return all;
    }
  }

  CommandPtr conjunction(int depth) {
    CommandPtr first = pipeline(depth);
    if (!is_op("&&") && !is_op("||")) return first;
    auto chain = make(Kind::chain, {first});
    while (is_op("&&") || is_op("||")) {
      chain->operators += token_.text[0];
      advance();
      skip_newlines();
      if (token_.kind == Token::Kind::end) more_needed();
      chain->children.push_back(pipeline(depth));
    }
    return chain;
  }

  CommandPtr pipeline(int depth) {
    if (!take_word("!")) return plain_pipeline(depth);
    if (is_word("!")) fail("unexpected `!`");
    return make(Kind::negation, {plain_pipeline(depth)});
  }

  CommandPtr plain_pipeline(int depth) {
    CommandPtr first = command(depth);
    if (!is_op("|")) return first;
    auto all = make(Kind::pipeline, {first});
    while (take_op("|")) {
      skip_newlines();
      if (token_.kind == Token::Kind::end) more_needed();
      all->children.push_back(command(depth));
    }
    return all;
  }

  CommandPtr command(int depth) {
    if (stopped()) return make(Kind::list);
    if (depth == kMaxDepth) return fail("nested too deeply"), make(Kind::list);
    std::shared_ptr<Command> compound = compound_command(depth + 1);
    if (!compound) return simple(depth);
    while (token_.kind == Token::Kind::op && redirection(*compound)) {
    }
    return compound;
  }

  std::shared_ptr<Command> compound_command(int depth) {
    if (take_op("(")) return bracket(Kind::subshell, depth);
    if (token_.kind != Token::Kind::word) return nullptr;
    if (take_word("{")) return bracket(Kind::group, depth);
    if (take_word("if")) return condition(depth);
    if (take_word("while")) return loop(false, depth);
    if (take_word("until")) return loop(true, depth);
    if (take_word("for")) return each(depth);
    if (take_word("case")) return choice(depth);
    return nullptr;
  }

  std::shared_ptr<Command> bracket(Kind kind, int depth) {
    auto command = make(kind, {list(depth)});
    if (kind == Kind::group) {
      expect_word("}");
    } else if (!take_op(")") && !stopped()) {
      if (token_.kind == Token::Kind::end) more_needed();
      else fail("expected `)`");
    }
    return command;
  }

  // A list that a keyword ends.
  CommandPtr body(int depth) {
    CommandPtr all = list(depth);
    if (!stopped() && token_.kind == Token::Kind::end) more_needed();
    if (!stopped() && all->children.empty()) fail("unexpected `" + token_.text + "`");
    return all;
  }

  std::shared_ptr<Command> condition(int depth) {
    if (depth > kMaxDepth) fail("nested too deeply");
    auto command = make(Kind::condition, {body(depth)});
    expect_word("then");
    command->children.push_back(body(depth));
    if (take_word("elif")) {
      command->children.push_back(condition(depth + 1));
      return command;
    }
    if (take_word("else")) command->children.push_back(body(depth));
    expect_word("fi");
    return command;
  }

  std::shared_ptr<Command> loop(bool reversed, int depth) {
    auto command = make(Kind::loop, {body(depth)});
    command->reversed = reversed;
    expect_word("do");
    command->children.push_back(body(depth));
    expect_word("done");
    return command;
  }

  std::shared_ptr<Command> each(int depth) {
    auto command = make(Kind::each);
    command->name = take_any_word();
    if (!stopped() && !is_name(command->name)) fail("`" + command->name + "`: no name of a variable");
    skip_newlines();
    command->over_arguments = !take_word("in");
    while (!command->over_arguments && token_.kind == Token::Kind::word) command->words.push_back(take_any_word());
    take_op(";");
    skip_newlines();
    expect_word("do");
    command->children.push_back(body(depth));
    expect_word("done");
    return command;
  }

  std::shared_ptr<Command> choice(int depth) {
    auto command = make(Kind::choice);
    command->words.push_back(take_any_word());
    skip_newlines();
    expect_word("in");
    skip_newlines();
    while (!stopped() && !is_word("esac")) {
      Command::Choice one;
      take_op("(");
      do one.patterns.push_back(take_any_word());
      while (take_op("|"));
      if (!take_op(")") && !stopped()) fail("expected `)`");
      one.body = list(depth);
      command->choices.push_back(std::move(one));
      if (!take_op(";;")) break;
      skip_newlines();
    }
    expect_word("esac");
    return command;
  }

  std::string take_any_word() {
    if (token_.kind == Token::Kind::word) {
      std::string word = token_.text;
      advance();
      return word;
    }
    if (token_.kind == Token::Kind::end) more_needed();
    else fail("expected a word");
    return {};
  }

  CommandPtr simple(int depth) {
    auto command = make(Kind::simple);
    while (!stopped()) {
      if (token_.kind == Token::Kind::op) {
        if (is_op("(") && command->words.size() == 1 && command->assignments.empty()) return function(*command, depth);
        if (!redirection(*command)) break;
        continue;
      }
      if (token_.kind == Token::Kind::end) break;
      const bool assigns = command->words.empty() && assignment(token_.text);
      (assigns ? command->assignments : command->words).push_back(token_.text);
      advance();
    }
    if (!stopped() && command->words.empty() && command->assignments.empty() && command->redirections.empty()) {
      if (token_.kind == Token::Kind::end) more_needed();
      else fail("unexpected `" + (token_.text == "\n" ? "newline" : token_.text) + "`");
    }
    return command;
  }

  CommandPtr function(const Command& head, int depth) {
    advance();
    if (!take_op(")")) return fail("expected `)`"), make(Kind::list);
    skip_newlines();
    auto command = make(Kind::function, {this->command(depth)});
    command->name = head.words[0];
    return command;
  }

  static bool assignment(std::string_view word) {
    const size_t length = name_length(word, 0);
    return length > 0 && length < word.size() && word[length] == '=';
  }

  bool redirection(Command& command) {
    constexpr struct {
      std::string_view op;
      Redirection::Kind kind;
      int fd;
    } kRows[] = {{"<", Redirection::Kind::read, 0},  {">", Redirection::Kind::write, 1}, {">|", Redirection::Kind::write, 1}, {">>", Redirection::Kind::append, 1},
                 {"<>", Redirection::Kind::both, 0}, {"<&", Redirection::Kind::copy, 0}, {">&", Redirection::Kind::copy, 1},  {"<<", Redirection::Kind::text, 0},
                 {"<<-", Redirection::Kind::text, 0}, {"&>", Redirection::Kind::write, 1}};
    for (const auto& row : kRows) {
      if (token_.text != row.op) continue;
      Redirection redirection{row.kind, token_.number >= 0 ? token_.number : row.fd, {}, {}, false};
      advance();
      if (redirection.fd > 2) fail("descriptor " + std::to_string(redirection.fd) + ": only 0, 1 and 2 can be redirected");
      if (row.kind == Redirection::Kind::text) announce(redirection, row.op == "<<-");
      redirection.target = take_any_word();
      command.redirections.push_back(std::move(redirection));
      if (row.op == "&>") command.redirections.push_back({Redirection::Kind::copy, 2, "1", {}, false});
      return true;
    }
    return false;
  }

  // The current token ends a text that begins after this line.
  void announce(Redirection& redirection, bool strips) {
    std::string end = token_.text;
    redirection.literal = end.find_first_of("'\"\\") != end.npos;
    end.erase(std::remove_if(end.begin(), end.end(), [](char c) { return c == '\'' || c == '"' || c == '\\'; }), end.end());
    redirection.text = std::make_shared<std::string>();
    pending_.push_back({redirection.text, end, strips});
  }

  struct Pending {
    std::shared_ptr<std::string> text;
    std::string end;
    bool strips;
  };

  const std::string_view text_;
  size_t at_ = 0;
  Token token_;
  bool incomplete_ = false;
  std::string problem_;
  std::vector<Pending> pending_;
};

size_t skip_brackets(std::string_view text, size_t at, char open, char close) {
  for (int depth = 1; at < text.size();) {
    const char c = text[at];
    if (c == '\\' || c == '\'' || c == '"' || c == '`') {
      at = skip_quoted(text, at);
    } else if (c == '$') {
      at = skip_dollar(text, at);
    } else {
      depth += (c == open) - (c == close);
      at++;
      if (depth == 0) return at;
    }
    if (at == text.npos) return at;
  }
  return text.npos;
}

}  // namespace

Parsed parse(std::string_view text) { return Parser(text).run(); }

size_t skip_quoted(std::string_view text, size_t at) {
  const char quote = text[at++];
  if (quote == '\\') return at < text.size() ? at + 1 : text.npos;
  while (at < text.size()) {
    if (text[at] == quote) return at + 1;
    if (quote != '\'' && text[at] == '\\') {
      at += 2;
    } else if (quote == '"' && (text[at] == '$' || text[at] == '`')) {
      at = text[at] == '$' ? skip_dollar(text, at) : skip_quoted(text, at);
      if (at == text.npos) return at;
    } else {
      at++;
    }
  }
  return text.npos;
}

size_t skip_dollar(std::string_view text, size_t at) {
  const char next = at + 1 < text.size() ? text[at + 1] : ' ';
  if (next == '(') return skip_brackets(text, at + 2, '(', ')');
  if (next == '{') return skip_brackets(text, at + 2, '{', '}');
  return at + 1;
}

size_t name_length(std::string_view text, size_t at) {
  const size_t start = at;
  while (at < text.size() && (std::isalpha(static_cast<unsigned char>(text[at])) || text[at] == '_' || (at > start && std::isdigit(static_cast<unsigned char>(text[at]))))) at++;
  return at - start;
}

bool is_name(std::string_view text) { return !text.empty() && name_length(text, 0) == text.size(); }

}  // namespace toolbox::sh
