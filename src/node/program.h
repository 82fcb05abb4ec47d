// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::node {

// A program that ended in time.
struct Ended {
  int code = 0;  // 128+N after signal N
  std::string output;
};

enum class Stderr : uint8_t { discarded, with_stdout, inherited };

// Runs a program, by its absolute path, to its end. What it leaves running does not hold it up, but
// should have other streams: the pipe is closed. `input` is its standard input, /dev/null without one.
Result<Ended> run_program(const std::vector<std::string>& command, std::chrono::milliseconds limit, Stderr errors,
                          int input = -1);

// What a program printed on standard output, if it ended with 0 in time.
Result<std::string> output_of(const std::vector<std::string>& command, std::chrono::milliseconds limit);

// The file `name` in the first directory of a PATH that has it as an executable, or "".
std::string find_on_path(std::string_view name, std::string_view path);

}  // namespace wherry::node
