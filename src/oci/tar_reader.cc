// SPDX-License-Identifier: Apache-2.0
#include "oci/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <cerrno>

namespace wherry::oci {
namespace {

constexpr size_t kBlock = 1 << 16;

}  // namespace

Result<std::unique_ptr<TarReader>> TarReader::create(int fd, uint64_t limit, std::string name) {
  if (::lseek(fd, 0, SEEK_SET) < 0) return os_error(errno, name);
  archive* in = archive_read_new();
  CHECK(in, "out of memory");
  auto reader = std::unique_ptr<TarReader>(new TarReader(in, limit, std::move(name)));
  archive_read_support_filter_gzip(in);
  archive_read_support_filter_zstd(in);
  archive_read_support_format_tar(in);
  archive_read_support_format_empty(in);
  if (archive_read_open_fd(in, fd, kBlock) != ARCHIVE_OK) return reader->failure();
  return reader;
}

TarReader::~TarReader() { archive_read_free(in_); }

// libarchive's own texts may quote the file.
Error TarReader::failure() const { return error(ErrorKind::malformed, name_ + ": not a whole tar file"); }

Result<void> TarReader::account(uint64_t bytes) {
  if (bytes > left_) return error(ErrorKind::exhausted, name_ + ": it unpacks to more than the limit");
  left_ -= bytes;
  return {};
}

Result<std::optional<TarReader::Entry>> TarReader::next() {
  archive_entry* header = nullptr;
  const int code = archive_read_next_header(in_, &header);
  if (code == ARCHIVE_EOF) return std::optional<Entry>();
  if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return failure();
  TRY(account(512));
  Entry entry;
  if (const char* path = archive_entry_pathname(header)) entry.path = path;
  entry.is_file = archive_entry_filetype(header) == AE_IFREG && !archive_entry_hardlink(header);
  const int64_t size = archive_entry_size(header);
  if (size < 0) return failure();
  if (entry.is_file) entry.size = static_cast<uint64_t>(size);
  // Passed over or read: it is unpacked all the same.
  TRY(account(entry.size));
  return std::optional<Entry>(std::move(entry));
}

Result<size_t> TarReader::read(std::span<char> out) {
  const la_ssize_t n = archive_read_data(in_, out.data(), out.size());
  if (n < 0) return failure();
  return static_cast<size_t>(n);
}

}  // namespace wherry::oci
