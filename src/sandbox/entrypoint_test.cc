// SPDX-License-Identifier: Apache-2.0
#include "sandbox/entrypoint.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

const std::string kModule = "\0asm\1\0\0\0"s;

Spec spec_for(const std::string& program) {
  Spec spec;
  spec.process.args = {program};
  return spec;
}

TEST(Entrypoint, is_found_as_the_container_would_see_it) {
  TemporaryDirectory root;
  root.write("app.wasm", kModule);
  root.write("usr/bin/tool", kModule);
  root.write("srv/here.wasm", kModule);
  fs::create_symlink("/usr/bin/tool", root / "absolute");
  fs::create_symlink("../../../usr/bin/tool", root / "srv/up");
  struct Case {
    const char* program;
    const char* path;
    const char* function;
  };
  const Case cases[] = {
      {"/app.wasm", "/app.wasm", ""},
      {"/app.wasm#serve", "/app.wasm", "serve"},
      {"tool", "/usr/bin/tool", ""},
      {"here.wasm", "/srv/here.wasm", ""},
      {"./here.wasm", "/srv/here.wasm", ""},
      {"../app.wasm", "/app.wasm", ""},
      {"/../../app.wasm", "/app.wasm", ""},
      {"/absolute", "/absolute", ""},
      {"up", "/srv/up", ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.program);
    Spec spec = spec_for(one.program);
    spec.process.cwd = "/srv";
    spec.process.env = {"PATH=/nowhere:/usr/bin"};
    const auto entrypoint = open_entrypoint(spec, root.path());
    ASSERT_TRUE(entrypoint) << entrypoint.error().message;
    EXPECT_EQ(entrypoint->path, one.path);
    EXPECT_EQ(entrypoint->function, one.function);
    EXPECT_EQ(entrypoint->kind, ProgramKind::wasm_module);
    EXPECT_TRUE(check_is_module(*entrypoint));
  }
}

TEST(Entrypoint, can_not_be_a_file_of_the_host) {
  TemporaryDirectory outside, root;
  outside.write("host.wasm", kModule);
  fs::create_symlink(outside / "host.wasm", root / "absolute");
  fs::create_symlink("../../../../../../../.." + outside.path() + "/host.wasm", root / "relative");
  fs::create_symlink(outside.path(), root / "directory");
  fs::create_symlink("/proc/self/root" + outside.path() + "/host.wasm", root / "magic");
  for (const char* program : {"/absolute", "/relative", "/directory/host.wasm", "/magic"}) {
    const auto entrypoint = open_entrypoint(spec_for(program), root.path());
    ASSERT_FALSE(entrypoint) << program;
    EXPECT_EQ(entrypoint.error().message, "entrypoint `"s + program + "` not found in the container (tried " + program + ")");
  }
}

TEST(Entrypoint, must_be_a_regular_file) {
  TemporaryDirectory root;
  fs::create_directories(root / "directory");
  ASSERT_EQ(::mkfifo((root / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(open_entrypoint(spec_for("/directory"), root.path()).error().message, "entrypoint /directory: Is a directory");
  EXPECT_EQ(open_entrypoint(spec_for("/fifo"), root.path()).error().message, "entrypoint /fifo: not a regular file");
  EXPECT_EQ(open_entrypoint(spec_for("/"), root.path()).error().message, "entrypoint /: Is a directory");
}

TEST(Entrypoint, names_each_place_that_was_tried) {
  TemporaryDirectory root;
  Spec spec = spec_for("app");
  spec.process.env = {"PATH=/bin:relative"};
  spec.process.cwd = "/srv";
  EXPECT_EQ(open_entrypoint(spec, root.path()).error().message,
            "entrypoint `app` not found in the container (tried /bin/app, /srv/relative/app, /srv/app)");
  spec.process.args.clear();
  EXPECT_EQ(open_entrypoint(spec, root.path()).error().message,
            "config.json: process.args is empty: the image has no entrypoint");
}

TEST(Entrypoint, is_found_in_volumes) {
  TemporaryDirectory root, volume, outside;
  volume.write("..data/app.wasm", kModule);
  fs::create_symlink("..data/app.wasm", volume / "app.wasm");
  outside.write("host.wasm", kModule);
  fs::create_symlink(outside / "host.wasm", volume / "evil.wasm");
  Spec spec = spec_for("/config/app.wasm");
  SpecMount& mount = spec.mounts.emplace_back();
  mount.destination = "/config/";
  mount.type = "bind";
  mount.source = volume.path();
  EXPECT_TRUE(open_entrypoint(spec, root.path()));
  spec.process.args = {"/config/evil.wasm"};
  EXPECT_FALSE(open_entrypoint(spec, root.path()));
  mount.destination = "/one.wasm";
  mount.source = volume / "..data/app.wasm";
  spec.process.args = {"/one.wasm"};
  EXPECT_TRUE(open_entrypoint(spec, root.path()));
}

TEST(Program, of_an_exec_is_found_in_the_container_or_refused_in_runcs_words) {
  TemporaryDirectory root;
  root.write("bin/tool", kModule);
  root.write("srv/here.wasm", kModule);
  root.write("text", "words");
  root.write("native", "\x7f""ELF");
  fs::create_symlink("/../../bin/tool", root / "link");
  ASSERT_EQ(::mkfifo((root / "fifo").c_str(), 0666), 0);
  struct Case {
    const char* program;
    const char* path;  // nullptr: `error`
    const char* error;
  };
  const Case cases[] = {
      {"tool", "/bin/tool", nullptr},
      {"/bin/tool#run", "/bin/tool", nullptr},
      {"here.wasm", "/srv/here.wasm", nullptr},
      {"/link", "/link", nullptr},
      {"/native", "/native", nullptr},
      {"foo", nullptr, "exec: \"foo\": executable file not found in $PATH"},
      {"/foo", nullptr, "exec: \"/foo\": stat /foo: no such file or directory"},
      {"./foo", nullptr, "exec: \"./foo\": stat ./foo: no such file or directory"},
      {"/bin", nullptr, "exec: \"/bin\": /bin: Is a directory"},
      {"/fifo", nullptr, "exec: \"/fifo\": /fifo: not a regular file"},
      {"/text", nullptr, "exec: \"/text\": exec format error"},
      {"", nullptr, "process.args: no program is given"},
  };
  const UniqueFd directory(::open(root.path().c_str(), O_PATH | O_DIRECTORY));
  for (const Case& one : cases) {
    SCOPED_TRACE(one.program);
    Process process = spec_for(one.program).process;
    process.cwd = "/srv";
    const auto found = open_program(process, directory.get());
    ASSERT_EQ(static_cast<bool>(found), one.path != nullptr);
    if (found) {
      EXPECT_EQ(found->path, one.path);
    } else {
      EXPECT_EQ(found.error().message, one.error);
    }
  }
}

TEST(Entrypoint, other_programs_are_refused_in_one_line) {
  struct Case {
    std::string content;
    const char* message;
  };
  const Case cases[] = {
      {"\x7f" "ELF\2\1\1", "/app: a native program (ELF): only WebAssembly modules run in a Wasm container yet"},
      {"#!/bin/sh\n", "/app: a script (#!): only WebAssembly modules run in a Wasm container yet"},
      {"\0asm\x0d\0\1\0"s, "/app: a WebAssembly component: only core modules run here yet"},
      {"", "/app: an empty file"},
      {"hello", "/app: not a WebAssembly module"},
      {"\0as"s, "/app: not a WebAssembly module"},
  };
  for (const Case& one : cases) {
    TemporaryDirectory root;
    root.write("app", one.content);
    const auto entrypoint = open_entrypoint(spec_for("/app"), root.path());
    ASSERT_TRUE(entrypoint) << entrypoint.error().message;
    const auto checked = check_is_module(*entrypoint);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().message, one.message);
  }
}

}  // namespace
}  // namespace wherry::sandbox
