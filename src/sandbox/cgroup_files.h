// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace wherry::sandbox {

// The small text files of a cgroup's directory.

// The content without the newline at the end.
Result<std::string> read_control(const std::string& path);
// One write of the whole value.
Result<void> write_control(const std::string& path, std::string_view value);
bool control_exists(const std::string& path);

// A number, or `missing` if the file is absent or unreadable; "max" and values
// past 2^62 (v1's way to say it) are UINT64_MAX.
uint64_t read_number(const std::string& path, uint64_t missing = 0);
uint64_t parse_number(std::string_view text, uint64_t missing = 0);

// "key value" lines, as in memory.stat; empty if the file is absent.
using KeyedNumbers = std::vector<std::pair<std::string, uint64_t>>;
KeyedNumbers read_keyed(const std::string& path);
uint64_t value_of(const KeyedNumbers& numbers, std::string_view key, uint64_t missing = 0);

std::vector<std::string_view> split_words(std::string_view text, std::string_view separators = " \t\n");

// The names of the directories in a directory, without . and .. and symbolic links.
std::vector<std::string> subdirectories(const std::string& path);

}  // namespace wherry::sandbox
