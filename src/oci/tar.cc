// SPDX-License-Identifier: Apache-2.0
#include "oci/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace wherry::oci {
namespace {

constexpr size_t kChunk = 1 << 16;

struct EntryDeleter {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

struct ArchiveDeleter {
  void operator()(archive* out) const { archive_write_free(out); }
};

Error failure_of(archive* out) {
  if (const int code = archive_errno(out); code > 0) return os_error(code, "writing the archive");
  const char* text = archive_error_string(out);
  return error(ErrorKind::io, std::string("writing the archive: ") + (text ? text : "unknown error"));
}

// `size` bytes of a file as an entry's content.
Result<void> copy(int from, archive* out, uint64_t size, const std::string& name) {
  std::array<char, kChunk> buffer;
  for (uint64_t left = size; left > 0;) {
    const ssize_t n = ::read(from, buffer.data(), std::min<uint64_t>(left, buffer.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, name);
    if (n == 0) return error(ErrorKind::io, name + ": it became shorter while it was read");
    if (archive_write_data(out, buffer.data(), static_cast<size_t>(n)) != n) return failure_of(out);
    left -= static_cast<uint64_t>(n);
  }
  return {};
}

uint32_t type_of(TarEntry::Kind kind) {
  switch (kind) {
    case TarEntry::Kind::file:
      return AE_IFREG;
    case TarEntry::Kind::directory:
      return AE_IFDIR;
    case TarEntry::Kind::symlink:
      return AE_IFLNK;
  }
  return AE_IFREG;
}

}  // namespace

Result<std::unique_ptr<TarWriter>> TarWriter::create(int fd, int64_t mtime) {
  archive* out = archive_write_new();
  CHECK(out, "out of memory");
  auto writer = std::unique_ptr<TarWriter>(new TarWriter(out, mtime));
  archive_write_set_format_pax_restricted(out);
  archive_write_set_bytes_in_last_block(out, 1);
  if (archive_write_open_fd(out, fd) != ARCHIVE_OK) return writer->failure();
  return writer;
}

TarWriter::~TarWriter() { archive_write_free(out_); }

Error TarWriter::failure() const { return failure_of(out_); }

Result<void> TarWriter::header(const TarEntry& entry) {
  const std::unique_ptr<archive_entry, EntryDeleter> header(archive_entry_new());
  CHECK(header, "out of memory");
  archive_entry_set_pathname(header.get(), entry.path.c_str());
  archive_entry_set_filetype(header.get(), type_of(entry.kind));
  archive_entry_set_perm(header.get(), entry.mode);
  archive_entry_set_mtime(header.get(), mtime_, 0);
  if (entry.kind == TarEntry::Kind::symlink) archive_entry_set_symlink(header.get(), entry.target.c_str());
  if (entry.kind == TarEntry::Kind::file) archive_entry_set_size(header.get(), static_cast<int64_t>(entry.size));
  if (archive_write_header(out_, header.get()) != ARCHIVE_OK) return failure();
  return {};
}

Result<void> TarWriter::add(const TarEntry& entry) { return header(entry); }

Result<void> TarWriter::add(const std::string& path, std::string_view content) {
  TRY(header({.path = path, .target = "", .size = content.size()}));
  if (archive_write_data(out_, content.data(), content.size()) != static_cast<la_ssize_t>(content.size()))
    return failure();
  return {};
}

Result<void> TarWriter::add(const TarEntry& entry, int content) {
  TRY(header(entry));
  return copy(content, out_, entry.size, entry.path);
}

Result<void> TarWriter::finish() {
  if (archive_write_close(out_) != ARCHIVE_OK) return failure();
  return {};
}

Result<void> gzip(int in, int out) {
  struct stat info;
  if (::fstat(in, &info) != 0 || ::lseek(in, 0, SEEK_SET) < 0) return os_error(errno, "compressing the layer");
  const std::unique_ptr<archive, ArchiveDeleter> stream(archive_write_new());
  const std::unique_ptr<archive_entry, EntryDeleter> entry(archive_entry_new());
  CHECK(stream && entry, "out of memory");
  archive_write_set_format_raw(stream.get());
  archive_write_add_filter_gzip(stream.get());
  archive_write_set_options(stream.get(), "gzip:!timestamp,gzip:compression-level=9");
  archive_write_set_bytes_in_last_block(stream.get(), 1);
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  if (archive_write_open_fd(stream.get(), out) != ARCHIVE_OK) return failure_of(stream.get());
  if (archive_write_header(stream.get(), entry.get()) != ARCHIVE_OK) return failure_of(stream.get());
  TRY(copy(in, stream.get(), static_cast<uint64_t>(info.st_size), "layer"));
  if (archive_write_close(stream.get()) != ARCHIVE_OK) return failure_of(stream.get());
  return {};
}

}  // namespace wherry::oci
