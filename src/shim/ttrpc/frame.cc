// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/frame.h"

#include <endian.h>

#include <algorithm>
#include <cstring>

#include "base/result.h"

namespace wherry::shim {
namespace {

uint32_t load_be32(const char* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return be32toh(value);
}

void append_be32(std::string& out, uint32_t value) {
  value = htobe32(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

std::string encode_frame(uint32_t stream, FrameType type, std::string_view data, uint8_t flags) {
  CHECK(data.size() <= kMaxFrameData, "frame too long");
  std::string out;
  out.reserve(FrameHeader::kSize + data.size());
  append_be32(out, static_cast<uint32_t>(data.size()));
  append_be32(out, stream);
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  out.append(data);
  return out;
}

void FrameReader::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const size_t n = std::min<size_t>(skip_, bytes.size());
      skip_ -= static_cast<uint32_t>(n);
      bytes.remove_prefix(n);
      continue;
    }
    if (head_size_ < FrameHeader::kSize) {
      const size_t n = std::min(FrameHeader::kSize - head_size_, bytes.size());
      std::memcpy(head_ + head_size_, bytes.data(), n);
      head_size_ += n;
      bytes.remove_prefix(n);
      if (head_size_ == FrameHeader::kSize) begin(sink);
      continue;
    }
    const size_t n = std::min<size_t>(header_.length - data_.size(), bytes.size());
    data_.append(bytes.data(), n);
    bytes.remove_prefix(n);
    if (data_.size() == header_.length) {
      head_size_ = 0;
      sink.frame(header_, std::move(data_));
      data_ = {};
    }
  }
}

void FrameReader::begin(const Sink& sink) {
  header_.length = load_be32(head_);
  header_.stream = load_be32(head_ + 4);
  header_.type = static_cast<uint8_t>(head_[8]);
  header_.flags = static_cast<uint8_t>(head_[9]);
  if (header_.length > kMaxFrameData) {
    skip_ = header_.length;
    head_size_ = 0;
    sink.oversize(header_);
  } else if (header_.length == 0) {
    head_size_ = 0;
    sink.frame(header_, {});
  }
}

}  // namespace wherry::shim
