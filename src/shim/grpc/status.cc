// SPDX-License-Identifier: Apache-2.0
#include "shim/grpc/status.h"

#include <charconv>

#include "shim/ttrpc/status.h"

namespace wherry::shim::grpc {
namespace {

constexpr size_t kMaxMessage = 1024;

ErrorKind kind_of(Status status) {
  switch (status) {
    case Status::invalid_argument:
    case Status::out_of_range:
      return ErrorKind::invalid;
    case Status::not_found:
      return ErrorKind::not_found;
    case Status::already_exists:
      return ErrorKind::already_exists;
    case Status::permission_denied:
      return ErrorKind::denied;
    case Status::resource_exhausted:
      return ErrorKind::exhausted;
    case Status::failed_precondition:
      return ErrorKind::failed_precondition;
    case Status::unimplemented:
      return ErrorKind::unsupported;
    case Status::deadline_exceeded:
    case Status::unavailable:
    case Status::aborted:
    case Status::canceled:
      return ErrorKind::unavailable;
    case Status::ok:
    case Status::unknown:
    case Status::internal:
      break;
  }
  return ErrorKind::io;
}

std::optional<char> hex_byte(std::string_view digits) {
  uint8_t byte = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
  if (digits.size() != 2 || read.ec != std::errc() || read.ptr != digits.data() + 2) return std::nullopt;
  return static_cast<char>(byte);
}

// Percent-encoded UTF-8, as one line of bounded length.
std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size() && out.size() < kMaxMessage; i++) {
    char c = text[i];
    if (c == '%') {
      if (const auto byte = hex_byte(text.substr(i + 1, 2))) {
        c = *byte;
        i += 2;
      }
    }
    const bool is_control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    out += is_control ? ' ' : c;
  }
  return out;
}

}  // namespace

void AnswerHeaders::add(std::string_view name, std::string_view value) {
  if (name == ":status") http_status = value;
  if (name == "content-type") content_type = value;
  if (name == "grpc-message") message = value;
  if (name == "grpc-status") {
    int number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    if (read.ec == std::errc() && read.ptr == value.data() + value.size()) status = number;
  }
}

Result<void> AnswerHeaders::result() const {
  if (http_status != "200") return error(ErrorKind::malformed, "HTTP status " + decoded(http_status) + " in place of a gRPC answer");
  if (!content_type.starts_with("application/grpc")) return error(ErrorKind::malformed, "an answer of type `" + decoded(content_type) + "`, which is not gRPC's");
  if (!status) return error(ErrorKind::malformed, "an answer without a gRPC status");
  if (*status == 0) return {};
  const std::string text = decoded(message);
  return error(kind_of(static_cast<Status>(*status)), text.empty() ? "gRPC status " + std::to_string(*status) : text);
}

}  // namespace wherry::shim::grpc
