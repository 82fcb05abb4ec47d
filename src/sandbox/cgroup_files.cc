// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/fd.h"

namespace wherry::sandbox {
namespace {
constexpr size_t kMaxControlBytes = 4 << 20;  // cgroup.procs of a big pod
}

Result<std::string> read_control(const std::string& path) {
  std::string text = TRY(read_file(path, kMaxControlBytes));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Result<void> write_control(const std::string& path, std::string_view value) {
  // O_TRUNC means nothing to the kernel's files; it is for trees made by tests.
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd) return os_error(errno, path);
  ssize_t n;
  do n = ::write(fd.get(), value.data(), value.size());
  while (n < 0 && errno == EINTR);
  if (n < 0) return os_error(errno, path + ": writing `" + std::string(value) + "`");
  return {};
}

bool control_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

uint64_t parse_number(std::string_view text, uint64_t missing) {
  constexpr uint64_t kUnlimited = uint64_t{1} << 62;
  if (text == "max") return UINT64_MAX;
  uint64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) return missing;
  return number > kUnlimited ? UINT64_MAX : number;
}

uint64_t read_number(const std::string& path, uint64_t missing) {
  const auto text = read_control(path);
  return text ? parse_number(*text, missing) : missing;
}

KeyedNumbers read_keyed(const std::string& path) {
  KeyedNumbers numbers;
  const auto text = read_control(path);
  if (!text) return numbers;
  for (const std::string_view line : split_words(*text, "\n")) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    numbers.emplace_back(line.substr(0, space), parse_number(line.substr(space + 1)));
  }
  return numbers;
}

uint64_t value_of(const KeyedNumbers& numbers, std::string_view key, uint64_t missing) {
  for (const auto& [name, value] : numbers) {
    if (name == key) return value;
  }
  return missing;
}

std::vector<std::string_view> split_words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_of(separators), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::vector<std::string> subdirectories(const std::string& path) {
  std::vector<std::string> names;
  DIR* const directory = ::opendir(path.c_str());
  if (!directory) return names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(directory);
  return names;
}

}  // namespace wherry::sandbox
