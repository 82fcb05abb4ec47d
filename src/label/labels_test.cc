// SPDX-License-Identifier: Apache-2.0
#include "label/labels.h"

#include <gtest/gtest.h>

#include <vector>

namespace wherry::label {
namespace {

std::string parsed(const std::vector<std::string>& words) {
  const auto labels = parse_labels(words);
  return labels ? merge_patch(*labels) : labels.error().message;
}

TEST(Labels, become_a_merge_patch) {
  EXPECT_EQ(parsed({"wherry.dev/installed=true", "a-"}), R"({"metadata":{"labels":{"a":null,"wherry.dev/installed":"true"}}})");
  EXPECT_EQ(parsed({"a="}), R"({"metadata":{"labels":{"a":""}}})");
  EXPECT_EQ(parsed({}), R"({"metadata":{"labels":{}}})");
}

TEST(Labels, are_all_to_be_removed_without_their_values) {
  const std::vector<std::string> words = {"a=1", "b-"};
  EXPECT_EQ(merge_patch(without_values(*parse_labels(words))), R"({"metadata":{"labels":{"a":null,"b":null}}})");
}

TEST(Labels, are_kubernetes_kind) {
  EXPECT_EQ(parsed({"a"}), "`a`: neither KEY=VALUE nor KEY-");
  EXPECT_EQ(parsed({"a=1", "a-"}), "label a is there twice");
  for (const char* key : {"", "-a", "a.", "/a", "a/", "A.b/c", "a/b/c", "a b", "a\"b", "a\n"}) EXPECT_EQ(parsed({std::string(key) + "=x"}).find("is not the key of a label") == std::string::npos, false) << key;
  for (const char* value : {"-", "a b", "a\"", "\n", "a/b"}) EXPECT_EQ(parsed({"a=" + std::string(value)}).find("is not the value of a label") == std::string::npos, false) << value;
  EXPECT_NE(parsed({"a=" + std::string(63, 'x')}).find("xxx\""), std::string::npos);
  EXPECT_EQ(parsed({"a=" + std::string(64, 'x')}), "`" + std::string(64, 'x') + "` is not the value of a label");
}

TEST(Labels, nodes_are_called_by_their_rules) {
  for (const char* name : {"a", "node-1", "ip-10-0-0-1.eu.internal", "1"}) EXPECT_TRUE(is_object_name(name)) << name;
  for (const char* name : {"", ".", "a.", ".a", "a..b", "A", "a/b", "a?b", "a b", "-a", "a-", "a.-b", "..", "a%2fb", "a\r\nb"}) EXPECT_FALSE(is_object_name(name)) << name;
  EXPECT_FALSE(is_object_name(std::string(254, 'a')));
}

}  // namespace
}  // namespace wherry::label
