// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch_message.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace wherry::sandbox {
namespace {

constexpr uint32_t kMagic = 0x57484c31;  // both ends are one build; this catches a mistaken call
constexpr size_t kMaxMessage = 8 << 20;
constexpr char kFirstKind = 'A';

// The texts follow, in the order of LaunchMessage.
struct Header {
  uint32_t magic;
  InitKind kind;
  bool has_hooks;
  bool has_artifact;
  bool has_memory_limit;
  bool has_start_socket;
  bool has_stats;
  bool has_report;
  bool is_toolbox;
  bool outlives;
  int32_t oom_score_adj;
  uint32_t lengths[7];
};

// Room for one descriptor beside a packet.
union DescriptorSpace {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

UniqueFd descriptor_in(msghdr& message) {
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return UniqueFd();
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

// In the order in which they are written.
template <class Message>
auto texts_of(Message& message) {
  return std::array{&message.id, &message.bundle, &message.rootfs, &message.invoke, &message.spec_json, &message.process_json, &message.settings};
}

}  // namespace

Result<void> say(int socket, Say what, std::string_view text, int fd) {
  std::string packet(1, static_cast<char>(what));
  packet.append(text.substr(0, kMaxSay - 1));
  iovec data{packet.data(), packet.size()};
  DescriptorSpace space{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = space.bytes;
    message.msg_controllen = sizeof space.bytes;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) return os_error(errno, "control socket");
  return {};
}

Result<std::string> hear(int socket, UniqueFd* fd) {
  std::string packet(kMaxSay, '\0');
  iovec data{packet.data(), packet.size()};
  DescriptorSpace space{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space.bytes;
  message.msg_controllen = sizeof space.bytes;
  ssize_t n;
  do n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno != ECONNRESET) return os_error(errno, "control socket");
  UniqueFd came = n < 0 ? UniqueFd() : descriptor_in(message);
  if (fd) *fd = std::move(came);
  packet.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return packet;
}

std::string error_to_text(const Error& error) {
  return static_cast<char>(kFirstKind + static_cast<char>(error.kind)) + error.to_string();
}

Error error_from_text(std::string_view text) {
  const int kind = text.empty() ? -1 : text[0] - kFirstKind;
  if (kind < 0 || kind > static_cast<int>(ErrorKind::io)) return error(ErrorKind::malformed, "the container's process said something unknown");
  return error(static_cast<ErrorKind>(kind), std::string(text.substr(1)));
}

Result<UniqueFd> write_launch_message(const LaunchMessage& message) {
  UniqueFd file(::memfd_create("wherry-launch", MFD_CLOEXEC));
  if (!file) return os_error(errno, "memfd_create");
  Header header{.magic = kMagic,
                .kind = message.kind,
                .has_hooks = message.has_hooks,
                .has_artifact = message.has_artifact,
                .has_memory_limit = message.has_memory_limit,
                .has_start_socket = message.has_start_socket,
                .has_stats = message.has_stats,
                .has_report = message.has_report,
                .is_toolbox = message.is_toolbox,
                .outlives = message.outlives,
                .oom_score_adj = message.oom_score_adj,
                .lengths = {}};
  std::string bytes(sizeof header, '\0');
  int i = 0;
  for (const std::string* text : texts_of(message)) {
    header.lengths[i++] = static_cast<uint32_t>(text->size());
    bytes.append(*text);
  }
  std::memcpy(bytes.data(), &header, sizeof header);
  TRY(write_all(file.get(), bytes, "launch message"));
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
                        .has_memory_limit = header.has_memory_limit,
                        .has_start_socket = header.has_start_socket,
                        .has_stats = header.has_stats,
                        .has_report = header.has_report,
                        .is_toolbox = header.is_toolbox,
                        .outlives = header.outlives,
                        .oom_score_adj = header.oom_score_adj,
                        .id = {},
                        .bundle = {},
                        .rootfs = {},
                        .invoke = {},
                        .spec_json = {},
                        .process_json = {},
                        .settings = {}};
  size_t at = sizeof header;
  int i = 0;
  for (std::string* text : texts_of(message)) {
    const uint32_t length = header.lengths[i++];
    if (length > bytes.size() - at) return error(ErrorKind::malformed, "launch message: truncated");
    text->assign(bytes, at, length);
    at += length;
  }
  return message;
}

}  // namespace wherry::sandbox
