// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace wherry::shim {

enum class FrameType : uint8_t { request = 1, response = 2, data = 3 };

enum FrameFlag : uint8_t {
  kRemoteClosed = 1,  // the sender sends no more on this stream
  kRemoteOpen = 2,    // the sender will send data on this stream
  kNoData = 4,        // there is no message in this frame, not even an empty one
};

// The ten bytes before every message, big endian:
// u32 length of the data, u32 stream, u8 type, u8 flags.
struct FrameHeader {
  static constexpr size_t kSize = 10;

  uint32_t length = 0;
  uint32_t stream = 0;
  uint8_t type = 0;
  uint8_t flags = 0;
};

constexpr uint32_t kMaxFrameData = 4u << 20;

std::string encode_frame(uint32_t stream, FrameType type, std::string_view data, uint8_t flags = 0);

// Cuts a byte stream into frames, wherever the reads happen to end. Memory
// grows with the bytes that came, never with the length that a header claims;
// data beyond kMaxFrameData is skipped and the stream stays in step.
class FrameReader {
 public:
  struct Sink {
    std::function<void(const FrameHeader&, std::string data)> frame;
    std::function<void(const FrameHeader&)> oversize;
  };

  void feed(std::string_view bytes, const Sink& sink);

 private:
  void begin(const Sink& sink);

  char head_[FrameHeader::kSize];
  size_t head_size_ = 0;
  FrameHeader header_;
  std::string data_;
  uint32_t skip_ = 0;
};

}  // namespace wherry::shim
