// SPDX-License-Identifier: Apache-2.0
// wherryc: module in, artifact out.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "abi/build_id.h"
#include "abi/cpu.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "baseline/compile_job.h"
#include "baseline/sandbox.h"
#include "wasm/features.h"

namespace wherry::baseline {
namespace {

constexpr const char* kHelp =
    "wherryc: compiles WebAssembly to native code in one pass\n"
    "\n"
    "usage: wherryc [options] FILE -o ARTIFACT\n"
    "\n"
    "  -o FILE                   where the artifact goes; an ELF file for objdump, perf and gdb\n"
    "  --explicit-bounds-checks  compare addresses instead of using guard pages\n"
    "  --cpu floor|host          which instructions may be used [default: host]\n"
    "  --threads N               [default: all processors]\n"
    "  --stats                   print sizes and times\n"
    "  --serve                   answer one request of the engine on its descriptors\n"
    "  --version, --help\n"
    "\n"
    "examples: wherryc app.wasm -o app.artifact && objdump -d app.artifact\n"
    "          wherryc --stats --threads 1 app.wasm -o /dev/null\n";

struct Arguments {
  std::string module, artifact;
  abi::CompileRequest request;
  bool stats = false;
  bool help = false, version = false, serve = false;
};

Result<Arguments> parse(int argc, char** argv) {
  Arguments a;
  a.request.features = wasm::FeatureSet::defaults().bits();
  a.request.cpu_features = abi::host_cpu_features();
  a.request.threads = std::thread::hardware_concurrency();
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const auto value = [&]() -> Result<std::string> {
      if (i + 1 == argc) return error(ErrorKind::invalid, "`" + std::string(arg) + "` needs a value");
      return std::string(argv[++i]);
    };
    if (arg == "--help" || arg == "-h") {
      a.help = true;
    } else if (arg == "--version") {
      a.version = true;
    } else if (arg == abi::kCompilerMode) {
      a.serve = true;
    } else if (arg == "-o") {
      a.artifact = TRY(value());
    } else if (arg == "--threads") {
      a.request.threads = static_cast<uint32_t>(std::strtoul(TRY(value()).c_str(), nullptr, 10));
    } else if (arg == "--cpu") {
      if (TRY(value()) == "floor") a.request.cpu_features = 0;
    } else if (arg == "--explicit-bounds-checks") {
      a.request.flags |= abi::kExplicitBoundsChecks;
    } else if (arg == "--stats") {
      a.stats = true;
    } else if (arg.starts_with("-") || !a.module.empty()) {
      return error(ErrorKind::invalid, "unknown argument `" + std::string(arg) + "`");
    } else {
      a.module = arg;
    }
  }
  return a;
}

uint64_t peak_memory() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

void print_stats(const JobResult& r, size_t module_size) {
  // Bodies are what takes time; a module may be mostly data.
  const double mb = static_cast<double>(r.body_bytes) / 1e6;
  std::printf("module %zu bytes, %llu functions of %llu bytes\n", module_size, static_cast<unsigned long long>(r.functions),
              static_cast<unsigned long long>(r.body_bytes));
  std::printf("code %llu bytes (%.2f), artifact %llu bytes\n", static_cast<unsigned long long>(r.code_size),
              static_cast<double>(r.code_size) / static_cast<double>(r.body_bytes + 1),
              static_cast<unsigned long long>(r.artifact_size));
  std::printf("validate %.1f ms (%.0f MB/s), compile %.1f ms (%.1f MB/s)\n", static_cast<double>(r.validate_ns) / 1e6,
              mb * 1e9 / static_cast<double>(r.validate_ns + 1), static_cast<double>(r.compile_ns) / 1e6,
              mb * 1e9 / static_cast<double>(r.compile_ns + 1));
  std::printf("peak memory %.1f MB\n", static_cast<double>(peak_memory()) / 1e6);
}

Result<void> compile_file(const Arguments& a) {
  UniqueFd module(open(a.module.c_str(), O_RDONLY | O_CLOEXEC));
  if (!module) return os_error(errno, a.module);
  UniqueFd artifact(open(a.artifact.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!artifact) return os_error(errno, a.artifact);
  TRY(lock_down());
  const std::vector<uint8_t> bytes = TRY(read_module(module.get()));
  Result<JobResult> result = compile_job(bytes, a.request, artifact.get());
  if (!result) {
    result.error().message = a.module + ": " + result.error().to_string();
    result.error().offset = Error::kNoOffset;
    return std::move(result.error());
  }
  if (a.stats) print_stats(*result, bytes.size());
  return {};
}

Result<JobResult> answer(const abi::CompileRequest& request) {
  const std::vector<uint8_t> bytes = TRY(read_module(abi::kModuleFd));
  Progress progress(std::chrono::milliseconds(request.progress_ms), [](uint64_t done, uint64_t total) {
    const abi::CompileProgress told{.done = done, .total = total};
    // Whoever does not read any more does not read the reply either.
    (void)write_all(abi::kReplyFd, std::as_bytes(std::span(&told, 1)), "progress");
  });
  return compile_job(bytes, request, abi::kArtifactFd, request.progress_ms ? &progress : nullptr);
}

// One request of the engine, abi/compiler_protocol.h.
int serve() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "wherryc");  // it may have been executed as a descriptor
  abi::CompileReply reply;
  reply.build = abi::build_id();
  abi::CompileRequest request;
  size_t size = 0;
  const Result<void> locked = lock_down();
  while (size < sizeof request) {
    const ssize_t n = read(STDIN_FILENO, reinterpret_cast<uint8_t*>(&request) + size, sizeof request - size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 1;
    size += static_cast<size_t>(n);
  }
  if (request.magic != abi::CompileRequest::kMagic) return 1;
  Result<JobResult> result = locked ? answer(request) : Result<JobResult>(locked.error());
  if (result) {
    reply.functions = result->functions;
    reply.code_size = result->code_size;
    reply.validate_ns = result->validate_ns;
    reply.compile_ns = result->compile_ns;
  } else {
    reply.failed = 1 + static_cast<uint32_t>(result.error().kind);
    reply.offset = result.error().offset;
    const size_t length = result.error().message.copy(reply.message, sizeof reply.message - 1);
    reply.message[length] = '\0';
  }
  reply.peak_memory = peak_memory();
  return write_all(abi::kReplyFd, std::as_bytes(std::span(&reply, 1)), "reply") ? 0 : 1;
}

int run(int argc, char** argv) {
  const Result<Arguments> arguments = parse(argc, argv);
  Result<void> result;
  if (!arguments) {
    result = arguments.error();
  } else if (arguments->serve) {
    return serve();
  } else if (arguments->help || argc == 1) {
    std::fputs(kHelp, stdout);
    return 0;
  } else if (arguments->version) {
    const abi::BuildId id = abi::build_id();
    std::printf("wherryc %s, build %.16s\n", WHERRY_VERSION, id.data());
    return 0;
  } else if (arguments->module.empty() || arguments->artifact.empty()) {
    result = error(ErrorKind::invalid, "a module and -o ARTIFACT are needed, see --help");
  } else if (!abi::host_cpu_has_floor()) {
    result = error(ErrorKind::unavailable, "this processor has no SSE4.1");
  } else {
    result = compile_file(*arguments);
  }
  if (result) return 0;
  std::fprintf(stderr, "wherryc: %s\n", result.error().to_string().c_str());
  return 1;
}

}  // namespace
}  // namespace wherry::baseline

int main(int argc, char** argv) { return wherry::baseline::run(argc, argv); }
