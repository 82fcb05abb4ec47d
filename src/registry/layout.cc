// SPDX-License-Identifier: Apache-2.0
#include "registry/layout.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/printable.h"
#include "oci/manifest.h"
#include "oci/tar.h"
#include "registry/registry.h"

namespace wherry::registry {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLayoutFile = R"({"imageLayoutVersion":"1.0.0"})";
constexpr uint64_t kMaxArchive = uint64_t{16} << 30;
constexpr size_t kMaxFiles = 100'000;

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

Error archive_error(archive* in, const std::string& path) {
  if (archive_errno(in) == EILSEQ && archive_file_count(in) == 0) {
    return error(ErrorKind::malformed, path + ": neither a module nor an image's archive");
  }
  const char* const text = archive_error_string(in);
  return error(ErrorKind::malformed, path + ": " + (text ? text : "not an archive"));
}

// Of an archive's names, those of a layout: nothing else is unpacked.
bool is_layout_file(std::string_view name) {
  if (name == "index.json" || name == "oci-layout") return true;
  return name.starts_with(oci::kBlobs) && digest_from_hex(name.substr(oci::kBlobs.size())).has_value();
}

Result<void> copy_entry(archive* in, const std::string& target, uint64_t& total, const std::string& path) {
  const UniqueFd out(::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return os_error(errno, target);
  std::string buffer(1 << 16, '\0');
  for (;;) {
    const la_ssize_t n = archive_read_data(in, buffer.data(), buffer.size());
    if (n == 0) return {};
    if (n < 0) return archive_error(in, path);
    total += static_cast<uint64_t>(n);
    if (total > kMaxArchive) return error(ErrorKind::exhausted, path + ": more than 16 GiB");
    TRY(write_all(out.get(), std::string_view(buffer).substr(0, static_cast<size_t>(n)), target));
  }
}

Result<void> unpack(const std::string& path, const std::string& directory) {
  const Archive in(archive_read_new(), archive_read_free);
  CHECK(in, "out of memory");
  archive_read_support_format_tar(in.get());
  archive_read_support_filter_gzip(in.get());
  archive_read_support_filter_zstd(in.get());
  constexpr size_t kBlock = 1 << 16;
  if (archive_read_open_filename(in.get(), path.c_str(), kBlock) != ARCHIVE_OK) return archive_error(in.get(), path);
  uint64_t total = 0;
  for (size_t files = 0;; files++) {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(in.get(), &entry);
    if (code == ARCHIVE_EOF) return {};
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return archive_error(in.get(), path);
    if (files > kMaxFiles) return error(ErrorKind::exhausted, path + ": more than " + std::to_string(kMaxFiles) + " files");
    const char* const text = archive_entry_pathname(entry);
    std::string_view name = text ? text : "";
    while (name.starts_with("./")) name.remove_prefix(2);
    if (archive_entry_filetype(entry) == AE_IFREG && is_layout_file(name)) TRY(copy_entry(in.get(), directory + "/" + std::string(name), total, path));
  }
}

}  // namespace

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::create() {
  std::error_code failed;
  const fs::path base = fs::temp_directory_path(failed);
  std::string name = (failed ? "/tmp" : base.string()) + "/wherry-image-XXXXXX";
  if (!::mkdtemp(name.data())) return os_error(errno, name);
  std::unique_ptr<ScratchDirectory> scratch(new ScratchDirectory(name));
  fs::create_directories(name + "/" + std::string(oci::kBlobs), failed);
  if (failed) return os_error(failed.value(), name);
  return scratch;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Result<std::unique_ptr<Layout>> Layout::open(const std::string& path) {
  std::unique_ptr<Layout> layout(new Layout);
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return os_error(errno, path);
  layout->directory_ = path;
  if (!S_ISDIR(info.st_mode)) {
    layout->scratch_ = TRY(ScratchDirectory::create());
    layout->directory_ = layout->scratch_->path();
    TRY(unpack(path, layout->directory_));
  }
  const auto text = read_file(layout->directory_ + "/index.json", oci::kMaxDocument);
  if (!text) return error(ErrorKind::malformed, path + ": not an image: it has no index.json, as `wherry pack` or `docker save` write it");
  auto index = oci::parse_index(*text);
  if (!index) return error(index.error().kind, path + ": " + index.error().message);
  layout->index_ = std::move(*index);
  return layout;
}

Result<UniqueFd> Layout::open_blob(const oci::Descriptor& blob) const {
  if (!oci::is_digest(blob.digest)) return error(ErrorKind::malformed, "`" + printable(blob.digest, 100) + "` is not a digest of SHA-256");
  const std::string path = directory_ + "/" + oci::blob_path(blob.digest);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return error(ErrorKind::not_found, "the image has no blob " + blob.digest);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return os_error(errno, path);
  if (!S_ISREG(info.st_mode) || static_cast<uint64_t>(info.st_size) != blob.size) return error(ErrorKind::malformed, "blob " + blob.digest + " has another size than the image says");
  return fd;
}

Result<std::string> Layout::read(const oci::Descriptor& blob) const {
  if (blob.size > oci::kMaxDocument) return error(ErrorKind::exhausted, "document " + blob.digest + " is longer than " + std::to_string(oci::kMaxDocument) + " bytes");
  const UniqueFd fd = TRY(open_blob(blob));
  std::string text = TRY(read_all(fd.get(), oci::kMaxDocument, blob.digest));
  if (oci::to_string(sha256(text)) != blob.digest) return error(ErrorKind::malformed, "document " + blob.digest + " is something else");
  return text;
}

Result<std::unique_ptr<LayoutWriter>> LayoutWriter::create() {
  auto scratch = TRY(ScratchDirectory::create());
  return std::unique_ptr<LayoutWriter>(new LayoutWriter(std::move(scratch)));
}

bool LayoutWriter::has(const std::string& digest) const { return std::find(blobs_.begin(), blobs_.end(), digest) != blobs_.end(); }

Result<void> LayoutWriter::add(const std::string& digest, std::string_view bytes) {
  if (has(digest)) return {};
  const UniqueFd fd(::open(file_of(digest).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd) return os_error(errno, file_of(digest));
  TRY(write_all(fd.get(), bytes, file_of(digest)));
  blobs_.push_back(digest);
  return {};
}

Result<void> LayoutWriter::add_file(const std::string& digest, const std::string& file) {
  std::error_code failed;
  fs::rename(file, file_of(digest), failed);
  if (failed) {  // another file system
    fs::copy_file(file, file_of(digest), failed);
    if (failed) return os_error(failed.value(), file_of(digest));
    ::unlink(file.c_str());
  }
  blobs_.push_back(digest);
  return {};
}

Result<void> LayoutWriter::write_archive(const std::string& path) const {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return os_error(errno, path);
  const auto write = [&]() -> Result<void> {
    auto tar = TRY(oci::TarWriter::create(fd.get(), 0));
    std::vector<std::string> names{"oci-layout", "index.json"};
    for (const std::string& digest : blobs_) names.push_back(oci::blob_path(digest));
    for (const std::string& name : names) {
      const UniqueFd file(::open((scratch_->path() + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
      struct stat info;
      if (!file || ::fstat(file.get(), &info) != 0) return os_error(errno, name);
      TRY(tar->add({.path = name, .target = "", .size = static_cast<uint64_t>(info.st_size)}, file.get()));
    }
    return tar->finish();
  };
  Result<void> done = write();
  if (done && (::fchmod(fd.get(), 0644) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0)) done = os_error(errno, path);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

Result<void> LayoutWriter::finish(oci::Descriptor image, const std::string& name, const std::string& tag, const std::string& path) {
  image.annotations = {{"io.containerd.image.name", name}};
  if (!tag.empty()) image.annotations["org.opencontainers.image.ref.name"] = tag;
  const std::string index = oci::to_json(oci::Index{{std::move(image)}});
  const std::pair<const char*, std::string_view> files[] = {{"/index.json", index}, {"/oci-layout", kLayoutFile}};
  for (const auto& [file, text] : files) {
    const UniqueFd fd(::open((scratch_->path() + file).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) return os_error(errno, file);
    TRY(write_all(fd.get(), text, file));
  }
  if (path.ends_with(".tar")) return write_archive(path);
  std::error_code failed;
  fs::create_directory(path, failed);
  if (!failed && !fs::is_empty(path, failed) && !failed) return error(ErrorKind::already_exists, path + ": the directory is not empty");
  if (!failed) fs::copy(scratch_->path(), path, fs::copy_options::recursive, failed);
  if (failed) return os_error(failed.value(), path);
  return {};
}

}  // namespace wherry::registry
