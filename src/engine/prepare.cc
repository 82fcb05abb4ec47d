// SPDX-License-Identifier: Apache-2.0
#include "engine/prepare.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "abi/build_id.h"
#include "abi/compiler_protocol.h"
#include "abi/cpu.h"
#include "runtime/artifact_check.h"
#include "wasm/features.h"
#include "wasm/limits.h"

namespace wherry::engine {
namespace {

constexpr uint32_t kProgressInterval = 100;  // ms

// One call of prepare().
class Preparation {
 public:
  Preparation(Cache& cache, int module_fd, const CompileOptions& options, const TellProgress& tell)
      : cache_(cache), module_fd_(module_fd), options_(options), tell_(tell) {}

  Result<Prepared> run();

 private:
  Result<void> check_module();
  Result<bool> take_cached();
  Result<void> compile_and_store();
  Result<void> compile_locked();
  Result<void> compile_aside();
  Result<void> compile(int artifact);
  Result<void> check_compiled(int artifact) const;
  abi::CompileRequest request() const;

  Cache& cache_;
  const int module_fd_;
  const CompileOptions& options_;
  const TellProgress& tell_;
  abi::Key key_{};
  Prepared prepared_;
};

Error with_name(Error failure, std::string_view name) {
  std::string text(name);
  if (failure.offset != Error::kNoOffset) {
    char offset[32];
    snprintf(offset, sizeof offset, ":0x%llx", static_cast<unsigned long long>(failure.offset));
    text += offset;
  }
  return error(failure.kind, text + ": " + failure.message);
}

uint64_t features_of(const CompileOptions& options) {
  return options.features == ~uint64_t{0} ? wasm::FeatureSet::defaults().bits() : options.features;
}

abi::Key key_of(const Digest& module, const CompileOptions& options) {
  const abi::BuildId build = abi::build_id();
  const uint64_t numbers[] = {options.explicit_bounds_checks, features_of(options), abi::host_cpu_features()};
  Sha256 hash;
  hash.update("wherry artifact 1");
  hash.update(module);
  hash.update({reinterpret_cast<const uint8_t*>(build.data()), build.size()});
  hash.update({reinterpret_cast<const uint8_t*>(numbers), sizeof numbers});
  return hash.finish();
}

// Header and tables, and that it was made of the module that we asked for.
Result<void> check_artifact_file(int fd, const abi::Key& key, const Digest& module) {
  struct stat status;
  if (fstat(fd, &status) != 0) return os_error(errno, "artifact");
  const auto size = static_cast<size_t>(status.st_size);
  if (size < abi::kHeaderOffset + sizeof(abi::Header)) return error(ErrorKind::malformed, "artifact: too short");
  void* const start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (start == MAP_FAILED) return os_error(errno, "artifact");
  const std::span file(static_cast<const uint8_t*>(start), size);
  Result<void> checked = runtime::check_artifact(file, &key);
  const auto* const header = reinterpret_cast<const abi::Header*>(file.data() + abi::kHeaderOffset);
  if (checked && header->module_digest != module) checked = error(ErrorKind::malformed, "artifact: of another module");
  munmap(start, size);
  return checked;
}

// A descriptor that can not write, for who runs the code.
Result<UniqueFd> reopen_for_reading(int fd) {
  UniqueFd file(open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return os_error(errno, "artifact");
  return file;
}

bool is_full(int fd) {
  struct statvfs status;
  return fstatvfs(fd, &status) == 0 && status.f_bavail * status.f_bsize < (1 << 20);
}

Result<void> Preparation::check_module() {
  struct stat status;
  if (fstat(module_fd_, &status) != 0) return os_error(errno, "module");
  if (!S_ISREG(status.st_mode)) return error(ErrorKind::invalid, "not a regular file");
  prepared_.module_size = static_cast<uint64_t>(status.st_size);
  if (prepared_.module_size > wasm::kMaxModuleSize) return error(ErrorKind::exhausted, "larger than 1 GiB");

  uint8_t head[8] = {};
  const ssize_t count = pread(module_fd_, head, sizeof head, 0);
  if (count < 0) return os_error(errno, "module");
  if (count == 0) return error(ErrorKind::malformed, "empty, not a WebAssembly module");
  if (memcmp(head, "\0asm", 4) != 0) return error(ErrorKind::malformed, "not a WebAssembly module");
  if (count == sizeof head && head[6] == 1 && head[7] == 0) {
    return error(ErrorKind::unsupported, "a component; only core modules can be run so far");
  }
  return {};
}

Result<Prepared> Preparation::run() {
  TRY(check_module());
  prepared_.module = TRY(cache_.module_digest(module_fd_));
  key_ = key_of(prepared_.module, options_);
  prepared_.key = to_hex(key_);
  if (!TRY(take_cached())) {
    if (cache_.unusable().empty()) {
      TRY(compile_and_store());
    } else {
      prepared_.warning = "no cache: " + cache_.unusable();
      TRY(compile_aside());
    }
  }
  struct stat status;
  if (fstat(prepared_.artifact.get(), &status) == 0) prepared_.artifact_size = static_cast<uint64_t>(status.st_size);
  return std::move(prepared_);
}

// True if the cache has a sound entry; one that is not is removed.
Result<bool> Preparation::take_cached() {
  auto found = cache_.find(key_);
  if (!found) {
    if (found.error().kind == ErrorKind::denied) prepared_.warning = "cache entry refused: " + found.error().message;
    return false;
  }
  const Result<void> sound = check_artifact_file(found->get(), key_, prepared_.module);
  if (!sound) {
    prepared_.warning = "cache entry replaced: " + sound.error().message;
    cache_.remove(key_);
    return false;
  }
  prepared_.artifact = std::move(*found);
  prepared_.cached = true;
  return true;
}

Result<void> Preparation::compile_and_store() {
  auto lock = cache_.lock(key_);
  if (!lock) {
    prepared_.warning = "cache not used: " + lock.error().message;
    return compile_aside();
  }
  Result<void> done = compile_locked();
  cache_.unlock(key_, std::move(*lock));
  return done;
}

Result<void> Preparation::compile_locked() {
  if (TRY(take_cached())) return {};  // who had the lock before made it
  auto file = cache_.temporary();
  if (!file) {
    prepared_.warning = "cache not used: " + file.error().message;
    return compile_aside();
  }
  const Result<void> compiled = compile(file->get());
  const bool full = !compiled && is_full(cache_.directory());
  if (!compiled && !full) return compiled.error();
  auto stored = full ? Result<UniqueFd>(compiled.error())
                     : cache_.store(key_, std::move(*file), prepared_.module_size);
  if (!stored) {
    file->reset();
    prepared_.warning = "cache not used: " + stored.error().message;
    return compile_aside();
  }
  prepared_.artifact = std::move(*stored);
  return {};
}

// Into a file of this process only.
Result<void> Preparation::compile_aside() {
  const UniqueFd file(memfd_create("wherry-artifact", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return os_error(errno, "artifact");
  TRY(compile(file.get()));
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  prepared_.artifact = TRY(reopen_for_reading(file.get()));
  return {};
}

abi::CompileRequest Preparation::request() const {
  const CompilerLimits& limits = cache_.config().limits;
  abi::CompileRequest request;
  request.flags = options_.explicit_bounds_checks ? uint32_t{abi::kExplicitBoundsChecks} : 0;
  request.key = key_;
  request.features = features_of(options_);
  request.cpu_features = abi::host_cpu_features();
  request.memory_limit = limits.memory;
  request.artifact_limit = limits.artifact_size;
  request.progress_ms = tell_ ? kProgressInterval : 0;
  request.threads = limits.threads ? limits.threads : std::max(1u, std::thread::hardware_concurrency());
  return request;
}

Result<void> Preparation::compile(int artifact) {
  if (!abi::host_cpu_has_floor()) return error(ErrorKind::unsupported, "this processor lacks SSE4.1");
  const auto start = std::chrono::steady_clock::now();
  TRY(run_compiler(cache_.config(), request(), module_fd_, artifact, tell_));
  prepared_.compile_ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
  const Result<void> sound = check_artifact_file(artifact, key_, prepared_.module);
  if (sound) return {};
  // Most likely someone wrote to the module between our reading and the compiler's.
  return error(ErrorKind::unavailable, "the compiler's result is not usable (" + sound.error().message + ")");
}

}  // namespace

std::optional<Prepared> find_prepared(const Cache& cache, const Digest& module, const CompileOptions& options) {
  Prepared prepared;
  const abi::Key key = key_of(module, options);
  auto found = cache.find(key);
  if (!found || !check_artifact_file(found->get(), key, module)) return std::nullopt;
  prepared.artifact = std::move(*found);
  prepared.cached = true;
  prepared.key = to_hex(key);
  prepared.module = module;
  return prepared;
}

Result<Prepared> prepare(Cache& cache, int module_fd, std::string_view module_name, const CompileOptions& options,
                         const TellProgress& tell) {
  Result<Prepared> prepared = Preparation(cache, module_fd, options, tell).run();
  if (!prepared) return with_name(prepared.error(), module_name);
  return prepared;
}

}  // namespace wherry::engine
