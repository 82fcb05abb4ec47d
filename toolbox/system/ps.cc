// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cctype>

#include "core/files.h"
#include "core/host.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

// A line "KEY:\tVALUE ..." of a status file: the first word after the key.
std::string status_word(const std::string& status, std::string_view key) {
  const size_t at = status.find("\n" + std::string(key) + ":");
  if (at == status.npos) return "?";
  const size_t start = status.find_first_not_of(" \t", at + key.size() + 2);
  return status.substr(start, status.find_first_of(" \t\n", start) - start);
}

std::string command_line(const std::string& pid, const std::string& status) {
  std::string text = process_file(pid + "/cmdline");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; }, '?');
  if (!text.empty()) return text;
  const size_t name = status.find('\t') + 1;
  return "[" + status.substr(name, status.find('\n') - name) + "]";
}

}  // namespace

int ps(Context& context, Arguments arguments) {
  for (size_t i = 1; i < arguments.size(); i++) {
    std::string letters = arguments[i].substr(arguments[i][0] == '-' ? 1 : 0);
    if (letters.find_first_not_of("aefuwxlTA") != letters.npos) return usage_error(context, "unrecognized option: " + arguments[i]);
  }
  std::vector<std::string> names;
  if (!directory_names("/proc", names)) return context.fail("there is no /proc to ask");
  std::vector<int64_t> pids;
  for (const std::string& name : names) {
    if (const auto pid = parse_number(name)) pids.push_back(*pid);
  }
  std::sort(pids.begin(), pids.end());
  context.out.format("%5s %5s %5s %5s %8s %s\n", "PID", "PPID", "USER", "STAT", "RSS", "COMMAND");
  for (const int64_t number : pids) {
    const std::string pid = std::to_string(number), status = process_file(pid + "/status");
    if (status.empty()) continue;  // it has ended meanwhile
    context.out.format("%5s %5s %5s %5s %8s %s\n", pid.c_str(), status_word(status, "PPid").c_str(), status_word(status, "Uid").c_str(),
                       status_word(status, "State").c_str(), status_word(status, "VmRSS").c_str(), command_line(pid, status).c_str());
  }
  return 0;
}

}  // namespace toolbox
