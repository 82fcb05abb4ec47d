// SPDX-License-Identifier: Apache-2.0
#include "shim/task/logger.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "shim/task/spawn_options.h"

namespace wherry::shim {
namespace {

constexpr int kOut = 3, kErr = 4, kReady = 5;
constexpr int kFirstFree = 10;
constexpr std::chrono::milliseconds kReadTime{3000}, kLeaveTime{12000};
constexpr size_t kMaxArguments = 256;

struct Pipe {
  UniqueFd reader, writer;
};

// Above the numbers that the program finds them at.
Result<UniqueFd> move_up(int fd) {
  const UniqueFd low(fd);
  UniqueFd high(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstFree));
  if (!high) return os_error(errno, "logging program: pipe");
  return high;
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return os_error(errno, "logging program: pipe");
  auto reader = move_up(ends[0]);
  auto writer = move_up(ends[1]);
  if (!reader) return reader.error();
  if (!writer) return writer.error();
  return Pipe{std::move(*reader), std::move(*writer)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Percent-encoding, and + for a blank in a query.
Result<std::string> decode(std::string_view text, bool query) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '+' && query) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
      if (low < 0 || high * 16 + low == 0) return error(ErrorKind::invalid, "log URI: `" + std::string(text) + "` is not well encoded");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

Result<Logger::Config> Logger::parse(std::string_view scheme, std::string_view rest) {
  Config config;
  config.must_say_ready = scheme == "binary-v2";
  const size_t question = std::min(rest.find('?'), rest.size());
  config.path = TRY(decode(rest.substr(0, question), false));
  if (!config.path.starts_with('/')) return error(ErrorKind::invalid, "log URI: expected " + std::string(scheme) + ":///path, found `" + std::string(rest) + "`");
  std::string_view query = rest.substr(std::min(question + 1, rest.size()));
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    config.args.push_back(TRY(decode(pair.substr(0, equals), true)));
    config.args.push_back(TRY(decode(pair.substr(std::min(equals + 1, pair.size())), true)));
    if (config.args.size() > kMaxArguments) return error(ErrorKind::invalid, "log URI: more than " + std::to_string(kMaxArguments / 2) + " arguments");
  }
  return config;
}

Result<std::unique_ptr<Logger>> Logger::create(const Config& config, std::chrono::milliseconds patience) {
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  Pipe ready = TRY(make_pipe());
  std::unique_ptr<Logger> logger(new Logger);
  TRY(logger->spawn(config, out.reader, err.reader, ready.writer));
  logger->writers_[0] = std::move(out.writer);
  logger->writers_[1] = std::move(err.writer);
  ready.writer.reset();
  TRY(logger->wait_until_ready(config, ready.reader.get(), patience));
  return logger;
}

Result<void> Logger::spawn(const Config& config, const UniqueFd& out, const UniqueFd& err, const UniqueFd& ready) {
  std::string id = "CONTAINER_ID=" + config.container, ns = "CONTAINER_NAMESPACE=" + config.ns, path = config.path;
  std::vector<std::string> args = config.args;
  std::vector<char*> argv{path.data()}, env{id.data(), ns.data(), nullptr};
  for (std::string& argument : args) argv.push_back(argument.data());
  argv.push_back(nullptr);
  SpawnFiles files;
  for (int number = 0; number < 3; number++) files.set(number, -1);
  files.set(kOut, out.get());
  files.set(kErr, err.get());
  files.set(kReady, ready.get());
  const SpawnAttributes attributes;
  const int code = ::posix_spawn(&pid_, path.c_str(), files.get(), attributes.get(), argv.data(), env.data());
  if (code != 0) return os_error(code, "logging program " + path);
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (pidfd_) return {};
  const int saved = errno;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  return os_error(saved, "logging program " + path);
}

Result<void> Logger::wait_until_ready(const Config& config, int ready, std::chrono::milliseconds patience) {
  pollfd poll{ready, POLLIN, 0};
  int events;
  do events = ::poll(&poll, 1, static_cast<int>(patience.count()));
  while (events < 0 && errno == EINTR);
  if (events <= 0) return error(ErrorKind::unavailable, "logging program " + config.path + ": not ready within " + std::to_string(patience.count() / 1000) + " s");
  char byte;
  const bool said = ::read(ready, &byte, 1) == 1;
  if (said) return {};
  // A program that died closes it too.
  constexpr std::chrono::milliseconds kMoment{20};
  if (has_ended(kMoment)) return error(ErrorKind::unavailable, "logging program " + config.path + ": it ended before it was ready");
  if (config.must_say_ready) return error(ErrorKind::unavailable, "logging program " + config.path + ": it has not said that it is ready");
  return {};
}

bool Logger::has_ended(std::chrono::milliseconds patience) const {
  pollfd poll{pidfd_.get(), POLLIN, 0};
  int events;
  do events = ::poll(&poll, 1, static_cast<int>(patience.count()));
  while (events < 0 && errno == EINTR);
  return events > 0;
}

void Logger::reap() {
  siginfo_t info;
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  pidfd_.reset();
}

void Logger::finish() {
  if (!pidfd_) return;
  for (UniqueFd& writer : writers_) writer.reset();
  if (!has_ended(kReadTime)) {
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGTERM, nullptr, 0);
    if (!has_ended(kLeaveTime)) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }
  reap();
}

Logger::~Logger() {
  if (!pidfd_) return;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  reap();
}

}  // namespace wherry::shim
