// SPDX-License-Identifier: Apache-2.0
#include "core/io.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace toolbox {
namespace {

constexpr size_t kBuffer = 32 << 10;
// What one command of a pipeline may say before the next one runs.
constexpr size_t kMaxCollected = 64 << 20;

bool is_terminal_fd(int fd) { return fd >= 0 && ::isatty(fd); }

}  // namespace

Output::~Output() {
  flush();
  if (owned_) ::close(fd_);
}

bool Output::write_through(std::string_view text) {
  if (memory_) {
    if (text.size() > kMaxCollected - std::min(kMaxCollected, memory_->size())) return errno = EFBIG, false;
    memory_->append(text);
    return true;
  }
  while (!text.empty()) {
    const ssize_t n = ::write(fd_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void Output::write(std::string_view text) {
  if (failed_) return;
  if (buffer_.size() + text.size() > kBuffer) flush();
  if (text.size() >= kBuffer) {
    failed_ |= !write_through(text);
  } else {
    buffer_.append(text);
  }
}

void Output::format(const char* format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (size < static_cast<int>(sizeof text)) return write({text, static_cast<size_t>(std::max(size, 0))});
  std::string long_text(static_cast<size_t>(size), '\0');
  va_start(arguments, format);
  std::vsnprintf(long_text.data(), long_text.size() + 1, format, arguments);
  va_end(arguments);
  write(long_text);
}

bool Output::flush() {
  if (!failed_ && !buffer_.empty()) failed_ = !write_through(buffer_);
  buffer_.clear();
  return !failed_;
}

bool Output::is_terminal() const { return is_terminal_fd(fd_); }

Input::~Input() {
  if (owned_) ::close(fd_);
}

bool Input::fill() {
  if (at_ < buffer_.size()) return true;
  if (fd_ < 0) return false;
  buffer_.resize(kBuffer);
  at_ = 0;
  ssize_t n;
  do n = ::read(fd_, buffer_.data(), buffer_.size());
  while (n < 0 && errno == EINTR);
  if (n < 0) error_ = errno;
  buffer_.resize(static_cast<size_t>(std::max(n, ssize_t{0})));
  return !buffer_.empty();
}

size_t Input::read(char* into, size_t size) {
  if (!fill()) return 0;
  const size_t n = std::min(size, buffer_.size() - at_);
  std::memcpy(into, buffer_.data() + at_, n);
  at_ += n;
  return n;
}

int Input::peek() { return fill() ? static_cast<unsigned char>(buffer_[at_]) : -1; }

int Input::get() {
  const int c = peek();
  if (c >= 0) at_++;
  return c;
}

bool Input::line(std::string& text, char end, bool* ended) {
  text.clear();
  bool any = false;
  while (fill()) {
    any = true;
    const size_t stop = buffer_.find(end, at_);
    text.append(buffer_, at_, std::min(stop, buffer_.size()) - at_);
    at_ = stop == buffer_.npos ? buffer_.size() : stop + 1;
    if (stop != buffer_.npos) {
      if (ended) *ended = true;
      return true;
    }
  }
  if (ended) *ended = false;
  return any;
}

std::string Input::rest() {
  std::string text;
  while (fill()) {
    text.append(buffer_, at_);
    at_ = buffer_.size();
  }
  return text;
}

bool Input::is_terminal() const { return is_terminal_fd(fd_); }

bool copy(Input& in, Output& out) {
  std::string buffer(kBuffer, '\0');
  while (const size_t n = in.read(buffer.data(), buffer.size())) {
    out.write({buffer.data(), n});
    out.flush();
    if (out.failed()) return false;
  }
  return !in.failed();
}

}  // namespace toolbox
