// SPDX-License-Identifier: Apache-2.0
#include "baseline/compile_job.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "abi/artifact_writer.h"
#include "base/sha256.h"
#include "baseline/module_compiler.h"
#include "decode/decode.h"
#include "decode/names.h"
#include "wasm/limits.h"

namespace wherry::baseline {

Result<std::vector<uint8_t>> read_module(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return os_error(errno, "module");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size > wasm::kMaxModuleSize) return error(ErrorKind::exhausted, "the module is larger than 1 GiB");
  std::vector<uint8_t> bytes(size);
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t n = pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, "module");
    if (n == 0) break;
    at += static_cast<size_t>(n);
  }
  bytes.resize(at);
  return bytes;
}

Result<JobResult> compile_job(std::span<const uint8_t> bytes, const abi::CompileRequest& request, int artifact_fd,
                              Progress* progress) {
  Options options;
  options.explicit_bounds_checks = request.flags & abi::kExplicitBoundsChecks;
  options.dirty_upper_bits = request.flags & abi::kDirtyUpperBits;
  options.cpu_features = request.cpu_features;
  options.features = wasm::FeatureSet::from_bits(request.features);
  options.threads = request.threads ? request.threads : 1;

  const wasm::Module module = TRY(decode::decode(bytes, options.features));
  const auto context = TRY(validate::validate_module(module, options.features));
  const auto compiled = TRY(compile_module(module, *context, options, progress));
  const decode::Names names = decode::names(module);

  abi::ArtifactInfo info;
  info.key = request.key;
  info.module_digest = sha256(bytes);
  info.features_used = options.features.bits();
  info.cpu_features = options.cpu_features;
  info.flags = request.flags;
  info.function_names = names.functions;
  const uint64_t size = TRY(abi::write_artifact(artifact_fd, module, compiled->code, info));
  uint64_t bodies = 0;
  for (const wasm::Code& code : module.code) bodies += code.body.bytes.size();
  return JobResult{module.code.size(), bodies, compiled->code_size, size, compiled->validate_ns, compiled->compile_ns};
}

}  // namespace wherry::baseline
