// SPDX-License-Identifier: Apache-2.0
#include "runtime/artifact.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "runtime/artifact_check.h"
#include "runtime/test_artifact.h"
#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::memory_file;
using test::TestArtifact;
using wasm::kI32;
using wasm::kI64;

TestArtifact rich() {
  return {.imports = {{"env", "f", abi::kFunc, {}, {{kI32}, {kI64}}},
                      {"env", "m", abi::kMemory, test::memory_type(1, 3), {}}},
          .functions = {{{{kI32, kI32}, {kI32}}, CODE(add), {}, "add"},
                        {{}, CODE(trap), {{guest_trap_at, Trap::unreachable}}, "boom"}},
          .tables = {test::table_type(2, 5)},
          .globals = {{test::global_type(kI32, true), {0x41, 0x2a, 0x0b}}},
          .datas = {{3, "hello"}},
          .elems = {{1, {1}}},
          .escaping = {1}};
}

std::string refusal(std::vector<uint8_t> file) {
  auto mapped = Artifact::map(memory_file(file));
  return mapped ? "none" : mapped.error().message;
}

abi::Header& header_of(std::vector<uint8_t>& file) {
  return *reinterpret_cast<abi::Header*>(file.data() + abi::kHeaderOffset);
}

TEST(Artifact, tells_imports_exports_and_names) {
  const auto artifact = rich().map();
  const auto imports = artifact->imports();
  ASSERT_EQ(imports.size(), 2u);
  EXPECT_EQ(imports[0].module, "env");
  EXPECT_EQ(imports[0].name, "f");
  EXPECT_EQ(std::get<wasm::FuncType>(imports[0].type), (wasm::FuncType{{kI32}, {kI64}}));
  EXPECT_EQ(imports[1].kind, wasm::ExternKind::memory);
  EXPECT_EQ(std::get<wasm::MemoryType>(imports[1].type).limits.max, 3u);
  const auto exports = artifact->exports();
  ASSERT_EQ(exports.size(), 6u);
  EXPECT_EQ(exports[1].name, "f1");
  EXPECT_EQ(std::get<wasm::FuncType>(exports[1].type), (wasm::FuncType{{kI32, kI32}, {kI32}}));
  EXPECT_EQ(exports[3].name, "memory");
  EXPECT_EQ(exports[4].name, "table");
  EXPECT_EQ(std::get<wasm::TableType>(exports[4].type).limits.max, 5u);
  EXPECT_EQ(exports[5].kind, wasm::ExternKind::global);
  EXPECT_EQ(artifact->function_name(1), "add");
  EXPECT_EQ(artifact->function_name(0), "");
  EXPECT_EQ(artifact->function_name(99), "");
}

TEST(Artifact, finds_functions_traps_and_lines_by_pc) {
  const auto artifact = rich().map();
  const auto starts = artifact->table<uint32_t>(artifact->header().function_starts);
  EXPECT_EQ(artifact->function_at(starts[0]), 1u);
  EXPECT_EQ(artifact->function_at(starts[1] - 1), 1u);
  EXPECT_EQ(artifact->function_at(starts[1]), 2u);
  EXPECT_EQ(artifact->function_at(starts[2]), std::nullopt);
  EXPECT_EQ(artifact->wasm_offset_at(starts[1] + 1), 0x200u);
  const uint32_t trap = starts[1] + static_cast<uint32_t>(guest_trap_at - guest_trap);
  EXPECT_EQ(artifact->trap_at(trap), Trap::unreachable);
  EXPECT_EQ(artifact->trap_at(trap + 1), std::nullopt);
}

TEST(Artifact, is_refused_if_any_byte_of_header_or_tables_changed) {
  const std::vector<uint8_t> sound = rich().bytes();
  ASSERT_EQ(refusal(sound), "none");
  const uint64_t end = header_of(const_cast<std::vector<uint8_t>&>(sound)).checked_end;
  for (uint64_t at = abi::kHeaderOffset; at < end; ++at) {
    for (const uint8_t change : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> file = sound;
      file[at] ^= change;
      ASSERT_TRUE(refusal(file).starts_with("artifact: ")) << "byte " << at;
    }
  }
}

TEST(Artifact, is_refused_at_any_other_length) {
  const std::vector<uint8_t> sound = rich().bytes();
  for (size_t size = 0; size < sound.size(); size += size < 2'000 ? 1 : 997) {
    const std::vector<uint8_t> file(sound.begin(), sound.begin() + static_cast<ptrdiff_t>(size));
    ASSERT_TRUE(refusal(file).starts_with("artifact: ")) << size;
  }
  std::vector<uint8_t> longer = sound;
  longer.push_back(0);
  EXPECT_EQ(refusal(longer), "artifact: its size is not what its header says");
}

struct Forgery {
  const char* name;
  void (*change)(abi::Header&);
  const char* error;
};

// With a checksum that fits: the checks behind it hold too.
const Forgery kForgeries[] = {
    {"magic", [](abi::Header& h) { h.magic[0] = 'X'; }, "artifact: not an artifact"},
    {"header size", [](abi::Header& h) { h.header_size += 8; }, "artifact: made by another version of the engine"},
    {"code outside", [](abi::Header& h) { h.code.offset += h.file_size; },
     "artifact: the range `code` is not inside the file"},
    {"code too long", [](abi::Header& h) { h.code.size += 4096; }, "artifact: the range `code` is not inside the file"},
    {"wrapping", [](abi::Header& h) { h.traps.offset = 8; h.traps.size = ~uint64_t{7}; },
     "artifact: the range `traps` is not inside the file"},
    {"misaligned", [](abi::Header& h) { h.strings.offset += 1; }, "artifact: the range `strings` is not inside the file"},
    {"half an entry", [](abi::Header& h) { h.exports.size -= 1; }, "artifact: the range `exports` is not inside the file"},
    {"unchecked table", [](abi::Header& h) { h.globals.offset = h.code.offset; },
     "artifact: the range `globals` is not covered by the checksum"},
    {"unaligned code", [](abi::Header& h) { h.code.size -= 8; }, "artifact: code is not page-aligned"},
};

TEST(Artifact, is_refused_if_its_ranges_are_not_sound) {
  for (const Forgery& forgery : kForgeries) {
    SCOPED_TRACE(forgery.name);
    std::vector<uint8_t> file = rich().bytes();
    forgery.change(header_of(file));
    test::seal(file);
    EXPECT_EQ(refusal(file), forgery.error);
  }
  std::vector<uint8_t> file = rich().bytes();
  header_of(file).checked_end = file.size() + 8;
  EXPECT_EQ(refusal(file), "artifact: its checked part is not inside the file");
}

TEST(Artifact, is_refused_for_another_key) {
  const std::vector<uint8_t> file = rich().bytes();
  abi::Key key{};
  EXPECT_TRUE(Artifact::map(memory_file(file), &key));
  key[31] = 1;
  EXPECT_EQ(Artifact::map(memory_file(file), &key).error().message,
            "artifact: made for something else than its name says");
}

TEST(Artifact, is_never_writable_and_executable_only_where_its_code_is) {
  const auto artifact = rich().map();
  const auto code = reinterpret_cast<uintptr_t>(artifact->code().data());
  std::ifstream maps("/proc/self/maps");
  int executable = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:artifact") == std::string::npos) continue;
    const std::string rights = line.substr(line.find(' ') + 1, 4);
    EXPECT_EQ(rights.find('w'), std::string::npos) << line;
    if (rights[2] != 'x') continue;
    ++executable;
    EXPECT_EQ(std::stoull(line, nullptr, 16), code);
    EXPECT_EQ(std::stoull(line.substr(line.find('-') + 1), nullptr, 16), code + artifact->code().size());
  }
  EXPECT_EQ(executable, 1);
}

}  // namespace
}  // namespace wherry::runtime
