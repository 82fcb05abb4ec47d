// SPDX-License-Identifier: Apache-2.0
#include "abi/cpu.h"

namespace wherry::abi {

uint64_t host_cpu_features() {
  uint64_t bits = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
#define CPU(name, text) \
  if (__builtin_cpu_supports(text)) bits |= bit(Cpu::name);
#include "abi/cpu.def"
#undef CPU
#endif
  return bits;
}

bool host_cpu_has_floor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.1");
#else
  return false;
#endif
}

std::string cpu_feature_names(uint64_t bits) {
  std::string names;
#define CPU(name, text) \
  if (bits & bit(Cpu::name)) names += names.empty() ? text : " " text;
#include "abi/cpu.def"
#undef CPU
  return names;
}

}  // namespace wherry::abi
