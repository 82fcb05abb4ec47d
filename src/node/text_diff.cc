// SPDX-License-Identifier: Apache-2.0
#include "node/text_diff.h"

#include <algorithm>
#include <span>
#include <vector>

namespace wherry::node {
namespace {

using Lines = std::vector<std::string_view>;

Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

void append(std::string& out, char mark, std::span<const std::string_view> lines) {
  for (const std::string_view line : lines) {
    out += mark;
    out += line;
    if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
  }
}

std::string range(size_t start, size_t count) {
  return std::to_string(count == 0 ? start : start + 1) + "," + std::to_string(count);
}

}  // namespace

std::string text_diff(std::string_view before, std::string_view after, const std::string& path) {
  constexpr size_t kContext = 3;
  if (before == after) return "";
  const Lines old_lines = split(before), new_lines = split(after);
  const size_t shorter = std::min(old_lines.size(), new_lines.size());
  size_t same = 0, tail = 0;
  while (same < shorter && old_lines[same] == new_lines[same]) ++same;
  while (tail < shorter - same && old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail])
    ++tail;
  const size_t start = same - std::min(same, kContext), after_hunk = std::min(tail, kContext);
  const auto changed = [&](const Lines& lines) { return std::span(lines).subspan(same, lines.size() - same - tail); };
  std::string out = "--- " + path + "\n+++ " + path + "\n@@ -";
  out += range(start, old_lines.size() - tail + after_hunk - start) + " +";
  out += range(start, new_lines.size() - tail + after_hunk - start) + " @@\n";
  append(out, ' ', std::span(old_lines).subspan(start, same - start));
  append(out, '-', changed(old_lines));
  append(out, '+', changed(new_lines));
  append(out, ' ', std::span(old_lines).subspan(old_lines.size() - tail, after_hunk));
  return out;
}

}  // namespace wherry::node
