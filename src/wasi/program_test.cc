// SPDX-License-Identifier: Apache-2.0
#include "wasi/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "runtime/test_artifact.h"
#include "wasi/imports.h"
#include "wasi/invoke.h"

namespace wherry::wasi {
namespace {

using runtime::test::TestArtifact;
using wasm::kI32;
using wasm::kI64;

// x86-64 in the convention of abi/convention.h: parameters in edx and ecx, the
// result in eax, `ret 8`.
constexpr uint8_t kLoop[] = {0xeb, 0xfe};
constexpr uint8_t kAdd[] = {0x8d, 0x04, 0x0a, 0xc2, 0x08, 0x00};
constexpr uint8_t kUnreachable[] = {0x0f, 0x0b};

const wasm::FuncType kNothing{};

TestArtifact::Import function(const char* module, const char* name, wasm::FuncType type) {
  return {module, name, abi::kFunc, {}, std::move(type)};
}

TestArtifact one_function(wasm::FuncType type, std::span<const uint8_t> code) {
  TestArtifact made;
  made.functions.push_back({std::move(type), code});
  return made;
}

ProgramConfig invoking(const char* name, std::vector<std::string> args = {"prog"}) {
  ProgramConfig config;
  config.invoke = name;
  config.args = std::move(args);
  return config;
}

ProgramResult run(const TestArtifact& made, ProgramConfig config) {
  auto program = Program::load(made.map(), std::move(config));
  EXPECT_TRUE(program) << program.error().to_string();
  if (!program) return {};
  auto result = (*program)->run();
  EXPECT_TRUE(result) << result.error().to_string();
  return result ? *result : ProgramResult{};
}

std::string load_error(const TestArtifact& made, ProgramConfig config) {
  const auto program = Program::load(made.map(), std::move(config));
  return program ? "(loaded)" : program.error().to_string();
}

TEST(Program, prints_what_the_invoked_function_returns) {
  const TestArtifact made = one_function({{kI32, kI32}, {kI32}}, kAdd);
  const ProgramResult result = run(made, invoking("f0", {"prog", "40", "-50"}));
  EXPECT_EQ(result.kind, ProgramResult::Kind::exited);
  EXPECT_EQ(result.values, std::vector<std::string>{"-10"});
  EXPECT_EQ(exit_status(result), 0);
}

TEST(Program, says_what_is_wrong_with_an_invocation) {
  const TestArtifact made = one_function({{kI32, kI32}, {kI32}}, kAdd);
  EXPECT_EQ(load_error(made, invoking("g")), "no exported function `g`");
  EXPECT_EQ(load_error(made, {}), "no exported function `_start`: not a command");
  auto program = Program::load(made.map(), invoking("f0", {"prog", "1"}));
  ASSERT_TRUE(program);
  EXPECT_EQ((*program)->run().error().to_string(), "the function has the type (i32, i32) -> i32 and got 1 arguments");
}

TestArtifact trapping() {
  TestArtifact made = one_function(kNothing, kUnreachable);
  made.functions[0].traps = {{kUnreachable, Trap::unreachable}};
  return made;
}

TEST(Program, reports_a_trap) {
  const ProgramResult result = run(trapping(), invoking("f0"));
  EXPECT_EQ(result.kind, ProgramResult::Kind::trapped);
  EXPECT_EQ(result.report.substr(0, 18), "trap: unreachable\n");
  EXPECT_EQ(exit_status(result), 134);
}

TEST(Program, ends_when_its_time_is_over) {
  ProgramConfig config = invoking("f0");
  config.timeout = std::chrono::milliseconds(10);
  const ProgramResult result = run(one_function(kNothing, kLoop), std::move(config));
  EXPECT_EQ(result.kind, ProgramResult::Kind::trapped);
  EXPECT_NE(result.report.find("trap: the time limit is over"), std::string::npos) << result.report;
}

TEST(Program, is_out_of_memory_by_its_own_trap_after_a_refusal_and_not_by_the_end_of_its_time) {
  runtime::MemoryGauge gauge;
  gauge.refused = 1;
  for (const auto& [made, out_of_memory] : {std::pair{trapping(), true}, {one_function(kNothing, kLoop), false}}) {
    ProgramConfig config = invoking("f0");
    config.timeout = std::chrono::milliseconds(10);
    config.gauge = &gauge;
    config.out_of_memory = config::OnOutOfMemory::report;
    EXPECT_EQ(run(made, std::move(config)).out_of_memory, out_of_memory);
  }
}

// The signal may come before the program blocks it: it is blocked already.
TEST(Program, ends_by_a_signal) {
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  ::kill(::getpid(), SIGTERM);
  ProgramConfig config = invoking("f0");
  config.handle_signals = true;
  const ProgramResult result = run(one_function(kNothing, kLoop), std::move(config));
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  EXPECT_EQ(result.kind, ProgramResult::Kind::signalled);
  EXPECT_EQ(exit_status(result), 128 + SIGTERM);
}

TEST(Program, ends_by_an_interruption_from_another_thread) {
  auto program = Program::load(one_function(kNothing, kLoop).map(), invoking("f0"));
  ASSERT_TRUE(program);
  std::thread other([&] { (*program)->interrupt(SIGINT); });
  const auto result = (*program)->run();
  other.join();
  ASSERT_TRUE(result);
  EXPECT_EQ(exit_status(*result), 128 + SIGINT);
}

TEST(Program, refuses_strings_that_the_guest_could_not_tell_apart) {
  const TestArtifact made = one_function(kNothing, kLoop);
  EXPECT_EQ(load_error(made, invoking("f0", {std::string("a\0b", 3)})), "arguments with a NUL");
}

TEST(Program, gives_no_directory_of_the_kernels) {
  ProgramConfig config = invoking("f0");
  config.preopens.push_back({UniqueFd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)), "/p", false, false});
  EXPECT_EQ(load_error(one_function(kNothing, kLoop), std::move(config)), "/p: can not be given to the guest: acces");
}

TEST(Program, exit_codes_are_those_of_a_process) {
  EXPECT_EQ(exit_status({.kind = ProgramResult::Kind::exited, .code = 3, .report = {}, .values = {}}), 3);
  EXPECT_EQ(exit_status({.kind = ProgramResult::Kind::exited, .code = 256 + 7, .report = {}, .values = {}}), 7);
  EXPECT_EQ(exit_status({.kind = ProgramResult::Kind::signalled, .code = 13, .report = {}, .values = {}}), 141);
  EXPECT_EQ(exit_status({.kind = ProgramResult::Kind::trapped, .code = 0, .report = {}, .values = {}}), 134);
}

TEST(Imports, of_one_name_are_told_by_their_types) {
  TestArtifact made = one_function(kNothing, kLoop);
  constexpr const char* kModule = "wasi_snapshot_preview1";
  made.imports = {function(kModule, "sock_accept", {{kI32, kI32}, {kI32}}),
                  function(kModule, "sock_accept", {{kI32, kI32, kI32}, {kI32}}),
                  function("wasi_unstable", "fd_seek", {{kI32, kI64, kI32, kI32}, {kI32}})};
  EXPECT_TRUE(missing_imports(made.map()->imports()).empty());
  EXPECT_TRUE(Program::load(made.map(), invoking("f3")));
}

TEST(Imports, that_are_missing_are_all_named_with_who_has_them) {
  TestArtifact made = one_function(kNothing, kLoop);
  made.imports = {
      function("wasi", "thread-spawn", {{kI32}, {kI32}}),
      function("wasi_snapshot_preview1", "fd_write", {{kI32}, {kI32}}),
      function("wasi_unstable", "sock_accept", {{kI32, kI32, kI32}, {kI32}}),
      {"env", "memory", abi::kMemory, runtime::test::memory_type(1), {}},
      function("gojs", "runtime.wasmExit", {{kI32}, {}}),
  };
  EXPECT_EQ(load_error(made, {}),
            "missing imports: `wasi.thread-spawn` (wasi-threads, which is not supported yet), "
            "`wasi_snapshot_preview1.fd_write` (not with the type (i32) -> i32), "
            "`wasi_unstable.sock_accept` (unknown here), "
            "`env.memory` (wasi-threads or a program that embeds the module), "
            "`gojs.runtime.wasmExit` (JavaScript: Go; build with GOOS=wasip1)");
}

TEST(Imports, of_the_toolbox_are_for_it_alone) {
  TestArtifact made = one_function(kNothing, kLoop);
  made.imports = {function("wherry_toolbox", "path_create_directory", {{kI32, kI32, kI32, kI32}, {kI32}})};
  EXPECT_EQ(load_error(made, {}), "missing imports: `wherry_toolbox.path_create_directory` (Wherry, to its own toolbox alone)");
  ProgramConfig config = invoking("f1");
  config.is_toolbox = true;
  EXPECT_TRUE(Program::load(made.map(), std::move(config)));
}

TEST(Imports, beyond_a_handful_are_counted) {
  TestArtifact made = one_function(kNothing, kLoop);
  for (int i = 0; i < 20; i++) made.imports.push_back(function("env", "f", kNothing));
  const std::string text = load_error(made, {});
  EXPECT_TRUE(text.ends_with(" and 12 more")) << text;
}

struct ArgumentCase {
  wasm::ValType type;
  const char* text;
  const char* result;  // as a result of the type, or the error
};

TEST(Invoke, reads_and_prints_numbers) {
  const ArgumentCase cases[] = {
      {wasm::kI32, "7", "7"},
      {wasm::kI32, "-1", "-1"},
      {wasm::kI32, "4294967295", "-1"},
      {wasm::kI32, "0xff", "255"},
      {wasm::kI32, "4294967296", "argument `4294967296` is no i32"},
      {wasm::kI32, "-2147483649", "argument `-2147483649` is no i32"},
      {wasm::kI32, "", "argument `` is no i32"},
      {wasm::kI32, "1x", "argument `1x` is no i32"},
      {wasm::kI64, "-9223372036854775808", "-9223372036854775808"},
      {wasm::kI64, "18446744073709551615", "-1"},
      {wasm::kF32, "0.1", "0.1"},
      {wasm::kF64, "1e300", "1e+300"},
      {wasm::kF64, "inf", "inf"},
      {wasm::kF64, "-nan", "-nan"},
      {wasm::kF64, "-0", "-0"},
      {wasm::kF64, "100", "100"},
      {wasm::kF64, "1234567.75", "1234567.75"},
      {wasm::kF64, "0.30000000000000004", "0.30000000000000004"},
      {wasm::kF64, "18446744073709551616", "18446744073709551616"},
      {wasm::kF64, "5e-324", "5e-324"},
      {wasm::kF32, "16777216", "16777216"},
      {wasm::kFuncref, "0", "argument `0` is no funcref"},
  };
  for (const ArgumentCase& c : cases) {
    SCOPED_TRACE(c.text);
    const std::string text = c.text;
    const auto values = parse_arguments({{c.type}, {}}, {&text, 1});
    EXPECT_EQ(values ? format_value(c.type, values->at(0)) : values.error().to_string(), c.result);
  }
}

}  // namespace
}  // namespace wherry::wasi
