// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/systemd/dbus_message.h"

namespace wherry::sandbox {

// A conversation with systemd itself over its own socket, as systemctl has it as
// root: no message bus in between, and signals come without a subscription.
// Everything is bounded in time by `until`. One thread.
class SystemdManager {
 public:
  using Clock = std::chrono::steady_clock;

  static Result<std::unique_ptr<SystemdManager>> connect(const std::string& socket, Clock::time_point until);
  SystemdManager(const SystemdManager&) = delete;
  SystemdManager& operator=(const SystemdManager&) = delete;

  // A method of org.freedesktop.systemd1.Manager that returns nothing we need.
  // The error's name, e.g. "org.freedesktop.systemd1.UnitExists", begins the message.
  Result<void> call(std::string_view member, std::string_view signature, std::string body);
  // One that returns a job: waits until it is done, an error if it did not end well.
  Result<void> run_job(std::string_view member, std::string_view signature, std::string body);

 private:
  SystemdManager(UniqueFd socket, Clock::time_point until) : socket_(std::move(socket)), until_(until) {}
  Result<void> authenticate();
  Result<dbus::Message> request(std::string_view member, std::string_view signature, std::string body);
  Result<dbus::Message> receive();
  Result<void> send(std::string_view bytes);
  Result<void> fill(size_t size);
  Result<void> wait(short events);

  const UniqueFd socket_;
  const Clock::time_point until_;
  uint32_t serial_ = 0;
  std::string in_;                    // received and not looked at
  std::deque<dbus::Message> signals_;  // that came before the reply
};

}  // namespace wherry::sandbox
