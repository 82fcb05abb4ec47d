// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "wasi/host/directory_ops.h"
#include "wasi/host/file_io.h"
#include "wasi/host/file_meta.h"
#include "wasi/host/test_directory.h"

namespace wherry::wasi {
namespace {

using Scope = Descriptor::Scope;

constexpr OpenRequest kRead{Follow::yes, 0, right::fd_read, 0};
constexpr OpenRequest kCut{Follow::yes, oflag::trunc, right::fd_write, 0};
constexpr OpenRequest kCreate{Follow::yes, oflag::creat | oflag::trunc, right::fd_write, 0};
constexpr OpenRequest kNofollowCut{Follow::no, oflag::trunc, right::fd_write, 0};

struct Attack {
  const char* path;
  const OpenRequest& request;
  const char* beneath;  // the error under a preopened directory
  const char* in_root;  // in a container's root
};

constexpr Attack kOutOfTree[] = {
    {"../secret", kRead, "perm", "noent"},
    {"../secret", kCreate, "perm", "success"},
    {"sub/../../secret", kRead, "perm", "noent"},
    {"sub/../../../../../../../../etc/passwd", kRead, "perm", "noent"},
    {"..", kRead, "perm", "success"},
    {"sub/../..", kRead, "perm", "success"},
    {"/etc/passwd", kRead, "perm", "perm"},
    {"//etc/passwd", kRead, "perm", "perm"},
    {"absolute", kRead, "perm", "noent"},
    {"absolute", kCut, "perm", "noent"},
    {"absolute/", kRead, "perm", "noent"},
    {"relative", kRead, "perm", "noent"},
    {"relative", kCut, "perm", "noent"},
    {"relative/", kRead, "perm", "noent"},
    {"relative", kNofollowCut, "loop", "loop"},
    {"directory/secret", kRead, "perm", "noent"},
    {"directory/secret", kCut, "perm", "noent"},
    {"directory/new", kCreate, "perm", "noent"},
    {"up/secret", kRead, "perm", "noent"},
    {"up/up/up/secret", kRead, "perm", "noent"},
    {"dangling", kCreate, "perm", "noent"},
    {"circle", kRead, "loop", "loop"},
    {"self/self/self/../../../secret", kRead, "perm", "noent"},
    {"inside/", kRead, "notdir", "notdir"},
    {"inside/..", kRead, "notdir", "notdir"},
    {"inside_link", kNofollowCut, "loop", "loop"},
    {"", kRead, "noent", "noent"},
    {"a\xff", kRead, "ilseq", "ilseq"},
};

constexpr uint8_t kTarget[] = {'x'};

class EscapeByPath : public testing::TestWithParam<Scope> {
 protected:
  EscapeByPath() {
    ::mkdir((base_ / "root").c_str(), 0755);
    ::mkdir((base_ / "root/sub").c_str(), 0755);
    base_.write("secret", "secret");
    base_.write("root/inside", "inside");
    make_link("absolute", base_ / "secret");
    make_link("relative", "../secret");
    make_link("directory", base_.path());
    make_link("up", "..");
    make_link("dangling", base_ / "made/by/nobody");
    make_link("circle", "circle");
    make_link("self", ".");
    make_link("inside_link", "inside");
  }

  void make_link(const std::string& name, const std::string& target) {
    ASSERT_EQ(::symlink(target.c_str(), (base_ / ("root/" + name)).c_str()), 0);
  }

  TestDirectory base_;
};

TEST_P(EscapeByPath, no_path_leads_out_and_nothing_outside_changes) {
  const Descriptor root = preopen(base_ / "root", GetParam());
  for (const Attack& attack : kOutOfTree) {
    SCOPED_TRACE(attack.path);
    const Io<Descriptor> opened = open_text(root, attack.path, attack.request);
    EXPECT_EQ(outcome(opened), GetParam() == Scope::beneath ? attack.beneath : attack.in_root);
    EXPECT_EQ(base_.read("secret"), "secret");
    EXPECT_EQ(base_.read("root/inside"), "inside");
    ::unlink((base_ / "root/secret").c_str());
  }
}

TEST_P(EscapeByPath, no_call_on_names_leads_out) {
  const Descriptor root = preopen(base_ / "root", GetParam());
  const bool beneath = GetParam() == Scope::beneath;
  for (const char* path : {"directory/x", "up/up/directory/x", "directory/x/"}) {
    SCOPED_TRACE(path);
    const std::string_view expected = beneath ? "perm" : "noent";
    EXPECT_EQ(outcome(create_directory(root, path)), expected);
    EXPECT_EQ(outcome(symlink(kTarget, root, path)), expected);
    EXPECT_EQ(outcome(link(root, "inside", root, path)), expected);
    EXPECT_EQ(outcome(rename(root, "inside", root, path)), expected);
  }
  for (const char* path : {"directory/secret", "directory/secret/"}) {
    SCOPED_TRACE(path);
    const std::string_view expected = beneath ? "perm" : "noent";
    uint8_t buffer[64];
    EXPECT_EQ(outcome(unlink_file(root, path)), expected);
    EXPECT_EQ(outcome(remove_directory(root, path)), expected);
    EXPECT_EQ(outcome(rename(root, path, root, "mine")), expected);
    EXPECT_EQ(outcome(link(root, path, root, "mine")), expected);
    EXPECT_EQ(outcome(stat_at(root, path, Follow::yes)), expected);
    EXPECT_EQ(outcome(stat_at(root, path, Follow::no)), expected);
    EXPECT_EQ(outcome(set_times_at(root, path, Follow::yes, {0, 0, fstflag::atim_now})), expected);
    EXPECT_EQ(outcome(read_link(root, path, buffer)), expected);
  }
  EXPECT_EQ(base_.read("secret"), "secret");
  EXPECT_EQ(base_.read("root/inside"), "inside");
}

// A slash after a link makes the kernel follow it where it otherwise would not.
TEST_P(EscapeByPath, trailing_slashes_follow_no_link_out) {
  const Descriptor root = preopen(base_ / "root", GetParam());
  uint8_t buffer[64];
  EXPECT_EQ(outcome(link(root, "absolute/", root, "mine")), "notdir");
  EXPECT_EQ(outcome(link(root, "directory/", root, "mine")), "notdir");
  EXPECT_EQ(outcome(unlink_file(root, "absolute/")), "notdir");
  EXPECT_EQ(outcome(remove_directory(root, "directory/")), "notdir");
  EXPECT_EQ(outcome(create_directory(root, "dangling/")), "exist");
  EXPECT_NE(outcome(read_link(root, "absolute/", buffer)), "success");
  EXPECT_NE(outcome(rename(root, "absolute/", root, "mine")), "success");
  EXPECT_NE(outcome(stat_at(root, "absolute/", Follow::no)), "success");
  EXPECT_EQ(base_.read("secret"), "secret");
  EXPECT_EQ(::access((base_ / "root/mine").c_str(), F_OK), -1);
}

TEST_P(EscapeByPath, a_directory_moved_out_while_open_shows_nothing_above_it) {
  const Descriptor root = preopen(base_ / "root", GetParam());
  OpenRequest as_directory = kRead;
  as_directory.oflags = oflag::directory;
  Io<Descriptor> sub = open_text(root, "sub", as_directory);
  ASSERT_TRUE(sub);
  ASSERT_EQ(::rename((base_ / "root/sub").c_str(), (base_ / "moved").c_str()), 0);
  EXPECT_EQ(outcome(open_text(*sub, "../secret", kRead)), "perm");
  EXPECT_EQ(outcome(open_text(*sub, "new", kCreate)), "success");
  EXPECT_EQ(base_.read("moved/new"), "");
}

INSTANTIATE_TEST_SUITE_P(, EscapeByPath, testing::Values(Scope::beneath, Scope::in_root),
                         [](const auto& info) { return info.param == Scope::beneath ? "beneath" : "in_root"; });

TEST(Escape, absolute_links_stay_in_a_root) {
  const TestDirectory base;
  ::mkdir((base / "run").c_str(), 0755);
  base.write("run/pid", "7");
  ASSERT_EQ(::symlink("/run", (base / "var_run").c_str()), 0);
  EXPECT_EQ(outcome(open_text(preopen(base.path(), Scope::in_root), "var_run/pid", kRead)), "success");
  EXPECT_EQ(outcome(open_text(preopen(base.path(), Scope::beneath), "var_run/pid", kRead)), "perm");
}

// A guest that opens a directory and goes on from there sees the same files.
TEST(Escape, directories_below_the_process_root_see_all_of_it_and_no_more) {
  const TestDirectory base;
  ::mkdir((base / "run").c_str(), 0755);
  ::mkdir((base / "sub").c_str(), 0755);
  base.write("run/pid", "7");
  ASSERT_EQ(::symlink((base / "run").c_str(), (base / "sub/link").c_str()), 0);
  const Descriptor root = preopen("/", Scope::in_root);
  OpenRequest as_directory = kRead;
  as_directory.oflags = oflag::directory;
  const Io<Descriptor> sub = open_text(root, base.path().substr(1) + "/sub", as_directory);
  ASSERT_TRUE(sub);
  EXPECT_EQ(outcome(open_text(*sub, "link/pid", kRead)), "success");
  EXPECT_EQ(outcome(open_text(*sub, "../run/pid", kRead)), "success");
  EXPECT_EQ(outcome(open_text(*sub, "../../../../../../../proc/self/mem", kRead)), "acces");
  EXPECT_EQ(outcome(open_text(*sub, "/proc/self/mem", kRead)), "perm");
  EXPECT_EQ(outcome(open_text(*sub, "../../../../../proc/self/root", kRead)), "loop");
}

struct KernelFile {
  const char* path;
  const char* in_root;
};

constexpr KernelFile kKernelFiles[] = {
    {"proc", "acces"},
    {"proc/self/mem", "acces"},
    {"proc/thread-self/mem", "acces"},
    {"proc/1/mem", "acces"},
    {"proc/self/maps", "acces"},
    {"proc/sys/kernel/hostname", "acces"},
    {"proc/self/root/etc/passwd", "loop"},
    {"proc/1/root", "loop"},
    {"proc/self/cwd", "loop"},
    {"proc/self/exe", "loop"},
    {"proc/self/fd/0", "loop"},
    {"proc/self/task/../mem", "acces"},
    {"etc/../proc/self/mem", "acces"},
    {"sys", "acces"},
    {"sys/kernel", "acces"},
};

TEST(Escape, the_kernels_file_systems_stay_shut) {
  const Descriptor root = preopen("/", Scope::in_root);
  for (const KernelFile& file : kKernelFiles) {
    SCOPED_TRACE(file.path);
    OpenRequest write = kRead;
    write.rights |= right::fd_write;
    // The kernel itself may refuse a foreign process's magic links first.
    for (const OpenRequest& request : {kRead, write, kCut}) {
      const std::string_view got = outcome(open_text(root, file.path, request));
      EXPECT_TRUE(got == file.in_root || got == "acces") << got;
    }
  }
  uint8_t buffer[64];
  EXPECT_EQ(outcome(open_text(root, "dev/fd/0", kRead)), "loop");
  EXPECT_EQ(outcome(read_link(root, "proc/self/exe", buffer)), "acces");
  EXPECT_EQ(outcome(create_directory(root, "sys/kernel/escape")), "acces");
  EXPECT_EQ(outcome(stat_at(root, "proc/self/mem", Follow::yes)), "acces");
  EXPECT_EQ(outcome(set_times_at(root, "proc/self/mem", Follow::yes, {0, 0, fstflag::atim_now})), "acces");
}

TEST(Escape, a_link_into_proc_is_refused_like_the_file) {
  const TestDirectory base;
  const std::string inside = base.path().substr(1);
  ASSERT_EQ(::symlink("/proc/self/mem", (base / "mem").c_str()), 0);
  ASSERT_EQ(::symlink("/proc/self", (base / "self").c_str()), 0);
  const Descriptor root = preopen("/", Scope::in_root);
  EXPECT_EQ(outcome(open_text(root, inside + "/mem", kRead)), "acces");
  EXPECT_EQ(outcome(open_text(root, inside + "/mem", kCut)), "acces");
  EXPECT_EQ(outcome(open_text(root, inside + "/self/mem", kRead)), "acces");
  EXPECT_EQ(outcome(open_text(preopen(base.path()), "mem", kRead)), "perm");
}

struct Node {
  const char* name;
  mode_t type;
  unsigned major, minor;
  const char* opened;
};

constexpr Node kNodes[] = {
    {"null", S_IFCHR, 1, 3, "success"}, {"zero", S_IFCHR, 1, 5, "success"},  {"full", S_IFCHR, 1, 7, "success"},
    {"urandom", S_IFCHR, 1, 9, "success"}, {"mem", S_IFCHR, 1, 1, "acces"},  {"kmsg", S_IFCHR, 1, 11, "acces"},
    {"console", S_IFCHR, 5, 1, "acces"}, {"ptmx", S_IFCHR, 5, 2, "acces"},   {"loop", S_IFBLK, 7, 0, "acces"},
    {"null_block", S_IFBLK, 1, 3, "acces"}, {"fifo", S_IFIFO, 0, 0, "acces"}, {"socket", S_IFSOCK, 0, 0, "acces"},
};

TEST(Escape, of_the_device_nodes_only_the_harmless_open) {
  const TestDirectory base;
  const Descriptor root = preopen(base.path());
  size_t made = 0;
  for (const Node& node : kNodes) {
    SCOPED_TRACE(node.name);
    if (::mknod((base / node.name).c_str(), node.type | 0666, makedev(node.major, node.minor)) != 0) continue;
    made++;
    for (const OpenRequest& request : {kRead, kCut, kCreate}) {
      // A file system mounted without devices refuses the harmless ones too.
      const std::string_view got = outcome(open_text(root, node.name, request));
      EXPECT_TRUE(got == node.opened || got == "acces") << got;
    }
  }
  EXPECT_GE(made, 2u) << "fifos and sockets need no privilege";
}

// Exchanges two names as fast as it can until the test is over.
class Flipper {
 public:
  Flipper(std::string a, std::string b) : thread_([this, a = std::move(a), b = std::move(b)] {
    while (!stop_) {
      ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), 2 /* RENAME_EXCHANGE */);
    }
  }) {}
  ~Flipper() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::string content(Descriptor& file) {
  char text[64];
  const iovec buffer{text, sizeof text};
  const Io<size_t> n = read(file, {&buffer, 1}, {});
  return n ? std::string(text, *n) : std::string(name_of(n.error()));
}

constexpr int kRounds = 3000;

TEST(Race, a_file_that_turns_into_a_link_out_is_never_opened) {
  const TestDirectory base;
  ::mkdir((base / "root").c_str(), 0755);
  base.write("secret", "secret");
  base.write("root/a", "mine");
  ASSERT_EQ(::symlink("../secret", (base / "root/b").c_str()), 0);
  const Descriptor root = preopen(base / "root");
  const Flipper flipper(base / "root/a", base / "root/b");
  for (int i = 0; i < kRounds; i++) {
    if (Io<Descriptor> file = open_text(root, "a", kRead)) {
      const std::string got = content(*file);
      ASSERT_TRUE(got == "mine" || got.empty()) << got;
    }
    (void)open_text(root, "a", kCreate);
    (void)open_text(root, "a", kNofollowCut);
    ASSERT_EQ(base.read("secret"), "secret");
    if (Io<Descriptor> file = open_text(root, "a", kCreate)) {
      const iovec mine{const_cast<char*>("mine"), 4};
      ASSERT_TRUE(write(*file, {&mine, 1}, {}));
    }
  }
  EXPECT_EQ(base.read("secret"), "secret");
}

TEST(Race, a_directory_that_turns_into_a_link_out_leads_nowhere) {
  const TestDirectory base;
  ::mkdir((base / "root").c_str(), 0755);
  ::mkdir((base / "root/a").c_str(), 0755);
  base.write("root/a/file", "mine");
  base.write("file", "secret");
  ASSERT_EQ(::symlink("..", (base / "root/b").c_str()), 0);
  const Descriptor root = preopen(base / "root");
  const Flipper flipper(base / "root/a", base / "root/b");
  for (int i = 0; i < kRounds; i++) {
    if (Io<Descriptor> file = open_text(root, "a/file", kRead)) {
      ASSERT_EQ(content(*file), "mine");
    }
    (void)unlink_file(root, "a/victim");
    (void)create_directory(root, "a/made");
    (void)remove_directory(root, "a/made");
    (void)rename(root, "a/file", root, "a/file2");
    (void)rename(root, "a/file2", root, "a/file");
  }
  EXPECT_EQ(base.read("file"), "secret");
  EXPECT_EQ(::access((base / "made").c_str(), F_OK), -1);
}

TEST(Race, a_file_that_turns_into_proc_self_mem_is_never_opened) {
  const TestDirectory base;
  base.write("a", "mine");
  ASSERT_EQ(::symlink("/proc/self/status", (base / "b").c_str()), 0);
  const Descriptor root = preopen("/", Scope::in_root);
  const std::string path = base.path().substr(1) + "/a";
  const Flipper flipper(base / "a", base / "b");
  for (int i = 0; i < kRounds; i++) {
    if (Io<Descriptor> file = open_text(root, path, kRead)) {
      ASSERT_EQ(content(*file), "mine");
    }
  }
}

}  // namespace
}  // namespace wherry::wasi
