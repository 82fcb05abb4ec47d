// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "applet.h"

namespace toolbox {

int Context::fail(const char* format, ...) {
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  out.flush();
  err.write(name);
  err.write(": ");
  err.line(text);
  return 1;
}

int Context::fail_errno(std::string_view what) {
  const int code = errno;
  return fail("%.*s: %s", static_cast<int>(what.size()), what.data(), std::strerror(code));
}

Input* Context::open(const std::string& path, std::unique_ptr<Input>& holder) {
  if (path == "-") return &in;
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) return fail_errno(path), nullptr;
  holder = std::make_unique<Input>(fd, true);
  return holder.get();
}

}  // namespace toolbox
