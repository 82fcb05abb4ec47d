// SPDX-License-Identifier: Apache-2.0
#include "engine/module_digest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include "engine/trusted_file.h"

namespace wherry::engine {
namespace {

constexpr time_t kSettled = 2;  // seconds without a change

// What identifies a file's content as long as nothing changes it.
struct Identity {
  uint64_t device, inode, size;
  int64_t seconds, nanoseconds;
  bool operator==(const Identity&) const = default;
};

struct Memo {
  Identity identity;
  Digest digest;
};

Result<Identity> identity_of(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return os_error(errno, "module");
  return Identity{status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size), status.st_ctim.tv_sec,
                  status.st_ctim.tv_nsec};
}

std::string memo_name(const Identity& identity) {
  return to_hex(sha256({reinterpret_cast<const uint8_t*>(&identity), sizeof identity})).substr(0, 32);
}

std::optional<Digest> recall(int memos, const Identity& identity) {
  const auto file = open_trusted(memos, memo_name(identity));
  Memo memo;
  if (!file || pread(file->get(), &memo, sizeof memo, 0) != sizeof memo || memo.identity != identity) {
    return std::nullopt;
  }
  return memo.digest;
}

}  // namespace

Result<Digest> file_digest(int fd) {
  std::vector<uint8_t> buffer(256 << 10);
  Sha256 hash;
  for (off_t at = 0;;) {
    const ssize_t count = pread(fd, buffer.data(), buffer.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return os_error(errno, "read");
    if (count == 0) return hash.finish();
    hash.update(std::span(buffer.data(), static_cast<size_t>(count)));
    at += count;
  }
}

Result<Digest> remembered_digest(int fd, int memos) {
  const Identity before = TRY(identity_of(fd));
  if (memos >= 0) {
    if (const auto known = recall(memos, before)) return *known;
  }
  const bool settled = time(nullptr) - before.seconds > kSettled;
  const Digest digest = TRY(file_digest(fd));
  if (TRY(identity_of(fd)) != before) return error(ErrorKind::unavailable, "the module changed while it was read");
  if (memos >= 0 && settled) {
    const Memo memo{before, digest};
    // Without the memo the next start hashes again.
    (void)write_trusted(memos, memo_name(before), {reinterpret_cast<const char*>(&memo), sizeof memo});
  }
  return digest;
}

}  // namespace wherry::engine
