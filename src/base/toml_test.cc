// SPDX-License-Identifier: Apache-2.0
#include "base/toml.h"

#include <gtest/gtest.h>

namespace wherry {
namespace {

std::string problem(std::string_view text) {
  const auto parsed = parse_toml(text);
  return parsed ? "" : parsed.error().message;
}

TEST(Toml, says_the_line_of_a_mistake) {
  EXPECT_EQ(problem("a = 1\n[b]\nc = 'x'\n"), "");
  EXPECT_EQ(problem("a = 1\nb =\n").substr(0, 8), "line 2: ");
}

// Each ended the process once, or worse.
TEST(Toml, survives_what_the_parser_takes_for_impossible) {
  EXPECT_EQ(problem(std::string_view("[\1\0egress =\x19mple.", 16)).substr(0, 8), "line 1: ");
  EXPECT_EQ(problem("\n\xc8\x9c\7"), "line 2: a character that is not ASCII, outside of a string");
  std::string deep = "a";
  for (int i = 0; i < 300000; i++) deep += ".a";
  for (const std::string& text : {deep + " = 1", "[" + deep + "]", "[[" + deep + "]]", "a = {" + deep + " = 1}", "'a' . " + deep + "=1"})
    EXPECT_EQ(problem(text), "line 1: a key of too many parts");
}

TEST(Toml, counts_the_parts_of_each_key_alone) {
  std::string text = "a = [";
  for (int i = 0; i < 100; i++) text += "1.5, ";
  text += "]\n";
  for (int i = 0; i < 100; i++) text += "[a" + std::to_string(i) + ".b.c.d]\nx.y.z = \"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.28.29.30.31.32.33\"\n";
  EXPECT_EQ(problem(text), "");
}

TEST(Toml, takes_a_byte_order_mark_at_the_beginning_alone) {
  EXPECT_EQ(problem("\xef\xbb\xbf" "a = 1\n"), "");
  EXPECT_NE(problem("a = 1\n\xef\xbb\xbf"), "");
}

TEST(Toml, knows_other_letters_in_strings_and_comments) {
  const auto parsed = parse_toml("# größer\na = \"ö \\\" # ü\" # é\nb = \"\"\"\nä # € 😀\"\"\" # ß\n\"ключ\" = 1\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ((*parsed)["a"].value_or(std::string()), "ö \" # ü");
  EXPECT_EQ((*parsed)["b"].value_or(std::string()), "ä # € 😀");
  EXPECT_EQ((*parsed)["ключ"].value_or(0), 1);
  for (const char* open : {"a = \"ö", "a = 'ö", "a = '''ö", "a = \"\\", "\"", "'"}) EXPECT_NE(problem(open), "") << open;
  EXPECT_EQ(problem("a = 'ö'"), "line 1: a character that is not ASCII: write it in double quotes, in UTF-8");
  for (const char* bad : {"a = \"\xff\"", "a = \"\xc3\"", "a = \"\xe2\x82\"", "a = \"\xc0\x80\"", "a = \"\xf5\x80\x80\x80\""}) EXPECT_NE(problem(bad), "") << bad;
}

}  // namespace
}  // namespace wherry
