// SPDX-License-Identifier: Apache-2.0
#include "sandbox/systemd/manager.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace wherry::sandbox {
namespace {

constexpr std::string_view kDestination = "org.freedesktop.systemd1";
constexpr std::string_view kPath = "/org/freedesktop/systemd1";
constexpr std::string_view kInterface = "org.freedesktop.systemd1.Manager";
constexpr size_t kMaxSignals = 4096;
constexpr size_t kMaxLine = 4096;

Error unavailable(std::string_view what) { return error(ErrorKind::unavailable, "systemd: " + std::string(what)); }

std::string hexadecimal(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) out.append({kDigits[static_cast<uint8_t>(c) >> 4], kDigits[c & 15]});
  return out;
}

struct Job {
  std::string path, result;
};

// JobRemoved(id, job, unit, result)
Result<Job> job_of(const dbus::Message& signal) {
  dbus::Reader in(signal.body);
  TRY(in.uint32());
  Job job;
  job.path = TRY(in.string());
  TRY(in.string());
  job.result = TRY(in.string());
  return job;
}

}  // namespace

Result<std::unique_ptr<SystemdManager>> SystemdManager::connect(const std::string& path, Clock::time_point until) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return unavailable("the socket's path is too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return os_error(errno, "systemd: socket");
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return unavailable("no answer at " + path + ": " + std::strerror(errno));
  }
  std::unique_ptr<SystemdManager> manager(new SystemdManager(std::move(socket), until));
  TRY(manager->authenticate());
  return manager;
}

Result<void> SystemdManager::authenticate() {
  std::string hello(1, '\0');
  hello += "AUTH EXTERNAL " + hexadecimal(std::to_string(::geteuid())) + "\r\n";
  TRY(send(hello));
  size_t end = 0;
  while ((end = in_.find("\r\n")) == std::string::npos) {
    if (in_.size() > kMaxLine) return unavailable("an answer of no end to AUTH");
    TRY(fill(in_.size() + 1));
  }
  const std::string answer = in_.substr(0, end);
  in_.erase(0, end + 2);
  if (!answer.starts_with("OK")) return unavailable("refused to talk to us: " + answer);
  return send("BEGIN\r\n");
}

Result<void> SystemdManager::wait(short events) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now()).count();
    if (left <= 0) return unavailable("no answer in time");
    pollfd poll{socket_.get(), events, 0};
    const int n = ::poll(&poll, 1, static_cast<int>(left));
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return os_error(errno, "systemd: poll");
  }
}

Result<void> SystemdManager::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      TRY(wait(POLLOUT));
    } else if (errno != EINTR) {
      return os_error(errno, "systemd: send");
    }
  }
  return {};
}

// Waits until at least `size` bytes are there.
Result<void> SystemdManager::fill(size_t size) {
  while (in_.size() < size) {
    char buffer[16 << 10];
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (n == 0) return unavailable("closed the connection");
    if (n > 0) {
      in_.append(buffer, static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      TRY(wait(POLLIN));
    } else if (errno != EINTR) {
      return os_error(errno, "systemd: receive");
    }
  }
  return {};
}

Result<dbus::Message> SystemdManager::receive() {
  TRY(fill(dbus::kFixedHeader));
  const size_t size = TRY(dbus::message_size(in_));
  TRY(fill(size));
  dbus::Message message = TRY(dbus::parse(std::string_view(in_).substr(0, size)));
  in_.erase(0, size);
  return message;
}

Result<dbus::Message> SystemdManager::request(std::string_view member, std::string_view signature, std::string body) {
  const uint32_t serial = ++serial_;
  TRY(send(dbus::marshal({kDestination, kPath, kInterface, member, signature, std::move(body)}, serial)));
  for (;;) {
    dbus::Message message = TRY(receive());
    if (message.type == dbus::Type::signal) {
      if (signals_.size() >= kMaxSignals) signals_.pop_front();
      signals_.push_back(std::move(message));
      continue;
    }
    if (message.reply_serial != serial) continue;
    if (message.type == dbus::Type::method_return) return message;
    dbus::Reader in(message.body);
    const auto text = in.string();
    return unavailable(std::string(member) + ": " + message.error_name + (text ? ": " + std::string(*text) : ""));
  }
}

Result<void> SystemdManager::call(std::string_view member, std::string_view signature, std::string body) {
  TRY(request(member, signature, std::move(body)));
  return {};
}

Result<void> SystemdManager::run_job(std::string_view member, std::string_view signature, std::string body) {
  const dbus::Message reply = TRY(request(member, signature, std::move(body)));
  dbus::Reader in(reply.body);
  const std::string wanted(TRY(in.string()));
  for (;;) {
    dbus::Message signal;
    if (signals_.empty()) {
      signal = TRY(receive());
    } else {
      signal = std::move(signals_.front());
      signals_.pop_front();
    }
    if (signal.type != dbus::Type::signal || signal.member != "JobRemoved") continue;
    const Job job = TRY(job_of(signal));
    if (job.path != wanted) continue;
    if (job.result == "done") return {};
    return unavailable(std::string(member) + ": the job ended with `" + job.result + "`");
  }
}

}  // namespace wherry::sandbox
