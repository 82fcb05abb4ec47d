// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "wasi/p1/p1.h"

namespace wherry::wasi {
namespace {

enum Modules : unsigned { snapshot = 1, unstable = 2, both = 3 };

struct Row {
  Modules modules;
  Import import;
};

constexpr Row kRows[] = {
#define P1(modules, name, method, parameters) {modules, import_of<&P1::method>(#name)},
#include "wasi/p1/p1.def"
#undef P1
    {both, import_of<&P1::proc_exit>("proc_exit")},
};

template <Modules kModule>
constexpr auto select() {
  constexpr size_t kCount = [] {
    size_t count = 0;
    for (const Row& row : kRows) count += (row.modules & kModule) != 0;
    return count;
  }();
  std::array<Import, kCount> imports;
  size_t at = 0;
  for (const Row& row : kRows) {
    if (row.modules & kModule) imports[at++] = row.import;
  }
  return imports;
}

constexpr auto kSnapshot = select<snapshot>();
constexpr auto kUnstable = select<unstable>();

}  // namespace

std::span<const Import> snapshot_preview1_imports() { return kSnapshot; }
std::span<const Import> unstable_imports() { return kUnstable; }

}  // namespace wherry::wasi
