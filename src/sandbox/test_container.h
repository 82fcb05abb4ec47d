// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sandbox/init.h"
#include "sandbox/shared_limit.h"

namespace wherry::sandbox {

#define SKIP_UNLESS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "needs root"

// Whether ids of mounts can be mapped where temporary files are: ramfs has it not,
// tmpfs since Linux 6.3.
bool temporary_files_map_ids();
#define SKIP_UNLESS_IDS_CAN_BE_MAPPED() \
  if (!temporary_files_map_ids()) GTEST_SKIP() << "the file system of temporary files maps no ids on this kernel"

// A directory of its own that goes away with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;

 private:
  std::string path_;
};

struct Outcome {
  int code = -1;       // of waitid: exit code, or 128+n
  std::string output;  // standard output and error
};

// A container made of a nearly empty root file system, which runs a probe (see
// probe_test.cc) instead of a Wasm module. `spec` can be changed before launch().
class TestContainer {
 public:
  TestContainer();
  ~TestContainer();

  // The probe's name and arguments.
  void run_probe(const std::vector<std::string>& args) { spec["process"]["args"] = args; }
  Result<void> launch(InitKind kind = InitKind::wasm);
  // start(), and the end of it.
  Outcome finish();
  // The end of one that was started, with the rest of its output.
  Outcome wait();
  // At most that many bytes of output, as soon as there are some.
  std::string read_output(size_t bytes);
  // Both; fails the test if launch() does.
  Outcome run();

  LaunchedProcess& init() { return *init_; }

  // Another process in it, which has to be there. `process` is merged into that of
  // the specification.
  class Exec {
   public:
    ~Exec();
    LaunchedProcess& process() { return *process_; }
    Outcome finish();  // start(), and the end of it

   private:
    friend class TestContainer;
    std::unique_ptr<LaunchedProcess> process_;
    UniqueFd output_;
    bool reaped_ = false;
  };
  Result<std::unique_ptr<Exec>> exec(const std::vector<std::string>& args, const nlohmann::json& process = nlohmann::json::object());
  std::string proc(const std::string& file) const;  // /proc/PID/file
  std::string status(const std::string& key) const;

  TemporaryDirectory directory;  // the bundle; rootfs in it
  nlohmann::json spec;
  const Cgroup* cgroup = nullptr;
  int artifact = -1;
  std::string invoke;
  std::string native_program;  // of execs
  std::unique_ptr<SharedLimit> memory_limit;

 private:
  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<LaunchedProcess> init_;
  UniqueFd output_;
  bool reaped_ = false;
};

}  // namespace wherry::sandbox
