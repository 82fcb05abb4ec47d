// SPDX-License-Identifier: Apache-2.0
#include "wasi/watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <cerrno>

#include "runtime/signals.h"

namespace wherry::wasi {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
constexpr int kKnockMs = 10;

// Only ends the system call that it arrives in.
int knock_signal() { return runtime::interrupt_signal() + 1; }
void on_knock(int) {}

Result<void> install_knock() {
  struct sigaction action {};
  action.sa_handler = on_knock;
  action.sa_flags = SA_ONSTACK;
  if (::sigaction(knock_signal(), &action, nullptr) != 0) return os_error(errno, "signal handler");
  return {};
}

// Those that this process does not ignore: nohup's SIGHUP stays ignored.
sigset_t signals_to_take() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kSignals) {
    struct sigaction action;
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Result<std::unique_ptr<Watcher>> Watcher::create(runtime::Store& store, const Config& config) {
  std::unique_ptr<Watcher> watcher(new Watcher(store));
  pthread_sigmask(SIG_SETMASK, nullptr, &watcher->old_mask_);
  TRY(watcher->open(config));
  return watcher;
}

Result<void> Watcher::open(const Config& config) {
  TRY(install_knock());
  stop_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!stop_) return os_error(errno, "eventfd");
  if (config.timeout.count() > 0) {
    timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    itimerspec time{};
    time.it_value = {static_cast<time_t>(config.timeout.count() / 1'000'000'000), config.timeout.count() % 1'000'000'000};
    if (!timer_ || ::timerfd_settime(timer_.get(), 0, &time, nullptr) != 0) return os_error(errno, "timer");
  }
  if (config.signals) {
    const sigset_t set = signals_to_take();
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC));
    if (!signals_) return os_error(errno, "signalfd");
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
  }
  return start_thread();
}

// The thread inherits a mask with everything blocked: no signal of the process is
// for it.
Result<void> Watcher::start_thread() {
  constexpr size_t kStack = 64 << 10;
  sigset_t all, mask;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &mask);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  const auto body = [](void* self) -> void* {
    static_cast<Watcher*>(self)->watch();
    return nullptr;
  };
  const int code = pthread_create(&thread_, &attributes, body, this);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  if (code != 0) return os_error(code, "thread");
  running_ = true;
  return {};
}

Watcher::~Watcher() {
  if (running_) {
    ::eventfd_write(stop_.get(), 1);
    pthread_join(thread_, nullptr);
  }
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

void Watcher::watch() {
  bool knocking = false;
  for (;;) {
    pollfd fds[] = {{stop_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}, {timer_.get(), POLLIN, 0}};
    const int n = ::poll(fds, 3, knocking ? kKnockMs : -1);
    if (n < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    if (fds[1].revents != 0) {
      signalfd_siginfo info;
      if (::read(signals_.get(), &info, sizeof info) == sizeof info) store_.interrupt(info.ssi_signo);
      knocking = true;
    }
    if (fds[2].revents != 0) {
      store_.interrupt(kTimeout);
      timer_.reset();
      knocking = true;
    }
    if (n == 0) pthread_kill(guest_, knock_signal());
  }
}

PipeSignalIgnored::PipeSignalIgnored() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &old_);
}

PipeSignalIgnored::~PipeSignalIgnored() { ::sigaction(SIGPIPE, &old_, nullptr); }

}  // namespace wherry::wasi
