// SPDX-License-Identifier: Apache-2.0
#include "shim/task/stdio.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace wherry::shim {
namespace {

constexpr std::chrono::seconds kDrainTime{10}, kReadyTime{10};

Result<void> set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return os_error(errno, "standard streams");
  return {};
}

Result<void> set_blocking(int fd, const std::string& path) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) return os_error(errno, path);
  return {};
}

Result<UniqueFd> open_path(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd) return os_error(errno, path);
  return fd;
}

Result<bool> is_fifo(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return os_error(errno, path);
  return S_ISFIFO(info.st_mode);
}

// A writer is only given out when somebody reads or is about to (a reader that
// waits in open counts): what is written before that could get lost.
Result<UniqueFd> open_writer(const std::string& path, const Deadline& deadline) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (fd) {
    TRY(set_blocking(fd.get(), path));
    return fd;
  }
  if (errno != ENXIO) return os_error(errno, path);
  enum Phase { waiting, opened, late };
  struct Wait {
    std::atomic<Phase> phase = waiting;
    UniqueFd reader;
  };
  const auto wait = std::make_shared<Wait>();  // shared with an action that may come after all is over
  deadline([wait, path] {
    Phase expected = waiting;
    if (!wait->phase.compare_exchange_strong(expected, late)) return;
    // A reader of our own ends the wait below, also one that has not begun: it stays open.
    wait->reader.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  });
  do {
    fd.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  } while (!fd && errno == EINTR);
  const int saved_errno = errno;
  Phase expected = waiting;
  if (!wait->phase.compare_exchange_strong(expected, opened)) {
    return error(ErrorKind::unavailable, path + ": nobody opened the fifo for reading");
  }
  if (!fd) return os_error(saved_errno, path);
  return fd;
}

Result<void> make_directories(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return os_error(errno, directory);
  }
  return {};
}

Result<UniqueFd> open_log_file(const std::string& path) {
  if (path.empty() || path[0] != '/') return error(ErrorKind::invalid, "log URI: expected file:///path, found \"file://" + path + "\"");
  TRY(make_directories(path));
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return os_error(errno, path);
  return fd;
}

// The scheme of a URI, "" for a plain path; `rest` is what follows "://".
std::string_view split_scheme(std::string_view text, std::string_view& rest) {
  const size_t at = text.find("://");
  rest = at == std::string_view::npos ? text : text.substr(at + 3);
  return at == std::string_view::npos ? std::string_view() : text.substr(0, at);
}

}  // namespace

Result<std::unique_ptr<Stdio>> Stdio::open(const StdioConfig& config, const Deadline& deadline, StreamRelay* relay) {
  std::unique_ptr<Stdio> stdio(new Stdio(relay));
  if (!TRY(stdio->open_stream(0, config.stdin_path)) && !config.stdin_path.empty()) {
    const std::string& path = config.stdin_path;
    stdio->container_[0] = TRY(open_path(path, O_RDONLY | O_NONBLOCK));
    TRY(set_blocking(stdio->container_[0].get(), path));
    if (TRY(is_fifo(path))) {
      stdio->stdin_fifo_ = path;
      stdio->stdin_probe_.reset(::fcntl(stdio->container_[0].get(), F_DUPFD_CLOEXEC, 0));
      if (!stdio->stdin_probe_) return os_error(errno, path);
    }
  }
  TRY(stdio->open_outputs(config, deadline));
  if (config.terminal) TRY(stdio->keep_ends_for_terminal());
  return stdio;
}

Result<void> Stdio::keep_ends_for_terminal() {
  for (int i = 0; i < 2; i++) {
    if (!container_[i]) continue;
    TRY(set_nonblocking(container_[i].get()));
    terminal_[i] = std::move(container_[i]);
  }
  container_[2].reset();
  return {};
}

Stdio::~Stdio() {
  for (const std::string& id : streams_) {
    if (!id.empty()) relay_->forget(id);
  }
}

// False if the path is not a stream's URI.
Result<bool> Stdio::open_stream(int number, const std::string& uri) {
  const std::string id = Streams::id_of(uri);
  if (id.empty() || !relay_) return false;
  container_[number] = TRY(number == 0 ? relay_->open_input(id) : relay_->open_output(id));
  streams_[number] = id;
  return true;
}

bool Stdio::is_streamed() const { return !streams_[1].empty() || !streams_[2].empty(); }

bool Stdio::unread() const {
  if (is_streamed() && (relay_->unread(streams_[1]) || relay_->unread(streams_[2]))) return true;
  return std::any_of(std::begin(readers_), std::end(readers_), [](const UniqueFd& reader) {
    int bytes = 0;
    return reader && ::ioctl(reader.get(), FIONREAD, &bytes) == 0 && bytes > 0;
  });
}

void Stdio::drain() {
  if (logger_) logger_->finish();
  const auto end = std::chrono::steady_clock::now() + kDrainTime;
  for (int i = 1; i <= 2; i++) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (!streams_[i].empty()) relay_->finish(streams_[i], std::max(left, std::chrono::milliseconds(0)));
  }
}

Result<void> Stdio::open_outputs(const StdioConfig& config, const Deadline& deadline) {
  const bool streams_out = TRY(open_stream(1, config.stdout_path));
  const bool streams_err = !config.terminal && TRY(open_stream(2, config.stderr_path));
  if (streams_out || streams_err) return {};
  std::string_view rest;
  const std::string_view scheme = split_scheme(config.stdout_path, rest);
  if (scheme == "file") {
    container_[1] = TRY(open_log_file(std::string(rest)));
    container_[2].reset(::fcntl(container_[1].get(), F_DUPFD_CLOEXEC, 0));
    if (!container_[2]) return os_error(errno, config.stdout_path);
    return {};
  }
  if (scheme == "binary" || scheme == "binary-v2") return start_logger(scheme, rest, config);
  if (!scheme.empty() && scheme != "fifo") return error(ErrorKind::invalid, "log URI " + config.stdout_path + ": unknown scheme");
  // A terminal has one output; the other fifo is named, but nobody reads it.
  const std::string paths[3] = {"", std::string(rest), config.terminal ? "" : config.stderr_path};
  for (int i = 1; i <= 2; i++) {
    const std::string& path = paths[i];
    if (path.empty()) continue;
    if (!TRY(is_fifo(path))) {
      container_[i] = TRY(open_path(path, O_WRONLY | O_APPEND));
      continue;
    }
    container_[i] = TRY(open_writer(path, deadline));
    readers_[i] = TRY(open_path(path, O_RDONLY | O_NONBLOCK));
  }
  return {};
}

Result<void> Stdio::start_logger(std::string_view scheme, std::string_view rest, const StdioConfig& config) {
  Logger::Config logger = TRY(Logger::parse(scheme, rest));
  logger.container = config.container;
  logger.ns = config.ns;
  logger_ = TRY(Logger::create(logger, kReadyTime));
  container_[1] = logger_->take_stdout();
  container_[2] = logger_->take_stderr();
  return {};
}

Result<void> Stdio::started() {
  const UniqueFd probe = std::move(stdin_probe_);
  if (stdin_fifo_.empty() || !probe) return {};
  // Set only if a writer has come and gone since the reader was opened.
  pollfd seen{probe.get(), POLLIN, 0};
  if (::poll(&seen, 1, 0) > 0 && (seen.revents & POLLHUP)) return {};
  stdin_writer_ = TRY(open_path(stdin_fifo_, O_WRONLY | O_NONBLOCK));
  return {};
}

void Stdio::close_stdin() {
  if (!streams_[0].empty()) relay_->end_input(streams_[0]);
  stdin_fifo_.clear();
  stdin_writer_.reset();
}

void Stdio::container_has_them() {
  for (UniqueFd& fd : container_) fd.reset();
}

}  // namespace wherry::shim
