// SPDX-License-Identifier: Apache-2.0
// Wasm in a container, from the module to the exit code.
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine/prepare.h"
#include "base/json_text.h"
#include "sandbox/entrypoint.h"
#include "sandbox/guest_memory.h"
#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

// Modules, in hexadecimal.

// Prints "hello" and exits with 5; exports answer(x) = x + 2.
constexpr std::string_view kHello =
    "0061736d0100000001150460047f7f7f7f017f60017f0060000060017f017f02460216776173695f736e617073686f745f70"
    "726576696577310866645f7772697465000016776173695f736e617073686f745f70726576696577310970726f635f657869"
    "74000103030202030503010001071c03066d656d6f72790200065f7374617274000206616e7377657200030a1b0211004101"
    "41004101412010001a410510010b0700200041026a0b0b19020041000b0810000000060000000041100b0668656c6c6f0a00"
    "28046e616d65011602000866645f7772697465010970726f635f657869740209040000010002000300";

// Prints "up" and never ends.
constexpr std::string_view kSpin =
    "0061736d01000000010c0260047f7f7f7f017f60000002230116776173695f736e617073686f745f70726576696577310866"
    "645f77726974650000030201010503010001071302066d656d6f72790200065f737461727400010a14011200410141004101"
    "412010001a03400c000b0b0b16020041000b0810000000030000000041100b0375700a0019046e616d65010b01000866645f"
    "777269746502050200000100";

// Grows its memory by 1 MiB until that fails, using all; exits with how often.
constexpr std::string_view kGrow =
    "0061736d0100000001080260017f0060000002240116776173695f736e617073686f745f70726576696577310970726f635f"
    "657869740000030201010503010001071302066d656d6f72790200065f737461727400010a33013101027f03404110400021"
    "012001417f460440200010000b20014110744101418080c000fc0b00200041016a21000c000b0b0020046e616d65010c0100"
    "0970726f635f65786974020b020000010200016e010161";

// _start calls inner, which is unreachable.
constexpr std::string_view kTrap =
    "0061736d0100000001040160000003030200000503010001071302066d656d6f72790200065f737461727400010a0a020300"
    "000b040010000b0016046e616d650108010005696e6e657202050200000100";

// Exits with 0 if /etc/motd opens and /proc/self/mem does not.
constexpr std::string_view kRoot =
    "0061736d01000000011b0460097f7f7f7f7f7e7e7f7f017f60017f0060027f7f017f60000002470216776173695f736e6170"
    "73686f745f707265766965773109706174685f6f70656e000016776173695f736e617073686f745f70726576696577310970"
    "726f635f65786974000103030202030503010001071302066d656d6f72790200065f737461727400030a3702170041034101"
    "20002001410042024202410041c00010000b1d004100410810020440410110010b4110410d1002450440410210010b0b0b20"
    "020041000b086574632f6d6f74640041100b0d70726f632f73656c662f6d656d003d046e616d65011d030009706174685f6f"
    "70656e010970726f635f6578697402046f70656e02170400000100020200047061746801066c656e6774680300";

std::string bytes_of(std::string_view hexadecimal) {
  std::string bytes;
  for (size_t i = 0; i < hexadecimal.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hexadecimal.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string compiler() {
  if (const char* build = ::getenv("WHERRY_BUILD")) return std::string(build) + "/bin/wherryc";
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin/wherryc").string();
}

class WasmGuest : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    if (!std::filesystem::exists(compiler())) GTEST_SKIP() << "no compiler: " << compiler() << " is not built";
  }

  // Compiles the module and makes it the container's entrypoint.
  void use(std::string_view module, std::vector<std::string> args = {"/app.wasm"}) {
    container.directory.write("rootfs/app.wasm", bytes_of(module));
    container.spec["process"]["args"] = args;
    const auto spec = parse_spec(json_text(container.spec));
    ASSERT_TRUE(spec) << spec.error().message;
    const auto entrypoint = open_entrypoint(*spec, container.directory / "rootfs");
    ASSERT_TRUE(entrypoint) << entrypoint.error().message;
    engine::CacheConfig config;
    config.directory = container.directory / "cache";
    config.compiler_path = compiler();
    auto cache = engine::Cache::open(std::move(config));
    ASSERT_TRUE(cache) << cache.error().message;
    auto prepared = engine::prepare(**cache, entrypoint->file.get(), entrypoint->path, {});
    ASSERT_TRUE(prepared) << prepared.error().message;
    artifact_ = std::move(prepared->artifact);
    container.artifact = artifact_.get();
    container.invoke = entrypoint->function;
  }

  TestContainer container;

 private:
  UniqueFd artifact_;
};

TEST_F(WasmGuest, prints_and_exits) {
  use(kHello);
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.output, "hello\n");
  EXPECT_EQ(outcome.code, 5);
}

TEST_F(WasmGuest, exported_function_can_be_named) {
  use(kHello, {"/app.wasm#answer", "40"});
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.output, "42\n");
  EXPECT_EQ(outcome.code, 0);
  use(kHello, {"/app.wasm#nothing"});
  const auto launched = container.launch();
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().message, "no exported function `nothing`");
}

TEST_F(WasmGuest, sees_the_containers_files_and_not_its_own_process) {
  use(kRoot);
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.code, 0) << outcome.output;
}

TEST_F(WasmGuest, is_interrupted_by_sigterm_and_ended_by_sigkill) {
  for (const auto& [number, code] : {std::pair{SIGTERM, 143}, {SIGINT, 130}, {SIGKILL, 137}}) {
    use(kSpin);
    const auto launched = container.launch();
    ASSERT_TRUE(launched) << launched.error().message;
    ASSERT_TRUE(container.init().start());
    EXPECT_EQ(container.read_output(3), "up\n");
    ASSERT_TRUE(container.init().signal(number));
    EXPECT_EQ(container.wait().code, code);
  }
}

TEST_F(WasmGuest, signal_right_after_the_start_is_not_lost) {
  use(kSpin);
  for (int i = 0; i < 20; ++i) {
    const auto launched = container.launch();
    ASSERT_TRUE(launched) << launched.error().message;
    ASSERT_TRUE(container.init().start());
    ASSERT_TRUE(container.init().signal(SIGTERM));
    ASSERT_EQ(container.wait().code, 143);
  }
}

TEST_F(WasmGuest, trap_is_reported_in_a_few_lines) {
  use(kTrap);
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.code, 134);
  EXPECT_TRUE(outcome.output.starts_with("trap: unreachable\n")) << outcome.output;
  EXPECT_NE(outcome.output.find("inner"), std::string::npos) << outcome.output;
  EXPECT_LE(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 5) << outcome.output;
}

TEST_F(WasmGuest, memory_grow_fails_before_the_kernel_kills) {
  const auto host = CgroupHost::detect();
  ASSERT_TRUE(host) << host.error().message;
  const auto cgroup = Cgroup::create(*host, "/wherry-test-guest-" + std::to_string(::getpid()));
  ASSERT_TRUE(cgroup) << cgroup.error().message;
  constexpr uint64_t kLimit = 24 << 20;
  const auto resources = parse_resources(R"({"memory": {"limit": 25165824, "swap": 25165824}})");
  ASSERT_TRUE((*cgroup)->set(*resources));
  use(kGrow);
  container.cgroup = cgroup->get();
  container.memory_limit = std::move(*SharedLimit::create(guest_memory(kLimit)));
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.code, 20) << outcome.output;  // 24 MiB less 3 of headroom, less the first page
  EXPECT_EQ((*cgroup)->oom_kills(), 0u);
  EXPECT_TRUE((*cgroup)->remove());
}

TEST_F(WasmGuest, memory_limit_that_changes_is_the_guests_at_once) {
  use(kGrow);
  container.memory_limit = std::move(*SharedLimit::create(24 << 20));
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  container.memory_limit->set(9 << 20);
  EXPECT_EQ(container.finish().code, 8);  // less the first page
}

TEST(SharedLimit, is_written_by_its_owner_alone) {
  const auto limit = SharedLimit::create(7);
  ASSERT_TRUE(limit) << limit.error().message;
  const auto seen = map_shared_limit(UniqueFd(::dup((*limit)->fd())));
  ASSERT_TRUE(seen);
  (*limit)->set(8);
  EXPECT_EQ((*seen)->load(), 8u);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, (*limit)->fd(), 0), MAP_FAILED);
  EXPECT_EQ(::mprotect(const_cast<std::atomic<uint64_t>*>(*seen), 4096, PROT_READ | PROT_WRITE), -1);
  EXPECT_LT(::pwrite((*limit)->fd(), "x", 1, 0), 0);
}

}  // namespace
}  // namespace wherry::sandbox
