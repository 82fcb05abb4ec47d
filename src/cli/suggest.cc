// SPDX-License-Identifier: Apache-2.0
#include "cli/suggest.h"

#include <algorithm>
#include <vector>

namespace wherry::cli {
namespace {

// Insertions, deletions, replacements and swaps of neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string suggestion(std::string_view typed, std::span<const std::string_view> words) {
  constexpr size_t kLongest = 64;
  if (typed.size() > kLongest) return "";
  std::string_view best;
  size_t least = typed.size() / 3 + 1;
  for (const std::string_view word : words) {
    const size_t distance = edit_distance(typed, word);
    if (distance > least || (distance == least && !best.empty())) continue;
    least = distance;
    best = word;
  }
  return best.empty() ? "" : ", did you mean `" + std::string(best) + "`?";
}

}  // namespace wherry::cli
