// SPDX-License-Identifier: Apache-2.0
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "wasi/host/file_io.h"
#include "wasi/host/file_meta.h"
#include "wasi/host/test_directory.h"
#include "wasi/host/utf8.h"

namespace wherry::wasi {
namespace {

// A pipe's end as the guest's standard input or output.
struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int ends[2];
};

Descriptor as_stdio(int fd, Rights rights) {
  Descriptor result;
  result.fd.reset(::dup(fd));
  result.kind = Descriptor::Kind::stdio;
  result.base = rights;
  result.may_wait = true;
  return result;
}

TEST(Stdio, reads_what_there_is_and_the_end) {
  Pipe pipe;
  Descriptor input = as_stdio(pipe.ends[0], right::fd_read);
  ASSERT_EQ(::write(pipe.ends[1], "abc", 3), 3);
  char text[8];
  const iovec buffer{text, sizeof text};
  EXPECT_EQ(*read(input, {&buffer, 1}, {}), 3u);
  EXPECT_EQ(outcome(write(input, {&buffer, 1}, {})), "badf");
  EXPECT_EQ(outcome(seek(input, 0, Whence::cur)), "spipe");
  EXPECT_EQ(outcome(pread(input, {&buffer, 1}, 0)), "spipe");
}

TEST(Stdio, without_blocking_leaves_the_description_as_it_is) {
  Pipe pipe;
  Descriptor input = as_stdio(pipe.ends[0], right::fd_read);
  ASSERT_TRUE(set_flags(input, fdflag::nonblock));
  char text[8];
  const iovec buffer{text, sizeof text};
  EXPECT_EQ(outcome(read(input, {&buffer, 1}, {})), "again");
  EXPECT_EQ(::fcntl(pipe.ends[0], F_GETFL) & O_NONBLOCK, 0);
}

TEST(Stdio, an_interruption_ends_a_read) {
  Pipe pipe;
  Descriptor input = as_stdio(pipe.ends[0], right::fd_read);
  UniqueFd event(::eventfd(1, EFD_CLOEXEC));
  char text[8];
  const iovec buffer{text, sizeof text};
  EXPECT_EQ(outcome(read(input, {&buffer, 1}, {event.get(), nullptr, nullptr})), "intr");
}

TEST(Stdio, a_closed_descriptor_keeps_its_number_and_allows_nothing) {
  const Io<Descriptor> closed = stdio(987654);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->kind, Descriptor::Kind::stdio);
  EXPECT_EQ(closed->base, 0u);
}

struct Utf8Case {
  const char* text;
  bool valid;
};

TEST(Utf8, is_told_from_what_only_looks_like_it) {
  const Utf8Case cases[] = {
      {"", true},         {"abc", true},          {"\xc3\xa4", true},         {"\xe2\x82\xac", true},
      {"\xf0\x9f\x98\x80", true}, {"\xff", false},  {"\xc0\x80", false},        {"\xed\xa0\x80", false},
      {"\xe2\x82", false}, {"\xf4\x90\x80\x80", false}, {"\xe0\x80\x80", false}, {"a\x80", false},
  };
  for (const Utf8Case& c : cases) {
    EXPECT_EQ(is_utf8({reinterpret_cast<const uint8_t*>(c.text), std::string_view(c.text).size()}), c.valid) << c.text;
  }
}

}  // namespace
}  // namespace wherry::wasi
