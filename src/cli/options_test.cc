// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <gtest/gtest.h>

namespace wherry::cli {
namespace {

struct Settings {
  bool verbose = false;
  bool quiet = false;
  std::string output;
  std::vector<std::string> env;
  std::optional<Size> limit;
};

constexpr Option kTable[] = {
    {"verbose", 'v', "", "says more", set<&Settings::verbose>},  {"quiet", 'q', "", "says less", set<&Settings::quiet>},
    {"output", 'o', "FILE", "where to", set<&Settings::output>}, {"env", 0, "K=V", "a variable", set<&Settings::env>},
    {"limit", 0, "SIZE", "at most", set<&Settings::limit>},
};

Result<Parsed> parse_words(std::vector<const char*> words, Settings& settings, Order order = Order::any) {
  std::vector<char*> list;
  for (const char* word : words) list.push_back(const_cast<char*>(word));
  return parse(kTable, &settings, list, order);
}

TEST(Options, come_in_every_form_and_place) {
  Settings settings;
  const auto parsed =
      parse_words({"-vq", "a", "--output=x", "--env", "A=1", "--env=B=2", "b", "--limit", "2k", "--", "-c"}, settings);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->arguments, (std::vector<std::string>{"a", "b", "-c"}));
  EXPECT_TRUE(settings.verbose && settings.quiet);
  EXPECT_EQ(settings.output, "x");
  EXPECT_EQ(settings.env, (std::vector<std::string>{"A=1", "B=2"}));
  EXPECT_EQ(settings.limit->bytes, 2048u);
  for (const auto& words : {std::vector<const char*>{"-o", "y"}, {"-oy"}, {"-o=y"}, {"-vo", "y"}}) {
    Settings again;
    ASSERT_TRUE(parse_words(words, again));
    EXPECT_EQ(again.output, "y");
  }
}

TEST(Options, end_at_the_first_argument_of_another_program) {
  Settings settings;
  const auto parsed = parse_words({"-v", "app.wasm", "-q", "--help", "--"}, settings, Order::options_first);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->help);
  EXPECT_FALSE(settings.quiet);
  EXPECT_EQ(parsed->arguments, (std::vector<std::string>{"app.wasm", "-q", "--help", "--"}));
}

TEST(Options, ask_for_help_in_both_spellings) {
  Settings settings;
  EXPECT_TRUE(parse_words({"-h"}, settings)->help);
  EXPECT_TRUE(parse_words({"x", "--help", "--unknown"}, settings)->help);
}

TEST(Options, say_what_is_wrong) {
  const struct {
    std::vector<const char*> words;
    const char* error;
  } kCases[] = {
      {{"--ouptut", "x"}, "unknown option `--ouptut`, did you mean `--output`?"},
      {{"--xyzzy"}, "unknown option `--xyzzy`"},
      {{"-x"}, "unknown option `-x`"},
      {{"--output"}, "`--output` needs FILE"},
      {{"-o"}, "`-o` needs FILE"},
      {{"--verbose=1"}, "`--verbose` takes no value"},
      {{"--limit", "lots"}, "--limit: `lots` is not a size, such as 64MiB"},
      {{"--=x"}, "unknown option `--`"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.words[0]);
    Settings settings;
    const auto parsed = parse_words(c.words, settings);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().message, c.error);
  }
}

}  // namespace
}  // namespace wherry::cli
