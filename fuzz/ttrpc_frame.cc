// SPDX-License-Identifier: Apache-2.0
// Does a ttrpc session survive any bytes, and see the same however they are cut?
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "shim/proto/task.pb.h"
#include "shim/proto/ttrpc.pb.h"
#include "shim/ttrpc/session.h"

namespace {

using wherry::shim::FrameHeader;
using wherry::shim::Request;
using wherry::shim::Session;
using wherry::shim::Status;

// What a session made of the bytes, in one text.
std::string run(std::string_view bytes, size_t step) {
  std::string seen;
  Session session({
      .request =
          [&](Request request) {
            seen += "request " + std::to_string(request.stream) + request.service + "/" + request.method + request.payload;
            wherry::shim::pb::CreateTaskRequest create;
            if (create.ParseFromString(request.payload)) create.ByteSizeLong();
          },
      .data =
          [&](uint32_t stream, std::optional<std::string> message, bool last) {
            if (stream % 4 != 1) return false;  // every other stream is open
            seen += "data " + std::to_string(stream) + message.value_or("none") + (last ? "." : "");
            return true;
          },
      .refuse =
          [&](uint32_t stream, Status status, std::string message) {
            seen += "refuse " + std::to_string(stream) + message;
            const std::string frame = wherry::shim::encode_refusal(stream, status, message);
            wherry::shim::pb::Response response;
            if (!response.ParseFromString(frame.substr(FrameHeader::kSize)) || response.status().code() == 0) std::abort();
          },
  });
  for (size_t at = 0; at < bytes.size(); at += step) session.feed(bytes.substr(at, step));
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (run(bytes, bytes.size() + 1) != run(bytes, data[0] % 64 + 1)) std::abort();
  return 0;
}
