// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace wherry::shim {

enum class Level : uint8_t { error, warning, info, debug };

// Writes lines of logrus' text format to containerd's log fifo. A line is one
// write of at most PIPE_BUF bytes, so lines of several threads do not mix; when
// the fifo is full, because containerd is down, lines are lost and nothing waits.
class Log {
 public:
  struct Field {
    std::string_view key;
    std::string_view value;
  };

  // `fd` is in non-blocking mode, or -1 for no log at all.
  Log(UniqueFd fd, Level level, std::string ns, std::string pod)
      : fd_(std::move(fd)), level_(level), namespace_(std::move(ns)), pod_(std::move(pod)) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Adds the namespace and the pod to the fields.
  void write(Level level, std::string_view message, std::initializer_list<Field> fields = {}) const;

  int fd() const { return fd_.get(); }

 private:
  const UniqueFd fd_;
  const Level level_;
  const std::string namespace_;
  const std::string pod_;
};

}  // namespace wherry::shim
