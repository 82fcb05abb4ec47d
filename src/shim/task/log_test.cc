// SPDX-License-Identifier: Apache-2.0
#include "shim/task/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>

#include <regex>

namespace wherry::shim {
namespace {

struct Pipe {
  UniqueFd reader, writer;
  Pipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    reader.reset(fds[0]);
    writer.reset(fds[1]);
  }
  std::string text() const {
    std::string out(1 << 20, '\0');
    const ssize_t n = ::read(reader.get(), out.data(), out.size());
    out.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return out;
  }
};

TEST(Log, writes_the_text_format_of_logrus) {
  Pipe pipe;
  const Log log(std::move(pipe.writer), Level::info, "ns", "pod-1");
  log.write(Level::warning, "it said \"no\"\nand\x01went", {{"container", "c1"}, {"path", "a b"}});
  const std::regex expected(R"re(time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z" level=warning )re"
                            R"re(msg="it said \\"no\\"\\nand\?went" container=c1 path="a b" namespace=ns pod=pod-1\n)re");
  const std::string text = pipe.text();
  EXPECT_TRUE(std::regex_match(text, expected)) << text;
}

TEST(Log, leaves_out_what_is_below_its_level) {
  Pipe pipe;
  const Log log(std::move(pipe.writer), Level::info, "", "");
  log.write(Level::debug, "detail");
  EXPECT_EQ(pipe.text(), "");
}

TEST(Log, keeps_a_line_within_one_atomic_write) {
  Pipe pipe;
  const Log log(std::move(pipe.writer), Level::info, "ns", std::string(1000, 'p'));
  log.write(Level::info, std::string(100'000, '"'), {{"container", std::string(5000, 'c')}});
  const std::string text = pipe.text();
  EXPECT_LE(text.size(), static_cast<size_t>(PIPE_BUF));
  EXPECT_EQ(text.back(), '\n');
}

TEST(Log, loses_lines_and_never_waits_when_nobody_reads) {
  Pipe pipe;
  const Log log(std::move(pipe.writer), Level::info, "", "");
  for (int i = 0; i < 1000; i++) log.write(Level::info, std::string(1000, 'x'));
  EXPECT_LE(pipe.text().size(), size_t{1} << 20);
}

}  // namespace
}  // namespace wherry::shim
