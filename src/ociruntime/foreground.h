// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <termios.h>

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::ociruntime {

// A process that somebody waits for at this terminal: signals to this process are
// passed on to it, and if it has a terminal of its own, that one's master is copied
// to and from the standard streams. One thread uses it.
class Foreground {
 public:
  // From now on signals are kept for attend(); by threads that are made later too, so
  // that it has to come before them.
  static Result<std::unique_ptr<Foreground>> create();
  ~Foreground();
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;

  // The master of the process's terminal; if it is none, nothing is copied. A terminal at
  // standard input is in raw mode until this object goes, and gives the master its size.
  Result<void> take_console(UniqueFd master);
  // Until the end of the process, which is a child of this one; its exit code, 128 + n
  // for signal n.
  Result<int> attend(int pidfd);

 private:
  Foreground() = default;
  Result<void> watch_signals();
  void pass_signals(int pidfd);
  void pass_size();
  void read_input();
  void write_master();
  bool read_master();  // false: nothing more for now
  short master_events() const;

  UniqueFd master_;
  UniqueFd signals_;
  std::optional<termios> before_;  // of a terminal that is in raw mode
  std::string typed_;              // read from the input, not yet in the master
  bool input_ended_ = false;
  bool output_broken_ = false;
};

}  // namespace wherry::ociruntime
