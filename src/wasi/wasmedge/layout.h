// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "wasi/guest/memory.h"

// WasmEdge's records in a guest's memory.
namespace wherry::wasi::layout {

struct Sockaddr {
  uint8_t family;
  uint8_t pad[3];
  uint32_t size;  // of the data
  uint32_t data;  // points to the port in network order, then the address
};
static_assert(sizeof(Sockaddr) == 12);

struct Addrinfo {
  uint16_t flags;
  uint8_t family;
  uint8_t socktype;
  uint32_t protocol;
  uint32_t address_size;
  uint32_t address;  // of a Sockaddr
  uint32_t canonname;
  uint32_t canonname_size;
  uint32_t next;  // of an Addrinfo
};
static_assert(sizeof(Addrinfo) == 28);

}  // namespace wherry::wasi::layout
