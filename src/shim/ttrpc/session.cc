// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/session.h"

#include "shim/proto/ttrpc.pb.h"

namespace wherry::shim {
namespace {

// What is left of a frame's data for the payload of an answer.
constexpr size_t kMaxPayload = kMaxFrameData - 16;
constexpr size_t kMaxMessage = 16 << 10;

std::string too_long(uint64_t size) {
  return "message of " + std::to_string(size) + " bytes, the limit is " + std::to_string(kMaxFrameData);
}

}  // namespace

Session::Session(Sink sink) : sink_(std::move(sink)) {
  frames_.frame = [this](const FrameHeader& header, std::string data) { frame(header, std::move(data)); };
  frames_.oversize = [this](const FrameHeader& header) {
    if (header.type == static_cast<uint8_t>(FrameType::request) && !accept_stream(header)) return;
    sink_.refuse(header.stream, Status::resource_exhausted, too_long(header.length));
  };
}

bool Session::accept_stream(const FrameHeader& header) {
  if (header.stream % 2 == 0) {
    sink_.refuse(header.stream, Status::invalid_argument, "a client's stream id must be odd, not " + std::to_string(header.stream));
    return false;
  }
  if (header.stream <= last_stream_) {
    sink_.refuse(header.stream, Status::invalid_argument,
                 "stream id " + std::to_string(header.stream) + " is not greater than the last, " + std::to_string(last_stream_));
    return false;
  }
  last_stream_ = header.stream;
  return true;
}

void Session::frame(const FrameHeader& header, std::string data) {
  if (header.type == static_cast<uint8_t>(FrameType::data)) {
    std::optional<std::string> message;
    if (!(header.flags & kNoData)) message = std::move(data);
    if (sink_.data(header.stream, std::move(message), header.flags & kRemoteClosed)) return;
    return sink_.refuse(header.stream, Status::invalid_argument, "no such open stream: " + std::to_string(header.stream));
  }
  if (header.type != static_cast<uint8_t>(FrameType::request)) return;
  if (!accept_stream(header)) return;
  pb::Request request;
  if (!request.ParseFromString(data)) {
    return sink_.refuse(header.stream, Status::invalid_argument, "malformed ttrpc request");
  }
  sink_.request({header.stream, std::move(*request.mutable_service()), std::move(*request.mutable_method()),
                 std::move(*request.mutable_payload()), (header.flags & kRemoteOpen) != 0});
}

std::string encode_answer(uint32_t stream, std::string payload) {
  if (payload.size() > kMaxPayload) return encode_refusal(stream, Status::resource_exhausted, too_long(payload.size()));
  pb::Response response;
  response.set_payload(std::move(payload));
  return encode_frame(stream, FrameType::response, response.SerializeAsString());
}

std::string encode_refusal(uint32_t stream, Status status, std::string_view message) {
  pb::Response response;
  response.mutable_status()->set_code(static_cast<int>(status));
  response.mutable_status()->set_message(std::string(message.substr(0, kMaxMessage)));
  return encode_frame(stream, FrameType::response, response.SerializeAsString());
}

}  // namespace wherry::shim
