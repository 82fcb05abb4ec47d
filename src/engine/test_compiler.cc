// SPDX-License-Identifier: Apache-2.0
// A compiler process for the tests of prepare(): the byte behind the module's
// version says what it does.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "abi/build_id.h"
#include "abi/compiler_protocol.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "runtime/artifact_check.h"

namespace {

using namespace wherry;

abi::CompileRequest request;

void reply(uint32_t failed, const char* message, uint64_t offset = Error::kNoOffset) {
  abi::CompileReply answer;
  answer.failed = failed;
  answer.build = abi::build_id();
  answer.offset = offset;
  snprintf(answer.message, sizeof answer.message, "%s", message);
  (void)write_all(abi::kReplyFd, std::as_bytes(std::span(&answer, 1)), "reply");
}

void tell_progress(uint64_t done, uint64_t total) {
  const abi::CompileProgress progress{.done = done, .total = total};
  (void)write_all(abi::kReplyFd, std::as_bytes(std::span(&progress, 1)), "progress");
}

// The smallest artifact: a header, and `padding` bytes.
bool write_artifact(const Digest& module, size_t padding) {
  std::vector<uint8_t> file(abi::kHeaderOffset + sizeof(abi::Header) + padding, 0x5a);
  abi::Header header{};
  header.magic = abi::kMagic;
  header.header_size = sizeof header;
  header.file_size = file.size();
  header.key = request.key;
  header.module_digest = module;
  header.start_function = abi::kNone;
  header.checked_end = abi::kHeaderOffset + sizeof header;
  memcpy(file.data() + abi::kHeaderOffset, &header, sizeof header);
  reinterpret_cast<abi::Header*>(file.data() + abi::kHeaderOffset)->checksum = runtime::artifact_checksum(file);
  return write_all(abi::kArtifactFd, std::as_bytes(std::span(file)), "artifact").has_value();
}

void wait_forever() {
  for (;;) pause();
}

void spin() {
  for (;;) asm volatile("");
}

}  // namespace

int main() {
  if (read(STDIN_FILENO, &request, sizeof request) != sizeof request) return 9;
  std::vector<uint8_t> module(1 << 16);
  module.resize(static_cast<size_t>(pread(abi::kModuleFd, module.data(), module.size(), 0)));
  Digest digest = sha256(std::span<const uint8_t>(module));
  // Leaves a mark for each compilation, so that a test can count them.
  const std::string_view text(reinterpret_cast<const char*>(module.data()), module.size());
  const size_t mark = text.find("mark=");
  if (mark != std::string_view::npos) {
    const std::string path(text.substr(mark + 5, text.find(';', mark) - mark - 5));
    if (FILE* const file = fopen(path.c_str(), "a")) {
      fprintf(file, "%d\n", getpid());
      fclose(file);
    }
  }
  rlimit memory;
  getrlimit(RLIMIT_AS, &memory);
  switch (module[8]) {
    case 'k': raise(SIGKILL); break;
    case 'x': return 3;
    case 'h': wait_forever(); break;
    case 'c': spin(); break;
    case 'e': reply(1 + static_cast<uint32_t>(ErrorKind::invalid), "type mismatch", 0x2a); return 0;
    case 'd': digest[0] ^= 1; break;
    case 'g': {  // says in which memory cgroup it is
      char text[4096] = {};
      const UniqueFd file(open("/proc/self/cgroup", O_RDONLY));
      (void)!read(file.get(), text, sizeof text - 1);
      const char* const line = strstr(text, ":memory:") ? strstr(text, ":memory:") : strstr(text, "0::");
      reply(1 + static_cast<uint32_t>(ErrorKind::io), line ? std::string(line, strcspn(line, "\n")).c_str() : "none");
      return 0;
    }
    case 'p':
      if (request.progress_ms == 0) break;
      tell_progress(0, 300);
      tell_progress(100, 300);
      tell_progress(~uint64_t{0}, 300);
      break;
    case 'f':
      for (;;) tell_progress(1, 2);
    case 'l':
      if (request.memory_limit && memory.rlim_cur != request.memory_limit) reply(1 + static_cast<uint32_t>(ErrorKind::io), "no memory limit");
      break;
    default: break;
  }
  if (!write_artifact(digest, 20'000)) {
    reply(1 + static_cast<uint32_t>(ErrorKind::io), "artifact: can not be written");
    return 0;
  }
  reply(0, "");
  return 0;
}
