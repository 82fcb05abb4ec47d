// SPDX-License-Identifier: Apache-2.0
#include "oci/digest.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>

namespace wherry::oci {
namespace {

constexpr std::string_view kAlgorithm = "sha256:";

std::optional<Digest> read_digest(std::string_view text) {
  return text.starts_with(kAlgorithm) ? digest_from_hex(text.substr(kAlgorithm.size())) : std::nullopt;
}

}  // namespace

std::string to_string(const Digest& digest) { return std::string(kAlgorithm) + to_hex(digest); }

Result<Digest> parse_digest(std::string_view text) {
  if (const auto digest = read_digest(text)) return *digest;
  return error(ErrorKind::invalid, "digest `" + std::string(text.substr(0, 80)) + "`: expected sha256: and 64 digits");
}

bool is_digest(std::string_view text) { return read_digest(text).has_value(); }

Result<std::string> digest_of_file(int fd, const std::string& what) {
  Sha256 hash;
  std::array<uint8_t, 1 << 16> buffer;
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, what);
    if (n == 0) return to_string(hash.finish());
    hash.update(std::span(buffer).first(static_cast<size_t>(n)));
    at += n;
  }
}

std::string blob_path(std::string_view digest) { return std::string(kBlobs) + std::string(digest.substr(digest.find(':') + 1)); }

}  // namespace wherry::oci
