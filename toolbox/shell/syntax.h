// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace toolbox::sh {

// A word as it stands in the script, with its quotes; expansion takes it apart.
using Word = std::string;

struct Redirection {
  enum class Kind { read, write, append, both, copy, text };
  Kind kind = Kind::read;
  int fd = 0;
  Word target;                        // a path; a number or "-" for copy
  std::shared_ptr<std::string> text;  // of `<<`
  bool literal = false;               // the text is not expanded
};

struct Command;
using CommandPtr = std::shared_ptr<const Command>;  // functions share what the script owns

// One node of a script. Which members count is said by the kind.
struct Command {
  enum class Kind {
    simple,     // assignments, words
    list,       // children, one after the other
    chain,      // children, between them the `operators`: && or ||
    negation,   // ! a
    pipeline,   // children
    group,      // { a }
    subshell,   // ( a )
    condition,  // if a then b [else c]
    loop,       // while a do b; until where `reversed`
    each,       // for name in words do a
    choice,     // case words[0] in choices
    function,   // name() a
  };
  struct Choice {
    std::vector<Word> patterns;
    CommandPtr body;
  };

  Kind kind = Kind::simple;
  std::vector<Word> assignments;
  std::vector<Word> words;
  std::vector<CommandPtr> children;
  std::vector<Redirection> redirections;
  std::string operators;  // '&' or '|' before each child but the first
  std::vector<Choice> choices;
  std::string name;
  bool reversed = false;
  bool over_arguments = false;  // a `for` without `in`
};

struct Parsed {
  enum class State { complete, incomplete, wrong };
  State state = State::complete;
  std::string problem;
  CommandPtr script;
};

// Incomplete: more lines could make it complete.
Parsed parse(std::string_view text);

// Where the word, ${}, $(), `` or quoted part at `at` ends; npos if it does not.
size_t skip_quoted(std::string_view text, size_t at);
size_t skip_dollar(std::string_view text, size_t at);

bool is_name(std::string_view text);
// Of a variable at `at`, 0 if there is none.
size_t name_length(std::string_view text, size_t at);

}  // namespace toolbox::sh
