// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/session.h"

#include <gtest/gtest.h>

#include <vector>

#include "shim/proto/ttrpc.pb.h"

namespace wherry::shim {
namespace {

std::string request(uint32_t stream, const std::string& method = "M") {
  pb::Request message;
  message.set_service("S");
  message.set_method(method);
  message.set_payload("P");
  return encode_frame(stream, FrameType::request, message.SerializeAsString());
}

struct Recorder {
  std::vector<std::string> seen;
  Session session{Session::Sink{
      .request = [this](Request r) { seen.push_back("request " + std::to_string(r.stream) + " " + r.service + "/" + r.method + " " + r.payload); },
      .data =
          [this](uint32_t stream, std::optional<std::string> message, bool last) {
            if (stream != 7) return false;
            seen.push_back("data " + message.value_or("-") + (last ? " last" : ""));
            return true;
          },
      .refuse =
          [this](uint32_t stream, Status status, std::string message) {
            seen.push_back("refuse " + std::to_string(stream) + " " + std::to_string(static_cast<int>(status)) + " " + message);
          },
  }};
};

struct Case {
  const char* name;
  std::string bytes;
  std::vector<std::string> seen;
};

TEST(Session, gives_requests_or_says_why_not) {
  std::string oversize = encode_frame(3, FrameType::request, "");
  oversize[0] = 0x00;
  oversize[1] = 0x40;
  oversize[3] = 0x01;  // 4 MiB + 1
  const Case cases[] = {
      {"two requests", request(1) + request(5, "N"), {"request 1 S/M P", "request 5 S/N P"}},
      {"even stream", request(2), {"refuse 2 3 a client's stream id must be odd, not 2"}},
      {"stream zero", request(0), {"refuse 0 3 a client's stream id must be odd, not 0"}},
      {"stream used again", request(3) + request(3), {"request 3 S/M P", "refuse 3 3 stream id 3 is not greater than the last, 3"}},
      {"stream goes back", request(3) + request(1), {"request 3 S/M P", "refuse 1 3 stream id 1 is not greater than the last, 3"}},
      {"not protobuf", encode_frame(1, FrameType::request, "\xff\xff\xff"), {"refuse 1 3 malformed ttrpc request"}},
      {"empty request", encode_frame(1, FrameType::request, ""), {"request 1 / "}},
      {"data without a stream", encode_frame(1, FrameType::data, "x"), {"refuse 1 3 no such open stream: 1"}},
      {"data of a stream", encode_frame(7, FrameType::data, "x") + encode_frame(7, FrameType::data, ""), {"data x", "data "}},
      {"the end of a stream", encode_frame(7, FrameType::data, "", kRemoteClosed | kNoData), {"data - last"}},
      {"a response", encode_frame(1, FrameType::response, "x"), {}},
      {"unknown type", encode_frame(1, static_cast<FrameType>(9), "x") + request(1), {"request 1 S/M P"}},
      {"too long, then the next", oversize + std::string((4 << 20) + 1, 'z') + request(5),
       {"refuse 3 8 message of 4194305 bytes, the limit is 4194304", "request 5 S/M P"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Recorder recorder;
    recorder.session.feed(c.bytes);
    EXPECT_EQ(recorder.seen, c.seen);
  }
}

TEST(EncodeAnswer, refuses_a_payload_that_no_frame_can_hold) {
  const std::string frame = encode_answer(1, std::string(kMaxFrameData, 'x'));
  pb::Response response;
  ASSERT_TRUE(response.ParseFromString(frame.substr(FrameHeader::kSize)));
  EXPECT_EQ(response.status().code(), 8);
}

}  // namespace
}  // namespace wherry::shim
