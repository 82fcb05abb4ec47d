// SPDX-License-Identifier: Apache-2.0
#include "node/handler_block.h"

#include <gtest/gtest.h>

#include "node/containerd_config.h"
#include "node/target.h"
#include "node/text_diff.h"

namespace wherry::node {
namespace {

const Handler kHandler{.name = "wherry", .shim = "/opt/wherry/bin/containerd-shim-wherry-v1", .systemd_cgroup = true};

TEST(HandlerBlock, is_undone_byte_by_byte) {
  for (const char* const text : {"", "version = 2\n", "version = 3 # three\n\n\n# end\n", "\n", "\n\n"}) {
    const auto edited = with_block(text, handler_block(2, kHandler));
    ASSERT_TRUE(edited);
    EXPECT_TRUE(has_block(*edited));
    const auto back = without_block(*edited);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, text);
  }
}

std::string with_carriage_returns(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

TEST(HandlerBlock, is_undone_whatever_an_editor_makes_of_the_ends_of_lines) {
  for (const std::string text : {"", "version = 2\n", "version = 3 # three\n\n\n# end\n"}) {
    const std::string there = with_carriage_returns(text), block = handler_block(2, kHandler);
    EXPECT_EQ(*without_block(*with_block(there, block)), there);
    EXPECT_EQ(*without_block(with_carriage_returns(*with_block(text, block))), there);
    std::string cut = *with_block(text, block);
    cut.pop_back();  // the last line feed
    EXPECT_EQ(*without_block(cut), text);
    EXPECT_EQ(*without_block(cut + "\r"), text);
  }
}

TEST(HandlerBlock, stays_the_same_when_it_is_written_again) {
  const auto once = with_block("version = 2", handler_block(2, kHandler));
  ASSERT_TRUE(once);
  const auto twice = with_block(*once, handler_block(2, kHandler));
  ASSERT_TRUE(twice);
  EXPECT_EQ(*once, *twice);
}

TEST(HandlerBlock, is_found_among_what_others_wrote_behind_it) {
  const std::string text = "version = 2\n", later = "[debug]\n  level = \"info\"\n";
  const auto edited = with_block(text, handler_block(2, kHandler));
  ASSERT_TRUE(edited);
  const auto back = without_block(*edited + later);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, text + later);
}

TEST(HandlerBlock, with_one_comment_gone_is_left_to_people) {
  std::string edited = *with_block("version = 2\n", handler_block(2, kHandler));
  edited.resize(edited.find("# wherry: end"));
  const auto back = without_block(edited);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().message,
            "the comments around wherry's block are not in pairs any more: remove the block by hand");
}

TEST(HandlerBlock, is_what_containerd_reads_in_each_layout) {
  for (const int version : {2, 3, 4}) {
    const auto config = parse_containerd_config(handler_block(version, kHandler));
    ASSERT_TRUE(config);
    ASSERT_EQ(config->runtimes.size(), 1u);
    EXPECT_EQ(config->runtimes[0].name, "wherry");
    EXPECT_EQ(config->runtimes[0].path, kHandler.shim);
    EXPECT_TRUE(config->runtimes[0].annotations);
    const bool new_name = handler_block(version, kHandler).find("io.containerd.cri.v1.runtime") != std::string::npos;
    EXPECT_EQ(new_name, version >= 3);
  }
}

TEST(HandlerBlock, escapes_what_a_path_may_hold) {
  const auto config = parse_containerd_config(handler_block(2, {.name = "w", .shim = "/a \"b\"\\c"}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->runtimes[0].path, "/a \"b\"\\c");
}

struct EditCase {
  const char* name;
  std::string before, after;
  const char* error;  // nullptr: passes
};

TEST(CheckEdit, takes_our_table_and_nothing_else) {
  const std::string block = handler_block(2, kHandler);
  const std::string runc = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n  a = 1\n";
  const std::string inline_tables = "version = 2\nplugins = {}\n";
  const EditCase cases[] = {
      {"nothing there", "", block, nullptr},
      {"another handler", runc, runc + block, nullptr},
      {"not added", runc, runc, "handler `wherry` is there already, or was not added"},
      {"there before", block, block, "handler `wherry` is there already, or was not added"},
      {"another key", runc, runc + block + "[debug]\n", "the edit would change more than the handler's table"},
      {"a key of runc", runc, block + "version = 2\n", "the edit would change more than the handler's table"},
      {"not extensible", inline_tables, inline_tables + block, "no handler can be added: "},
  };
  for (const EditCase& c : cases) {
    SCOPED_TRACE(c.name);
    const auto checked = check_edit(c.before, c.after, 2, kHandler);
    EXPECT_EQ(static_cast<bool>(checked), c.error == nullptr);
    if (!checked && c.error) {
      EXPECT_TRUE(checked.error().message.starts_with(c.error)) << checked.error().message;
    }
  }
}

TEST(HandlerName, is_one_that_a_runtime_class_may_have) {
  for (const char* const good : {"wherry", "w", "wherry-2"}) EXPECT_TRUE(is_handler_name(good)) << good;
  for (const std::string& bad : {std::string(), std::string("Wherry"), std::string("a.b"), std::string("a]\n[b"),
                                std::string("-a"), std::string("a-"), std::string(64, 'a')})
    EXPECT_FALSE(is_handler_name(bad)) << bad;
}

TEST(Imports, cover_a_directory_or_not) {
  const struct {
    const char* pattern;
    const char* directory;
  } cases[] = {
      {"/etc/containerd/conf.d/*.toml", "/etc/containerd/conf.d"},
      {"conf.d/*.toml", "/etc/containerd/conf.d"},
      {"/etc/containerd/one.toml", ""},
      {"/etc/*/conf/*.toml", ""},
      {"${SNAP_DATA}/args/*.toml", ""},
      {"/*.toml", ""},
      {"/etc/conf.d/*", ""},
  };
  for (const auto& c : cases) {
    ContainerdConfig config;
    config.imports = {c.pattern};
    EXPECT_EQ(imported_directory(config, "/etc/containerd/config.toml"), c.directory) << c.pattern;
  }
}

TEST(TextDiff, is_one_that_patch_understands) {
  EXPECT_EQ(text_diff("a\n", "a\n", "f"), "");
  EXPECT_EQ(text_diff("", "x\n", "f"), "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+x\n");
  EXPECT_EQ(text_diff("1\n2\n3\n4\n5\n", "1\n2\n3\n4\nnew\n5\n", "f"),
            "--- f\n+++ f\n@@ -2,4 +2,5 @@\n 2\n 3\n 4\n+new\n 5\n");
  EXPECT_EQ(text_diff("a", "a\nb\n", "f"),
            "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n");
}

}  // namespace
}  // namespace wherry::node
