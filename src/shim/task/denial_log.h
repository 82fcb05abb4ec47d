// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "shim/task/log.h"
#include "shim/ttrpc/event_loop.h"

namespace wherry::shim {

// Whose guests are denied something, for the log.
struct DenialSource {
  std::string container, pod, name;
};

// Writes a line of the log for each datagram that a container's processes send
// about what their guests were denied. A process that floods the socket costs a
// few lines a second; what is lost is in the counters.
class DenialLog {
 public:
  // Any thread; loop and log outlive the object.
  static Result<std::unique_ptr<DenialLog>> create(EventLoop& loop, const Log& log, DenialSource source);
  ~DenialLog();
  DenialLog(const DenialLog&) = delete;
  DenialLog& operator=(const DenialLog&) = delete;

  int writer() const { return writer_.get(); }  // for the container's processes

 private:
  struct Reader;
  DenialLog(std::shared_ptr<Reader> reader, UniqueFd writer) : reader_(std::move(reader)), writer_(std::move(writer)) {}

  const std::shared_ptr<Reader> reader_;
  const UniqueFd writer_;
};

}  // namespace wherry::shim
