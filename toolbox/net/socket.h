// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// WasmEdge's sockets. Failures set errno.
namespace toolbox {

struct Address {
  uint8_t bytes[16] = {};
  size_t size = 4;  // or 16
  uint16_t port = 0;
};
std::string to_string(const Address& address);

// Numbers as they are, names by the host's look-up. Empty with errno.
std::vector<Address> resolve(const std::string& host, uint16_t port);

// A stream socket's descriptor, -1 if none of them answers in time (nanoseconds, 0: no limit).
int connect_to(const std::vector<Address>& addresses, int64_t timeout);
// On every address of the machine; -1 with errno.
int listen_on(uint16_t port);

enum class Direction { read, write };
// False when the time (nanoseconds, 0: no limit) is over.
bool wait_for(int fd, Direction direction, int64_t timeout);
// Sends no more.
void end_sending(int fd);

std::optional<uint16_t> parse_port(const std::string& text);

}  // namespace toolbox
