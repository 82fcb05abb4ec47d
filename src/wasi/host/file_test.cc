// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "wasi/host/directory_ops.h"
#include "wasi/host/file_io.h"
#include "wasi/host/file_meta.h"
#include "wasi/host/test_directory.h"

namespace wherry::wasi {
namespace {

constexpr Rights kReadWrite = right::fd_read | right::fd_write;

Descriptor open_file(const Descriptor& root, std::string_view name, Oflags oflags, Rights rights, Fdflags flags = 0) {
  Io<Descriptor> file = open_text(root, name, {Follow::yes, oflags, rights, flags});
  EXPECT_EQ(outcome(file), "success") << name;
  return file ? std::move(*file) : Descriptor{};
}

Io<size_t> put(Descriptor& file, std::string_view text) {
  const iovec buffer{const_cast<char*>(text.data()), text.size()};
  return write(file, {&buffer, 1}, {});
}

Io<size_t> put_at(Descriptor& file, std::string_view text, uint64_t offset) {
  const iovec buffer{const_cast<char*>(text.data()), text.size()};
  return pwrite(file, {&buffer, 1}, offset);
}

std::string get(Descriptor& file, size_t size = 64) {
  std::string text(size, '?');
  const iovec buffer{text.data(), size};
  const Io<size_t> n = read(file, {&buffer, 1}, {});
  return n ? text.substr(0, *n) : std::string(name_of(n.error()));
}

TEST(File, writes_seeks_and_reads) {
  const TestDirectory base;
  const Descriptor root = preopen(base.path());
  Descriptor file = open_file(root, "f", oflag::creat, kReadWrite);
  EXPECT_EQ(*put(file, "hello"), 5u);
  EXPECT_EQ(*seek(file, 1, Whence::set), 1u);
  EXPECT_EQ(get(file, 2), "el");
  EXPECT_EQ(*seek(file, 0, Whence::cur), 3u);
  EXPECT_EQ(*seek(file, -1, Whence::end), 4u);
  EXPECT_EQ(outcome(seek(file, -6, Whence::end)), "inval");
  EXPECT_EQ(*put_at(file, "J", 0), 1u);
  EXPECT_EQ(*seek(file, 0, Whence::cur), 4u);
  EXPECT_EQ(outcome(put_at(file, "x", ~uint64_t{0})), "inval");
  EXPECT_EQ(base.read("f"), "Jello");
}

TEST(File, several_buffers_are_one_transfer) {
  const TestDirectory base;
  const Descriptor root = preopen(base.path());
  Descriptor file = open_file(root, "f", oflag::creat, kReadWrite);
  const iovec parts[] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>(""), 0}, {const_cast<char*>("cd"), 2}};
  EXPECT_EQ(*write(file, parts, {}), 4u);
  char first[3] = {}, second[3] = {};
  const iovec into[] = {{first, 2}, {second, 2}};
  EXPECT_EQ(*pread(file, into, 1), 3u);
  EXPECT_STREQ(first, "bc");
  EXPECT_STREQ(second, "d");
}

TEST(File, append_goes_to_the_end_and_can_be_switched) {
  const TestDirectory base;
  base.write("f", "one");
  const Descriptor root = preopen(base.path());
  Descriptor file = open_file(root, "f", 0, kReadWrite, fdflag::append);
  EXPECT_TRUE(put(file, "+two"));
  EXPECT_EQ(base.read("f"), "one+two");
  ASSERT_TRUE(set_flags(file, 0));
  EXPECT_EQ(*seek(file, 0, Whence::set), 0u);
  EXPECT_TRUE(put(file, "ONE"));
  EXPECT_EQ(base.read("f"), "ONE+two");
  ASSERT_TRUE(set_flags(file, fdflag::append));
  EXPECT_TRUE(put(file, "!"));
  EXPECT_EQ(base.read("f"), "ONE+two!");
  EXPECT_EQ(outcome(set_flags(file, fdflag::dsync)), "inval");
}

TEST(File, the_access_asked_for_is_the_access_there_is) {
  const TestDirectory base;
  base.write("f", "text");
  const Descriptor root = preopen(base.path());
  Descriptor reader = open_file(root, "f", 0, right::fd_read);
  Descriptor writer = open_file(root, "f", 0, right::fd_write);
  EXPECT_EQ(outcome(put(reader, "x")), "badf");
  EXPECT_EQ(get(writer), "badf");
  EXPECT_FALSE(reader.base & right::fd_write);
  EXPECT_FALSE(writer.base & right::fd_read);
  EXPECT_EQ(outcome(set_size(reader, 0)), "inval");
  EXPECT_EQ(base.read("f"), "text");
}

struct OpenCase {
  const char* name;
  const char* path;
  OpenRequest request;
  const char* expected;
};

const OpenCase kOpenCases[] = {
    {"missing", "none", {Follow::yes, 0, right::fd_read, 0}, "noent"},
    {"exclusive on a file", "file", {Follow::yes, oflag::creat | oflag::excl, right::fd_write, 0}, "exist"},
    {"exclusive on a dangling link", "dangling", {Follow::yes, oflag::creat | oflag::excl, right::fd_write, 0}, "exist"},
    {"create through a dangling link", "dangling", {Follow::yes, oflag::creat, right::fd_write, 0}, "success"},
    {"directory wanted", "file", {Follow::yes, oflag::directory, right::fd_read, 0}, "notdir"},
    {"directory through a link", "dirlink", {Follow::yes, oflag::directory, right::fd_read, 0}, "success"},
    {"directory link not followed", "dirlink", {Follow::no, oflag::directory, right::fd_read, 0}, "loop"},
    {"directory created", "dir", {Follow::yes, oflag::creat, right::fd_read, 0}, "isdir"},
    {"link not followed", "link", {Follow::no, 0, right::fd_read, 0}, "loop"},
    {"directory for writing", "dir", {Follow::yes, 0, kReadWrite, 0}, "isdir"},
    {"directory cut", "dir", {Follow::yes, oflag::trunc, right::fd_read, 0}, "isdir"},
    {"create and directory", "new", {Follow::yes, oflag::creat | oflag::directory, right::fd_read, 0}, "inval"},
    {"file as directory", "file/x", {Follow::yes, 0, right::fd_read, 0}, "notdir"},
    {"slash after a file", "file/", {Follow::yes, 0, right::fd_read, 0}, "notdir"},
    {"dot", ".", {Follow::yes, 0, right::fd_read, 0}, "success"},
    {"long name", nullptr, {Follow::yes, oflag::creat, right::fd_write, 0}, "nametoolong"},
};

TEST(Open, tells_what_is_wrong) {
  const TestDirectory base;
  base.write("file", "");
  ::mkdir((base / "dir").c_str(), 0755);
  ASSERT_EQ(::symlink("target", (base / "dangling").c_str()), 0);
  ASSERT_EQ(::symlink("file", (base / "link").c_str()), 0);
  ASSERT_EQ(::symlink("dir", (base / "dirlink").c_str()), 0);
  const Descriptor root = preopen(base.path());
  const std::string long_name(300, 'n');
  for (const OpenCase& c : kOpenCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(outcome(open_text(root, c.path ? c.path : long_name, c.request)), c.expected);
  }
  EXPECT_EQ(::access((base / "target").c_str(), F_OK), 0);
}

TEST(Open, cuts_a_file) {
  const TestDirectory base;
  base.write("f", "text");
  open_file(preopen(base.path()), "f", oflag::trunc, right::fd_write);
  EXPECT_EQ(base.read("f"), "");
}

TEST(Open, below_a_read_only_directory_nothing_changes) {
  const TestDirectory base;
  base.write("f", "text");
  ::mkdir((base / "d").c_str(), 0755);
  const Descriptor root = preopen(base.path(), Descriptor::Scope::beneath, true);
  EXPECT_EQ(outcome(open_text(root, "f", {Follow::yes, 0, right::fd_write, 0})), "rofs");
  EXPECT_EQ(outcome(open_text(root, "f", {Follow::yes, oflag::trunc, right::fd_read, 0})), "rofs");
  EXPECT_EQ(outcome(open_text(root, "n", {Follow::yes, oflag::creat, right::fd_read, 0})), "rofs");
  EXPECT_EQ(outcome(open_text(root, "f", {Follow::yes, oflag::creat, right::fd_read, 0})), "success");
  EXPECT_EQ(outcome(create_directory(root, "n")), "rofs");
  EXPECT_EQ(outcome(unlink_file(root, "f")), "rofs");
  EXPECT_EQ(outcome(rename(root, "f", root, "g")), "rofs");
  const Io<Descriptor> below = open_text(root, "d", {Follow::yes, oflag::directory, right::fd_read, 0});
  ASSERT_TRUE(below);
  EXPECT_EQ(outcome(create_directory(*below, "n")), "rofs");
  // A hard link elsewhere would be a way to write to it.
  const TestDirectory other;
  EXPECT_EQ(outcome(link(root, "f", preopen(other.path()), "f")), "rofs");
}

TEST(Meta, sizes_and_times_change) {
  const TestDirectory base;
  base.write("f", "0123456789");
  const Descriptor root = preopen(base.path());
  Descriptor file = open_file(root, "f", 0, kReadWrite);
  ASSERT_TRUE(set_size(file, 4));
  EXPECT_EQ(stat(file)->size, 4u);
  EXPECT_EQ(outcome(set_size(file, ~uint64_t{0})), "inval");
  ASSERT_TRUE(set_times(file, {5'000'000'007, 9, fstflag::atim | fstflag::mtim}));
  EXPECT_EQ(stat(file)->atim, 5'000'000'007u);
  EXPECT_EQ(stat(file)->mtim, 9u);
  ASSERT_TRUE(set_times_at(root, "f", Follow::yes, {0, 77, fstflag::mtim}));
  EXPECT_EQ(stat_at(root, "f", Follow::yes)->mtim, 77u);
  EXPECT_EQ(stat_at(root, "f", Follow::yes)->atim, 5'000'000'007u);
  EXPECT_EQ(outcome(set_times(file, {0, 0, fstflag::atim | fstflag::atim_now})), "inval");
  EXPECT_TRUE(sync(file, Sync::data));
  EXPECT_TRUE(advise(file, 0, 4, Advice::willneed));
}

TEST(Meta, links_are_followed_or_not) {
  const TestDirectory base;
  base.write("f", "text");
  ASSERT_EQ(::symlink("f", (base / "l").c_str()), 0);
  const Descriptor root = preopen(base.path());
  EXPECT_EQ(stat_at(root, "l", Follow::no)->filetype, Filetype::symbolic_link);
  EXPECT_EQ(stat_at(root, "l", Follow::yes)->filetype, Filetype::regular_file);
  ASSERT_TRUE(set_times_at(root, "l", Follow::no, {0, 5, fstflag::mtim}));
  EXPECT_EQ(stat_at(root, "l", Follow::no)->mtim, 5u);
  EXPECT_NE(stat_at(root, "f", Follow::no)->mtim, 5u);
  uint8_t buffer[8];
  EXPECT_EQ(*read_link(root, "l", buffer), 1u);
  EXPECT_EQ(buffer[0], 'f');
  EXPECT_EQ(*read_link(root, "l", {}), 0u);
  EXPECT_EQ(outcome(read_link(root, "f", buffer)), "inval");
}

TEST(Names, are_made_moved_and_removed) {
  const TestDirectory base;
  const Descriptor root = preopen(base.path());
  constexpr uint8_t kTarget[] = {'/', 'x'};
  ASSERT_TRUE(create_directory(root, "d"));
  ASSERT_TRUE(create_directory(root, "d/e/"));
  EXPECT_EQ(outcome(create_directory(root, "d")), "exist");
  EXPECT_EQ(outcome(create_directory(root, "d/e/..")), "exist");
  EXPECT_EQ(outcome(remove_directory(root, "d")), "notempty");
  ASSERT_TRUE(rename(root, "d/e/", root, "moved/"));
  ASSERT_TRUE(remove_directory(root, "d/"));
  EXPECT_EQ(outcome(unlink_file(root, "moved")), "isdir");
  EXPECT_EQ(outcome(remove_directory(root, ".")), "inval");
  base.write("f", "");
  EXPECT_EQ(outcome(remove_directory(root, "f")), "notdir");
  EXPECT_EQ(outcome(rename(root, "f", root, "f2/")), "notdir");
  EXPECT_EQ(outcome(link(root, "f/", root, "g")), "notdir");
  EXPECT_EQ(outcome(link(root, "moved", root, "g")), "perm");
  ASSERT_TRUE(link(root, "f", root, "g"));
  EXPECT_EQ(stat_at(root, "g", Follow::no)->nlink, 2u);
  EXPECT_EQ(outcome(unlink_file(root, "f/")), "notdir");
  ASSERT_TRUE(unlink_file(root, "f"));
  EXPECT_EQ(outcome(symlink(kTarget, root, "l")), "perm");
  EXPECT_EQ(outcome(symlink(kTarget, preopen(base.path(), Descriptor::Scope::in_root), "l")), "success");
}

TEST(DescriptorTable, gives_the_lowest_number_and_keeps_its_limit) {
  DescriptorTable table(3);
  const auto make = [] {
    Descriptor descriptor;
    descriptor.kind = Descriptor::Kind::file;
    return descriptor;
  };
  EXPECT_EQ(*table.add(make()), 0u);
  EXPECT_EQ(*table.add(make()), 1u);
  EXPECT_EQ(*table.add(make()), 2u);
  EXPECT_EQ(outcome(table.add(make())), "mfile");
  ASSERT_TRUE(table.close(1));
  EXPECT_EQ(outcome(table.close(1)), "badf");
  EXPECT_EQ(*table.add(make()), 1u);
  ASSERT_TRUE(table.renumber(0, 2));
  EXPECT_EQ(outcome(table.get(0)), "badf");
  EXPECT_EQ(outcome(table.renumber(1, 0)), "badf");
  EXPECT_EQ(outcome(table.renumber(1, 4'000'000'000u)), "badf");
  EXPECT_EQ(outcome(table.renumber(0, 1)), "badf");
  EXPECT_TRUE(table.renumber(1, 1));
  EXPECT_EQ(outcome(table.get(1)), "success");
  EXPECT_EQ(*table.add(make()), 0u);
}

}  // namespace
}  // namespace wherry::wasi
