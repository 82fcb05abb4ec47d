// SPDX-License-Identifier: Apache-2.0
// Decoding and validation speed on one core: validate_bench MODULE.wasm...
#include <time.h>

#include <algorithm>
#include <cstdio>

#include "base/fd.h"
#include "decode/decode.h"
#include "validate/validate.h"
#include "wasm/limits.h"

namespace wherry {
namespace {

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The fastest of several runs, as megabytes (10^6) per second.
template <class Work>
double speed(size_t bytes, Work work) {
  double best = 1e9;
  for (double total = 0; total < 1;) {
    const double start = cpu_seconds();
    work();
    const double took = cpu_seconds() - start;
    best = std::min(best, took);
    total += took;
  }
  return static_cast<double>(bytes) / best / 1e6;
}

Result<void> measure(const char* path) {
  const std::string file = TRY(read_file(path, wasm::kMaxModuleSize));
  const std::span<const uint8_t> binary(reinterpret_cast<const uint8_t*>(file.data()), file.size());
  const wasm::Module module = TRY(decode::decode(binary));
  TRY(validate::validate(module));
  size_t code = 0;
  for (const wasm::Code& function : module.code) code += function.body.bytes.size();
  const double decoding = speed(file.size(), [&] { (void)decode::decode(binary); });
  const double validation = speed(code, [&] { (void)validate::validate(module); });
  std::printf("%-40s %9zu bytes  decode %8.0f MB/s  validate %6.0f MB/s of code\n", path, file.size(), decoding, validation);
  return {};
}

}  // namespace
}  // namespace wherry

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (const auto done = wherry::measure(argv[i]); !done) {
      std::fprintf(stderr, "%s: %s\n", argv[i], done.error().to_string().c_str());
      return 1;
    }
  }
}
