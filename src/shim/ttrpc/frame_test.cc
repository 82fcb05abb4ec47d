// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace wherry::shim {
namespace {

std::string header(uint32_t length, uint32_t stream, uint8_t type, uint8_t flags = 0) {
  std::string out;
  for (const uint32_t value : {length, stream}) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  }
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out;
}

struct Seen {
  std::vector<std::string> frames;  // "stream/type/flags:data"
  std::vector<uint32_t> oversize;   // streams

  FrameReader::Sink sink() {
    return {
        .frame =
            [this](const FrameHeader& h, std::string data) {
              frames.push_back(std::to_string(h.stream) + "/" + std::to_string(h.type) + "/" + std::to_string(h.flags) + ":" + data);
            },
        .oversize = [this](const FrameHeader& h) { oversize.push_back(h.stream); },
    };
  }
};

TEST(EncodeFrame, writes_big_endian_length_stream_type_and_flags) {
  EXPECT_EQ(encode_frame(0x01020304, FrameType::response, "abc"), header(3, 0x01020304, 2) + "abc");
}

TEST(FrameReader, finds_frames_however_the_bytes_are_cut) {
  const std::string stream = header(3, 1, 1) + "abc" + header(0, 3, 1, 2) + header(5, 5, 3, 1) + "12345";
  const std::vector<std::string> expected = {"1/1/0:abc", "3/1/2:", "5/3/1:12345"};
  for (size_t step = 1; step <= stream.size(); step++) {
    SCOPED_TRACE(step);
    Seen seen;
    FrameReader reader;
    const auto sink = seen.sink();
    for (size_t at = 0; at < stream.size(); at += step) reader.feed(std::string_view(stream).substr(at, step), sink);
    EXPECT_EQ(seen.frames, expected);
  }
}

TEST(FrameReader, skips_what_is_too_long_and_stays_in_step) {
  Seen seen;
  FrameReader reader;
  const auto sink = seen.sink();
  reader.feed(header(kMaxFrameData + 1, 7, 1), sink);
  EXPECT_EQ(seen.oversize, std::vector<uint32_t>{7});
  const std::string filler(1 << 20, 'x');
  for (int i = 0; i < 4; i++) reader.feed(filler, sink);
  reader.feed("x" + header(2, 9, 1) + "ok", sink);
  EXPECT_EQ(seen.frames, std::vector<std::string>{"9/1/0:ok"});
}

TEST(FrameReader, takes_a_frame_of_exactly_the_limit) {
  Seen seen;
  FrameReader reader;
  reader.feed(header(kMaxFrameData, 1, 1) + std::string(kMaxFrameData, 'y'), seen.sink());
  ASSERT_EQ(seen.frames.size(), 1u);
  EXPECT_EQ(seen.frames[0].size(), kMaxFrameData + std::string("1/1/0:").size());
  EXPECT_TRUE(seen.oversize.empty());
}

}  // namespace
}  // namespace wherry::shim
