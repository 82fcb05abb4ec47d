// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch_message.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace wherry::sandbox {
namespace {

constexpr uint32_t kMagic = 0x57484c31;  // both ends are one build; this catches a mistaken call
constexpr size_t kMaxMessage = 8 << 20;

// The five texts follow, in the order of LaunchMessage.
struct Header {
  uint32_t magic;
  InitKind kind;
  bool has_hooks;
  bool has_artifact;
  int32_t oom_score_adj;
  uint64_t memory_limit;
  uint32_t lengths[5];
};

}  // namespace

Result<void> say(int socket, Say what, std::string_view text) {
  std::string packet(1, static_cast<char>(what));
  packet.append(text.substr(0, kMaxSay - 1));
  if (::send(socket, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) return os_error(errno, "control socket");
  return {};
}

Result<std::string> hear(int socket) {
  std::string packet(kMaxSay, '\0');
  ssize_t n;
  do n = ::recv(socket, packet.data(), packet.size(), 0);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno != ECONNRESET) return os_error(errno, "control socket");
  packet.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return packet;
}

Result<UniqueFd> write_launch_message(const LaunchConfig& config, bool has_hooks) {
  UniqueFd file(::memfd_create("wherry-launch", MFD_CLOEXEC));
  if (!file) return os_error(errno, "memfd_create");
  Header header{.magic = kMagic,
                .kind = config.kind,
                .has_hooks = has_hooks,
                .has_artifact = config.artifact >= 0,
                .oom_score_adj = config.oom_score_adj,
                .memory_limit = config.memory_limit,
                .lengths = {}};
  std::string message(sizeof header, '\0');
  int i = 0;
  for (const std::string_view text : {std::string_view(config.id), std::string_view(config.bundle),
                                      std::string_view(config.rootfs), std::string_view(config.invoke), config.spec_json}) {
    header.lengths[i++] = static_cast<uint32_t>(text.size());
    message.append(text);
  }
  std::memcpy(message.data(), &header, sizeof header);
  TRY(write_all(file.get(), message, "launch message"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return os_error(errno, "launch message");
  return file;
}

Result<LaunchMessage> read_launch_message(int fd) {
  const std::string bytes = TRY(read_all(fd, kMaxMessage, "launch message"));
  Header header;
  if (bytes.size() < sizeof header) return error(ErrorKind::malformed, "launch message: too short");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) return error(ErrorKind::malformed, "launch message: not one");
  LaunchMessage message{.kind = header.kind,
                        .has_hooks = header.has_hooks,
                        .has_artifact = header.has_artifact,
                        .oom_score_adj = header.oom_score_adj,
                        .memory_limit = header.memory_limit,
                        .id = {},
                        .bundle = {},
                        .rootfs = {},
                        .invoke = {},
                        .spec_json = {}};
  size_t at = sizeof header;
  int i = 0;
  for (std::string* text : {&message.id, &message.bundle, &message.rootfs, &message.invoke, &message.spec_json}) {
    const uint32_t length = header.lengths[i++];
    if (length > bytes.size() - at) return error(ErrorKind::malformed, "launch message: truncated");
    text->assign(bytes, at, length);
    at += length;
  }
  return message;
}

}  // namespace wherry::sandbox
