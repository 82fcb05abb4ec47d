// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace toolbox {

// Where an applet writes: a descriptor, which it may own, or a text in memory when the shell
// collects it. Buffered; after the first failure nothing more is written.
class Output {
 public:
  explicit Output(int fd, bool owned = false) : fd_(fd), owned_(owned) {}
  explicit Output(std::string* memory) : memory_(memory) {}
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view text);
  void put(char c) { write(std::string_view(&c, 1)); }
  void line(std::string_view text) { write(text), put('\n'); }
  [[gnu::format(printf, 2, 3)]] void format(const char* format, ...);
  // False after a failure.
  bool flush();
  bool failed() const { return failed_; }
  bool is_terminal() const;

 private:
  bool write_through(std::string_view text);

  const int fd_ = -1;
  const bool owned_ = false;
  std::string* const memory_ = nullptr;
  std::string buffer_;
  bool failed_ = false;
};

// What an applet reads: a descriptor, which it may own, or a text in memory.
class Input {
 public:
  explicit Input(int fd, bool owned = false) : fd_(fd), owned_(owned) {}
  explicit Input(std::string memory) : buffer_(std::move(memory)) {}
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // Up to `size` bytes; 0 at the end and after a failure.
  size_t read(char* into, size_t size);
  // -1 at the end.
  int get();
  int peek();
  // A line without its end; false if there is none. `ended` says whether its end was there.
  bool line(std::string& text, char end = '\n', bool* ended = nullptr);
  std::string rest();
  bool failed() const { return error_ != 0; }
  int error() const { return error_; }  // an errno
  int fd() const { return fd_; }        // -1: memory
  bool is_terminal() const;

 private:
  bool fill();

  const int fd_ = -1;
  const bool owned_ = false;
  std::string buffer_;
  size_t at_ = 0;
  int error_ = 0;
};

// Both to the end; false if one failed.
bool copy(Input& in, Output& out);

}  // namespace toolbox
