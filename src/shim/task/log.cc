// SPDX-License-Identifier: Apache-2.0
#include "shim/task/log.h"

#include <limits.h>
#include <time.h>

#include <algorithm>

namespace wherry::shim {
namespace {

constexpr std::string_view kLevelNames[] = {"error", "warning", "info", "debug"};

std::string timestamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char text[48];
  const size_t size = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%09ldZ", now.tv_nsec);
  return text;
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c != '\0' && std::string_view("-._/@^+").find(c) != std::string_view::npos);
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += '?';
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_field(std::string& out, std::string_view key, std::string_view value) {
  out.append(" ").append(key).append("=");
  if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain)) {
    out += value;
  } else {
    append_quoted(out, value);
  }
}

}  // namespace

void Log::write(Level level, std::string_view message, std::initializer_list<Field> fields) const {
  if (!fd_ || level > level_) return;
  std::string line = "time=\"" + timestamp() + "\" level=" + std::string(kLevelNames[static_cast<int>(level)]) + " msg=";
  std::string tail;
  for (const Field& field : fields) append_field(tail, field.key, field.value.substr(0, 512));
  if (!namespace_.empty()) append_field(tail, "namespace", namespace_);
  if (!pod_.empty()) append_field(tail, "pod", pod_);
  tail += '\n';
  // Escapes at most double the message.
  append_quoted(line, message.substr(0, (PIPE_BUF - std::min<size_t>(line.size() + tail.size() + 2, PIPE_BUF)) / 2));
  line += tail;
  [[maybe_unused]] const ssize_t lost = ::write(fd_.get(), line.data(), line.size());
}

}  // namespace wherry::shim
