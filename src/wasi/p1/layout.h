// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Preview 1's records as they lie in a guest's memory, and those of the older
// wasi_unstable where they differ.
namespace wherry::wasi::layout {

struct Fdstat {
  uint8_t filetype;
  uint8_t pad0;
  uint16_t flags;
  uint32_t pad1;
  uint64_t rights_base;
  uint64_t rights_inheriting;
};
static_assert(sizeof(Fdstat) == 24);

struct Filestat {
  uint64_t dev, ino;
  uint8_t filetype;
  uint8_t pad[7];
  uint64_t nlink, size, atim, mtim, ctim;
};
static_assert(sizeof(Filestat) == 64);

struct UnstableFilestat {
  uint64_t dev, ino;
  uint8_t filetype;
  uint8_t pad[3];
  uint32_t nlink;
  uint64_t size, atim, mtim, ctim;
};
static_assert(sizeof(UnstableFilestat) == 56);

struct Prestat {
  uint8_t tag;  // 0: a directory
  uint8_t pad[3];
  uint32_t name_length;
};
static_assert(sizeof(Prestat) == 8);

struct Dirent {
  uint64_t next, ino;
  uint32_t name_length;
  uint8_t filetype;
  uint8_t pad[3];
};
static_assert(sizeof(Dirent) == 24);

struct Subscription {
  uint64_t userdata;
  uint8_t tag;  // Subscription::Kind
  uint8_t pad0[7];
  uint32_t id;  // the clock, or the descriptor
  uint32_t pad1;
  uint64_t timeout, precision;
  uint16_t flags;
  uint8_t pad2[6];
};
static_assert(sizeof(Subscription) == 48);

struct UnstableSubscription {
  uint64_t userdata;
  uint8_t tag;
  uint8_t pad0[7];
  union {
    uint64_t identifier;  // of a clock; ignored
    uint32_t fd;
  };
  uint32_t id;  // the clock
  uint32_t pad1;
  uint64_t timeout, precision;
  uint16_t flags;
  uint8_t pad2[6];
};
static_assert(sizeof(UnstableSubscription) == 56);

struct Event {
  uint64_t userdata;
  uint16_t error;
  uint8_t kind;
  uint8_t pad0[5];
  uint64_t nbytes;
  uint16_t flags;  // 1: hang-up
  uint8_t pad1[6];
};
static_assert(sizeof(Event) == 32);

}  // namespace wherry::wasi::layout
