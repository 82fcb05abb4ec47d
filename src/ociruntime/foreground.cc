// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/foreground.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/pidfd.h"

namespace wherry::ociruntime {
namespace {

constexpr int kPassed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};
constexpr int kSignalled = 128;

Result<int> reap(int pidfd) {
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED) != 0) {
    if (errno != EINTR) return os_error(errno, "wait");
  }
  return info.si_code == CLD_EXITED ? info.si_status : kSignalled + info.si_status;
}

}  // namespace

Result<std::unique_ptr<Foreground>> Foreground::create() {
  std::unique_ptr<Foreground> self(new Foreground);
  TRY(self->watch_signals());
  return self;
}

Foreground::~Foreground() {
  if (before_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*before_);
}

Result<void> Foreground::watch_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : kPassed) ::sigaddset(&signals, number);
  ::sigaddset(&signals, SIGWINCH);
  signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return os_error(errno, "signalfd");
  ::sigaddset(&signals, SIGPIPE);  // output that nobody reads is an error of write()
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return os_error(errno, "sigprocmask");
  return {};
}

Result<void> Foreground::take_console(UniqueFd master) {
  master_ = std::move(master);
  termios mode;
  if (!master_) return {};
  if (::tcgetattr(STDIN_FILENO, &mode) != 0) return {};  // not one: bytes are copied all the same
  pass_size();
  before_ = mode;
  ::cfmakeraw(&mode);
  if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) != 0) return os_error(errno, "terminal");
  return {};
}

void Foreground::pass_size() {
  winsize size;
  if (master_ && ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

void Foreground::pass_signals(int pidfd) {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGWINCH) {
      pass_size();
    } else {
      sandbox::signal_pidfd(pidfd, number);
    }
  }
}

void Foreground::read_input() {
  char buffer[4096];
  const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (n > 0) {
    typed_.assign(buffer, static_cast<size_t>(n));
  } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
    input_ended_ = true;
    // A program that reads lines takes this character as the end.
    termios mode;
    if (::tcgetattr(master_.get(), &mode) == 0) typed_.assign(1, static_cast<char>(mode.c_cc[VEOF]));
  }
}

void Foreground::write_master() {
  const ssize_t n = ::write(master_.get(), typed_.data(), typed_.size());
  if (n > 0) typed_.erase(0, static_cast<size_t>(n));
  if (n < 0 && errno != EAGAIN && errno != EINTR) typed_.clear();
}

bool Foreground::read_master() {
  char buffer[4096];
  const ssize_t n = ::read(master_.get(), buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {  // EIO: nobody has the other end any more
    master_.reset();
    return false;
  }
  output_broken_ = output_broken_ || !write_all(STDOUT_FILENO, std::string_view(buffer, static_cast<size_t>(n)), "standard output");
  return true;
}

short Foreground::master_events() const { return static_cast<short>(POLLIN | (typed_.empty() ? 0 : POLLOUT)); }

Result<int> Foreground::attend(int pidfd) {
  enum : size_t { kProcess, kSignals, kMaster, kInput, kCount };
  for (;;) {
    const bool reads = master_ && !input_ended_ && typed_.empty();
    pollfd events[kCount] = {
        {pidfd, POLLIN, 0}, {signals_.get(), POLLIN, 0}, {master_.get(), master_events(), 0}, {reads ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(events, kCount, -1) < 0 && errno != EINTR) return os_error(errno, "poll");
    if (events[kSignals].revents) pass_signals(pidfd);
    if (events[kInput].revents) read_input();
    if (events[kMaster].revents & POLLOUT) write_master();
    if (events[kMaster].revents & ~POLLOUT) read_master();
    if (events[kProcess].revents) break;
  }
  while (master_ && read_master()) {
  }
  return reap(pidfd);
}

}  // namespace wherry::ociruntime
