// SPDX-License-Identifier: Apache-2.0
#include "engine/prepare.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/artifact.h"

namespace wherry::engine {
namespace {

namespace fs = std::filesystem;

// A directory of the test's own with a cache in it; test_compiler.cc compiles.
class Prepare : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "wherry-prepare-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    config_.directory = cache_path();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    config_.limits.memory = 0;  // the sanitizer's shadow takes terabytes of address space
#endif
    config_.compiler_path = fs::read_symlink("/proc/self/exe").parent_path() / "engine_test_compiler";
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string cache_path() const { return root_ / "cache"; }
  std::unique_ptr<Cache> open() const { return std::move(*Cache::open(config_)); }

  // A module that makes the compiler do what `kind` says.
  std::string module(char kind, const std::string& more = "") const {
    return std::string("\0asm\1\0\0\0", 8) + kind + more + " mark=" + marks() + ";";
  }
  std::string marks() const { return root_ / "marks"; }
  int compilations() const {
    std::ifstream file(marks());
    int count = 0;
    for (std::string line; std::getline(file, line);) ++count;
    return count;
  }
  UniqueFd file(const std::string& content) const {
    const std::string path = root_ / ("module" + std::to_string(++files_));
    std::ofstream(path) << content;
    return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  }
  Result<Prepared> prepare_content(const std::string& content) const {
    const auto cache = open();
    const UniqueFd fd = file(content);
    return prepare(*cache, fd.get(), "app.wasm", {});
  }
  std::string refusal(const std::string& content) const {
    auto prepared = prepare_content(content);
    return prepared ? "none" : prepared.error().message;
  }
  std::vector<std::string> left_over() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(cache_path())) {
      const std::string name = entry.path().filename();
      if (!name.ends_with(".artifact") && !name.ends_with(".sha256") && name != "modules") names.push_back(name);
    }
    return names;
  }
  std::string artifact_path(const Prepared& prepared) const { return cache_path() + "/" + prepared.key + ".artifact"; }

  fs::path root_;
  CacheConfig config_;
  mutable int files_ = 0;
};

TEST_F(Prepare, compiles_once_and_then_finds_it) {
  auto first = prepare_content(module('o'));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->cached);
  EXPECT_GT(first->compile_ns, 0u);
  EXPECT_EQ(first->warning, "");
  auto second = prepare_content(module('o'));
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->cached);
  EXPECT_EQ(second->key, first->key);
  EXPECT_EQ(second->artifact_size, first->artifact_size);
  EXPECT_EQ(compilations(), 1);
  EXPECT_EQ(fcntl(second->artifact.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(fcntl(first->artifact.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_TRUE(runtime::Artifact::map(std::move(second->artifact)));
  EXPECT_TRUE(left_over().empty());
}

TEST_F(Prepare, tells_how_far_the_compiler_is) {
  const auto cache = open();
  std::vector<std::pair<uint64_t, uint64_t>> told;
  const TellProgress tell = [&](uint64_t done, uint64_t total) { told.emplace_back(done, total); };
  for (int round = 0; round < 2; ++round) {  // what is in the cache is not compiled
    ASSERT_TRUE(prepare(*cache, file(module('p')).get(), "a", {}, tell));
    EXPECT_EQ(told, (std::vector<std::pair<uint64_t, uint64_t>>{{0, 300}, {100, 300}, {300, 300}}));
  }
  ASSERT_TRUE(prepare(*cache, file(module('p', "other")).get(), "a", {}));
}

TEST_F(Prepare, is_not_held_up_by_endless_progress) {
  config_.limits.wall = std::chrono::milliseconds(300);
  EXPECT_EQ(refusal(module('f')), "app.wasm: compiling it takes longer than 300 ms");
}

TEST_F(Prepare, keeps_apart_what_the_options_change) {
  const auto cache = open();
  const UniqueFd fd = file(module('o'));
  const auto guarded = prepare(*cache, fd.get(), "a", {});
  const auto checked = prepare(*cache, fd.get(), "a", {.explicit_bounds_checks = true});
  const auto fewer = prepare(*cache, fd.get(), "a", {.features = 1});
  ASSERT_TRUE(guarded && checked && fewer);
  EXPECT_NE(guarded->key, checked->key);
  EXPECT_NE(guarded->key, fewer->key);
  EXPECT_EQ(compilations(), 3);
}

TEST_F(Prepare, says_in_one_line_what_is_wrong_with_the_module) {
  EXPECT_EQ(refusal(""), "app.wasm: empty, not a WebAssembly module");
  EXPECT_EQ(refusal("#!/bin/sh\n"), "app.wasm: not a WebAssembly module");
  EXPECT_EQ(refusal("\177ELF"), "app.wasm: not a WebAssembly module");
  EXPECT_EQ(refusal(std::string("\0asm\x0d\0\1\0", 8)), "app.wasm: a component; only core modules can be run so far");
  EXPECT_EQ(refusal(module('e')), "app.wasm:0x2a: type mismatch");
  const auto cache = open();
  const UniqueFd directory(::open("/", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(prepare(*cache, directory.get(), "/", {}).error().message, "/: not a regular file");
  EXPECT_TRUE(left_over().empty());
}

TEST_F(Prepare, says_what_became_of_the_compiler) {
  config_.limits.wall = std::chrono::milliseconds(300);
  config_.limits.cpu = std::chrono::seconds(1);
  EXPECT_EQ(refusal(module('k')), "app.wasm: the compiler was killed by signal 9");
  EXPECT_EQ(refusal(module('x')), "app.wasm: the compiler ended with 3 and no answer");
  EXPECT_EQ(refusal(module('h')), "app.wasm: compiling it takes longer than 300 ms");
  config_.limits.wall = std::chrono::seconds(30);
  EXPECT_EQ(refusal(module('c')), "app.wasm: compiling it takes more processor time than allowed");
  config_.limits.artifact_size = 5'000;
  EXPECT_EQ(refusal(module('o')), "app.wasm: its artifact is larger than allowed");
  config_.limits.artifact_size = 1 << 30;
  EXPECT_EQ(refusal(module('l')), "none");
  EXPECT_EQ(refusal(module('d')),
            "app.wasm: the compiler's result is not usable (artifact: of another module)");
  config_.compiler_path = "/nonexistent/wherryc";
  EXPECT_EQ(refusal(module('o', "2")),
            "app.wasm: the compiler /nonexistent/wherryc can not be run: No such file or directory");
  EXPECT_TRUE(left_over().empty());
}

TEST_F(Prepare, goes_on_without_a_cache_and_says_so) {
  mkdir(cache_path().c_str(), 0777);
  chmod(cache_path().c_str(), 0777);
  auto prepared = prepare_content(module('o'));
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_FALSE(prepared->cached);
  EXPECT_EQ(prepared->warning, "no cache: " + cache_path() + ": others than its owner may write to it");
  EXPECT_EQ(fcntl(prepared->artifact.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_TRUE(runtime::Artifact::map(std::move(prepared->artifact)));
}

TEST_F(Prepare, goes_on_when_the_caches_file_system_is_full) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  ASSERT_TRUE(fs::create_directory(cache_path()));
  chmod(cache_path().c_str(), 0700);
  if (mount("none", cache_path().c_str(), "tmpfs", 0, "size=16k,mode=700") != 0) GTEST_SKIP() << "can not mount";
  auto prepared = prepare_content(module('o'));
  umount2(cache_path().c_str(), MNT_DETACH);
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_TRUE(prepared->warning.starts_with("cache not used: ")) << prepared->warning;
  EXPECT_TRUE(runtime::Artifact::map(std::move(prepared->artifact)));
}

TEST_F(Prepare, goes_on_when_the_cache_is_read_only) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  ASSERT_TRUE(prepare_content(module('o')));
  if (mount(cache_path().c_str(), cache_path().c_str(), nullptr, MS_BIND, nullptr) != 0 ||
      mount(nullptr, cache_path().c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
    GTEST_SKIP() << "can not mount";
  }
  const auto known = prepare_content(module('o'));
  const auto unknown = prepare_content(module('o', "other"));
  umount2(cache_path().c_str(), MNT_DETACH);
  ASSERT_TRUE(known && unknown);
  EXPECT_TRUE(known->cached);
  EXPECT_EQ(unknown->warning, "cache not used: cache lock: Read-only file system");
}

TEST_F(Prepare, refuses_entries_that_others_can_have_written) {
  auto made = prepare_content(module('o'));
  ASSERT_TRUE(made);
  const std::string path = artifact_path(*made);
  chmod(path.c_str(), 0666);
  auto again = prepare_content(module('o'));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->cached);
  EXPECT_NE(again->warning.find("others than its owner may write to it"), std::string::npos) << again->warning;
  EXPECT_TRUE(prepare_content(module('o'))->cached) << "the bad one is replaced";
  if (geteuid() != 0) GTEST_SKIP() << "changing an owner needs root";
  ASSERT_EQ(chown(path.c_str(), 12345, 0), 0);
  again = prepare_content(module('o'));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->cached);
  EXPECT_NE(again->warning.find("belongs to user 12345"), std::string::npos) << again->warning;
  fs::remove(path);
  fs::create_symlink(root_ / "elsewhere", path);
  EXPECT_FALSE(prepare_content(module('o'))->cached);
}

TEST_F(Prepare, replaces_entries_that_are_cut_or_changed) {
  auto made = prepare_content(module('o'));
  ASSERT_TRUE(made);
  const std::string path = artifact_path(*made);
  chmod(path.c_str(), 0600);
  fs::resize_file(path, 700);
  auto again = prepare_content(module('o'));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->cached);
  EXPECT_TRUE(again->warning.starts_with("cache entry replaced: artifact: ")) << again->warning;

  // A sound entry under another one's name.
  auto other = prepare_content(module('o', "other"));
  ASSERT_TRUE(other);
  fs::rename(artifact_path(*other), path);
  again = prepare_content(module('o'));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->warning, "cache entry replaced: artifact: made for something else than its name says");
}

TEST_F(Prepare, notices_every_change_of_a_module_file) {
  const auto cache = open();
  const UniqueFd fd = file(module('o', "1"));
  const auto first = prepare(*cache, fd.get(), "a", {});
  const std::string changed = module('o', "2");
  ASSERT_EQ(pwrite(fd.get(), changed.data(), changed.size(), 0), static_cast<ssize_t>(changed.size()));
  const auto second = prepare(*cache, fd.get(), "a", {});
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->key, second->key);
}

TEST_F(Prepare, compiles_once_for_starts_at_the_same_time) {
  // A file for each: two writers of one would show it to the other half written.
  const auto prepares = [&](const std::string& name) {
    const auto cache = open();
    const std::string path = root_ / name;
    std::ofstream(path) << module('o');
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return prepare(*cache, fd.get(), "a", {}).has_value();
  };
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t pid = fork();
    if (pid == 0) _exit(prepares("child" + std::to_string(i)) ? 0 : 1);
    children.push_back(pid);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { EXPECT_TRUE(prepares("thread" + std::to_string(i))); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const pid_t pid : children) {
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(compilations(), 1);
  EXPECT_TRUE(left_over().empty());
}

TEST_F(Prepare, is_not_held_up_by_a_process_killed_in_the_middle) {
  const pid_t pid = fork();
  if (pid == 0) {
    (void)prepare_content(module('h'));
    _exit(1);
  }
  // It holds the lock and its compiler hangs.
  while (compilations() == 0 && waitpid(pid, nullptr, WNOHANG) == 0) std::this_thread::yield();
  kill(pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
  std::ifstream file(marks());
  pid_t compiler = 0;
  file >> compiler;
  config_.limits.wall = std::chrono::milliseconds(200);
  EXPECT_EQ(refusal(module('h')), "app.wasm: compiling it takes longer than 200 ms");
  EXPECT_TRUE(prepare_content(module('o')));
  if (compiler > 0) kill(compiler, SIGKILL);
  EXPECT_TRUE(left_over().empty());
}

TEST_F(Prepare, runs_the_compiler_in_a_cgroup_of_its_own) {
  const bool v2 = fs::exists("/sys/fs/cgroup/cgroup.controllers");
  const fs::path parent = fs::path(v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory") / root_.filename();
  std::error_code failed;
  if (!fs::create_directory(parent, failed)) GTEST_SKIP() << "can not make " << parent.string();
  config_.compiler_cgroup = parent;
  config_.limits.wall = std::chrono::milliseconds(300);
  const std::string where = refusal(module('g'));
  (void)refusal(module('h'));  // one that is killed
  const bool empty = std::distance(fs::directory_iterator(parent), fs::directory_iterator()) > 0 &&
                     std::ranges::none_of(fs::directory_iterator(parent), [](const auto& e) { return e.is_directory(); });
  fs::remove(parent, failed);
  EXPECT_NE(where.find("/" + root_.filename().string() + "/wherryc-"), std::string::npos) << where;
  EXPECT_TRUE(empty) << "the groups go with their processes";
  EXPECT_FALSE(fs::exists(parent));
}

TEST_F(Prepare, leaves_no_descriptors_and_no_children) {
  const auto count = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  config_.limits.wall = std::chrono::milliseconds(100);
  (void)refusal(module('h'));
  const auto before = count();
  for (const char kind : {'o', 'k', 'x', 'h', 'e', 'd'}) (void)refusal(module(kind));
  EXPECT_EQ(count(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

}  // namespace
}  // namespace wherry::engine
