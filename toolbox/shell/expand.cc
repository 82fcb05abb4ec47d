// SPDX-License-Identifier: Apache-2.0
#include <fnmatch.h>

#include <algorithm>
#include <cctype>

#include "core/files.h"
#include "shell/shell.h"

namespace toolbox::sh {
namespace {

constexpr std::string_view kPatternLetters = "*?[]\\";
constexpr int kMaxDepth = 40;  // of words in words

std::string plain(std::string_view pattern) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); i++) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) i++;
    text += pattern[i];
  }
  return text;
}

bool has_pattern(std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); i++) {
    if (pattern[i] == '\\') i++;
    else if (pattern[i] == '*' || pattern[i] == '?' || pattern[i] == '[') return true;
  }
  return false;
}

// One word at work. Fields are kept as patterns: what was quoted has a backslash
// where it could mean something.
class Expansion {
 public:
  enum class Mode { fields, one, text };

  Expansion(Shell& shell, Mode mode, int depth = 0) : shell_(shell), mode_(mode), depth_(depth) {
    const std::string* const separators = shell.value("IFS");
    separators_ = separators ? *separators : " \t\n";
  }

  void word(std::string_view word, bool quoted = false) {
    if (depth_ > kMaxDepth) return shell_.fail("expansion nested too deeply");
    if (mode_ != Mode::text && !quoted && word.substr(0, 1) == "~") word = home(word);
    for (size_t at = 0; at < word.size() && !shell_.failed();) {
      const char c = word[at];
      if (c == '$') {
        at = dollar(word, at, quoted);
      } else if (c == '`') {
        const size_t end = std::min(skip_quoted(word, at), word.size());
        value(shell_.output_of(backquoted(word.substr(at + 1, end - at - 2), quoted)), quoted);
        at = end;
      } else if (c == '\\') {
        at = backslash(word, at, quoted);
      } else if (c == '\'' && !quoted && mode_ != Mode::text) {
        const size_t end = std::min(skip_quoted(word, at), word.size());
        literal(word.substr(at + 1, end - at - 2), true);
        at = end;
      } else if (c == '"' && mode_ != Mode::text) {
        if (quoted) {
          at++;  // inside ${x:-"..."} in quotes
          continue;
        }
        const size_t end = std::min(skip_quoted(word, at), word.size());
        started_ = true;
        this->word(word.substr(at + 1, end - at - 2), true);
        at = end;
      } else {
        literal(word.substr(at, 1), quoted || mode_ == Mode::text);
        at++;
      }
    }
  }

  std::vector<std::string> patterns() {
    if (started_ || !current_.empty()) fields_.push_back(std::exchange(current_, {}));
    started_ = false;
    return std::move(fields_);
  }

 private:
  std::string_view home(std::string_view word) {
    if (word.size() > 1 && word[1] != '/') return word;
    const std::string* const directory = shell_.value("HOME");
    if (directory) literal(*directory, true);
    return directory ? word.substr(1) : word;
  }

  void literal(std::string_view text, bool quoted) {
    if (quoted) started_ = true;
    for (const char c : text) {
      if (quoted && kPatternLetters.find(c) != kPatternLetters.npos) current_ += '\\';
      current_ += c;
    }
  }

  // What a variable or command gave: split where it was not quoted.
  void value(std::string_view text, bool quoted) {
    if (quoted || mode_ != Mode::fields) return literal(text, quoted || mode_ == Mode::text || text.find('\\') != text.npos);
    for (const char c : text) {
      const bool separates = separators_.find(c) != separators_.npos;
      if (!separates) {
        if (c == '\\') current_ += '\\';
        current_ += c;
      } else if (std::isspace(static_cast<unsigned char>(c))) {
        next_field();
      } else {
        started_ = true;
        next_field();
      }
    }
  }

  void next_field() {
    if (started_ || !current_.empty()) fields_.push_back(std::exchange(current_, {}));
    started_ = false;
  }

  size_t backslash(std::string_view word, size_t at, bool quoted) {
    if (at + 1 == word.size()) return literal("\\", true), at + 1;
    const char next = word[at + 1];
    const bool in_quotes = quoted || mode_ == Mode::text;
    if (next == '\n') return at + 2;
    if (in_quotes && std::string_view(mode_ == Mode::text ? "$`\\" : "$`\"\\").find(next) == std::string_view::npos) return literal("\\", true), at + 1;
    literal(word.substr(at + 1, 1), true);
    return at + 2;
  }

  static std::string backquoted(std::string_view script, bool quoted) {
    std::string text;
    for (size_t i = 0; i < script.size(); i++) {
      const bool escapes = script[i] == '\\' && i + 1 < script.size() && (script[i + 1] == '`' || script[i + 1] == '\\' || script[i + 1] == '$' || (quoted && script[i + 1] == '"'));
      if (escapes) i++;
      text += script[i];
    }
    return text;
  }

  size_t dollar(std::string_view word, size_t at, bool quoted) {
    const char next = at + 1 < word.size() ? word[at + 1] : ' ';
    if (next == '(') {
      const size_t end = std::min(skip_dollar(word, at), word.size());
      const std::string_view inside = word.substr(at + 2, end - at - 3);
      const bool counts = inside.size() >= 2 && inside.front() == '(' && inside.back() == ')';
      if (counts) value(std::to_string(calculate(shell_, expanded(inside.substr(1, inside.size() - 2)))), quoted);
      else value(shell_.output_of(inside), quoted);
      return end;
    }
    if (next == '{') {
      const size_t end = std::min(skip_dollar(word, at), word.size());
      braces(word.substr(at + 2, end - at - 3), quoted);
      return end;
    }
    size_t length = name_length(word, at + 1);
    if (length == 0 && std::string_view("@*#?$!-0123456789").find(next) != std::string_view::npos) length = 1;
    if (length == 0) return literal("$", true), at + 1;
    parameter(word.substr(at + 1, length), quoted);
    return at + 1 + length;
  }

  std::string expanded(std::string_view expression) {
    Expansion inner(shell_, Mode::one, depth_ + 1);
    inner.word(expression, true);
    const auto fields = inner.patterns();
    return fields.empty() ? "" : plain(fields[0]);
  }

  void all_arguments(char kind, bool quoted) {
    const Arguments& all = shell_.state.arguments;
    if (kind == '*' && quoted) {
      std::string joined;
      for (size_t i = 0; i < all.size(); i++) joined += (i > 0 && !separators_.empty() ? separators_.substr(0, 1) : "") + all[i];
      return value(joined, true);
    }
    for (size_t i = 0; i < all.size(); i++) {
      if (i > 0 && mode_ == Mode::fields) next_field();
      if (i > 0 && mode_ != Mode::fields) literal(" ", true);
      value(all[i], quoted);
    }
  }

  // A special or plain parameter; nothing if it is not set.
  std::optional<std::string> lookup(std::string_view name) const {
    const State& state = shell_.state;
    if (name == "#") return std::to_string(state.arguments.size());
    if (name == "?") return std::to_string(state.status);
    if (name == "$") return "1";
    if (name == "!") return "";
    if (name == "-") return std::string(state.exit_on_error ? "e" : "") + (state.refuse_unset ? "u" : "");
    if (name == "0") return state.name;
    if (name == "@" || name == "*") {
      std::string joined;
      for (const std::string& one : state.arguments) joined += (joined.empty() ? "" : " ") + one;
      if (state.arguments.empty()) return std::nullopt;
      return joined;
    }
    if (std::isdigit(static_cast<unsigned char>(name[0]))) {
      const size_t number = std::stoul(std::string(name.substr(0, 6)));
      if (number > state.arguments.size()) return std::nullopt;
      return state.arguments[number - 1];
    }
    const std::string* const found = shell_.value(name);
    return found ? std::optional(*found) : std::nullopt;
  }

  void parameter(std::string_view name, bool quoted) {
    if (name == "@" || name == "*") return all_arguments(name[0], quoted);
    const auto found = lookup(name);
    if (!found && shell_.state.refuse_unset) return shell_.fail(std::string(name) + ": parameter not set");
    if (found) value(*found, quoted);
  }

  // The inside of ${...}.
  void braces(std::string_view inside, bool quoted) {
    if (inside.size() > 1 && inside[0] == '#') {
      const auto found = lookup(inside.substr(1));
      return value(std::to_string(found ? found->size() : 0), quoted);
    }
    size_t length = name_length(inside, 0);
    while (length == 0 && !inside.empty() && length < inside.size() && std::isdigit(static_cast<unsigned char>(inside[length]))) length++;
    if (length == 0 && !inside.empty() && std::string_view("@*#?$!-").find(inside[0]) != std::string_view::npos) length = 1;
    const bool digits = !inside.empty() && std::isdigit(static_cast<unsigned char>(inside[0]));
    while (digits && length < inside.size() && std::isdigit(static_cast<unsigned char>(inside[length]))) length++;
    if (length == 0) return shell_.fail("${" + std::string(inside) + "}: bad substitution");
    const std::string_view name = inside.substr(0, length), rest = inside.substr(length);
    if (rest.empty()) return parameter(name, quoted);
    if (rest[0] == '#' || rest[0] == '%') return cut(name, rest, quoted);
    if (rest[0] == '/') return replace(name, rest.substr(1), quoted);
    const bool colon = rest[0] == ':';
    const char op = rest.size() > (colon ? 1 : 0) ? rest[colon ? 1 : 0] : ' ';
    if (colon && std::string_view("-=?+").find(op) == std::string_view::npos) return slice(name, rest.substr(1), quoted);
    if (std::string_view("-=?+").find(op) == std::string_view::npos) return shell_.fail("${" + std::string(inside) + "}: bad substitution");
    substitute(name, op, colon, rest.substr(colon ? 2 : 1), quoted);
  }

  void substitute(std::string_view name, char op, bool colon, std::string_view otherwise, bool quoted) {
    const auto found = lookup(name);
    const bool is_set = found && !(colon && found->empty());
    if (op == '+') {
      if (is_set) word(otherwise, quoted);
      return;
    }
    if (is_set) return name == "@" || name == "*" ? all_arguments(name[0], quoted) : value(*found, quoted);
    if (op == '-') {
      depth_++;
      word(otherwise, quoted);
      depth_--;
      return;
    }
    const std::string text = one(otherwise);
    if (op == '?') return shell_.fail(std::string(name) + ": " + (text.empty() ? "parameter not set" : text));
    if (shell_.set(std::string(name), text)) value(text, quoted);
  }

  std::string one(std::string_view word) {
    Expansion inner(shell_, Mode::one, depth_ + 1);
    inner.word(word);
    const auto fields = inner.patterns();
    return fields.empty() ? "" : plain(fields[0]);
  }

  std::string pattern(std::string_view word) {
    Expansion inner(shell_, Mode::one, depth_ + 1);
    inner.word(word);
    const auto fields = inner.patterns();
    return fields.empty() ? "" : fields[0];
  }

  // ${x#p} ${x##p} ${x%p} ${x%%p}
  void cut(std::string_view name, std::string_view rest, bool quoted) {
    const char kind = rest[0];
    const bool longest = rest.size() > 1 && rest[1] == kind;
    const std::string text = lookup(name).value_or(""), wanted = pattern(rest.substr(longest ? 2 : 1));
    for (size_t i = 0; i <= text.size(); i++) {
      const size_t length = longest ? text.size() - i : i;
      const std::string part = kind == '#' ? text.substr(0, length) : text.substr(text.size() - length);
      if (::fnmatch(wanted.c_str(), part.c_str(), 0) != 0) continue;
      return value(kind == '#' ? text.substr(length) : text.substr(0, text.size() - length), quoted);
    }
    value(text, quoted);
  }

  // ${x/p/r} and ${x//p/r}
  void replace(std::string_view name, std::string_view rest, bool quoted) {
    const bool everywhere = rest.substr(0, 1) == "/";
    if (everywhere) rest.remove_prefix(1);
    size_t slash = 0;
    while (slash < rest.size() && rest[slash] != '/') slash += rest[slash] == '\\' ? 2 : 1;
    slash = std::min(slash, rest.size());
    const std::string text = lookup(name).value_or(""), wanted = pattern(rest.substr(0, slash));
    const std::string by = slash < rest.size() ? one(rest.substr(slash + 1)) : "";
    std::string result;
    bool done = wanted.empty();
    for (size_t at = 0; at < text.size();) {
      size_t length = done ? 0 : text.size() - at;
      while (length > 0 && ::fnmatch(wanted.c_str(), text.substr(at, length).c_str(), 0) != 0) length--;
      result += length > 0 ? by : text.substr(at, 1);
      done |= length > 0 && !everywhere;
      at += std::max(length, size_t{1});
    }
    value(result, quoted);
  }

  // ${x:offset:length}
  void slice(std::string_view name, std::string_view rest, bool quoted) {
    const std::string text = lookup(name).value_or("");
    const size_t colon = rest.find(':');
    const auto size = static_cast<int64_t>(text.size());
    int64_t start = calculate(shell_, expanded(rest.substr(0, colon)));
    int64_t end = size;
    if (start < 0) start = std::max(start + size, int64_t{0});
    start = std::min(start, size);
    if (colon != rest.npos) {
      const int64_t length = calculate(shell_, expanded(rest.substr(colon + 1)));
      end = length < 0 ? size + length : start + std::min(length, size - start);
    }
    value(text.substr(static_cast<size_t>(start), static_cast<size_t>(std::max(end - start, int64_t{0}))), quoted);
  }

  Shell& shell_;
  const Mode mode_;
  int depth_;
  std::string separators_;
  std::vector<std::string> fields_;
  std::string current_;
  bool started_ = false;  // there is a field, even if it is empty
};

// The paths that match, by the parts of the pattern between slashes.
void match_paths(const std::string& done, std::string_view rest, Arguments& found) {
  const size_t end = rest.find('/');
  const std::string part(rest.substr(0, end));
  const std::string_view after = end == rest.npos ? "" : rest.substr(std::min(rest.find_first_not_of('/', end), rest.size()));
  const std::string gap = end == rest.npos ? "" : "/";
  const auto go_on = [&](const std::string& path) {
    if (end == rest.npos) found.push_back(path);
    else if (after.empty()) found.push_back(path + "/");
    else match_paths(path + gap, after, found);
  };
  if (part.empty()) return match_paths(done + "/", after, found);
  FileInfo info;
  if (!has_pattern(part)) {
    const std::string path = done + plain(part);
    if (end != rest.npos || file_info(path, Follow::no, info)) go_on(path);
    return;
  }
  std::vector<std::string> names;
  if (!directory_names(done.empty() ? "." : done, names)) return;
  for (const std::string& name : names) {
    if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    if (end != rest.npos && !(file_info(done + name, Follow::yes, info) && info.is_directory())) continue;
    go_on(done + name);
  }
}

}  // namespace

void expand(Shell& shell, const Word& word, Arguments& fields) {
  Expansion expansion(shell, Expansion::Mode::fields);
  expansion.word(word);
  for (const std::string& pattern : expansion.patterns()) {
    const size_t before = fields.size();
    if (has_pattern(pattern) && !shell.state.no_globs) match_paths("", pattern, fields);
    if (fields.size() == before) fields.push_back(plain(pattern));
  }
}

std::string expand_one(Shell& shell, const Word& word) { return plain(expand_pattern(shell, word)); }

std::string expand_pattern(Shell& shell, const Word& word) {
  Expansion expansion(shell, Expansion::Mode::one);
  expansion.word(word);
  const auto fields = expansion.patterns();
  return fields.empty() ? "" : fields[0];
}

std::string expand_text(Shell& shell, const std::string& text) {
  Expansion expansion(shell, Expansion::Mode::text);
  expansion.word(text);
  const auto fields = expansion.patterns();
  return fields.empty() ? "" : plain(fields[0]);
}

}  // namespace toolbox::sh
