// SPDX-License-Identifier: Apache-2.0
#include "oci/image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "base/fd.h"
#include "oci/digest.h"
#include "oci/tar.h"

namespace wherry::oci {
namespace {

// What containerd and CRI ask for on a node, and what says the truth. All share
// one layer and differ in their configs only.
const std::vector<Platform> kPlatforms = {{"linux", "amd64"}, {"linux", "arm64"}, {"wasip1", "wasm"}};


struct Layer {
  UniqueFd file;
  std::string digest;
  std::string diff_id;
  uint64_t size = 0;
};

// Deleted when it goes out of scope, unless it was given its final name.
class OutputFile {
 public:
  static Result<OutputFile> create(const std::string& path) {
    struct stat info;
    // A rename over a device or a socket would do away with it.
    if (::lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
      return error(ErrorKind::invalid, path + ": it exists and is not a regular file");
    OutputFile out;
    out.path_ = path;
    out.temporary_ = path + ".XXXXXX";
    out.fd_.reset(::mkostemp(out.temporary_.data(), O_CLOEXEC));
    if (!out.fd_) return os_error(errno, path);
    return out;
  }
  OutputFile(OutputFile&&) = default;
  ~OutputFile() {
    if (fd_) ::unlink(temporary_.c_str());
  }
  int fd() const { return fd_.get(); }

  Result<void> keep() {
    if (::fchmod(fd_.get(), 0644) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
      return os_error(errno, path_);
    fd_.reset();
    return {};
  }
  // The file without its name.
  UniqueFd anonymous() {
    ::unlink(temporary_.c_str());
    return std::move(fd_);
  }

 private:
  OutputFile() = default;
  std::string path_, temporary_;
  UniqueFd fd_;
};

Result<uint64_t> size_of(int fd) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return os_error(errno, "reading the layer");
  return static_cast<uint64_t>(info.st_size);
}

Result<void> write_tree(const Tree& tree, int fd, int64_t mtime) {
  auto tar = TRY(TarWriter::create(fd, mtime));
  for (const auto& [path, node] : tree.nodes()) {
    if (node.entry.kind != TarEntry::Kind::file) {
      TRY(tar->add(node.entry));
      continue;
    }
    const UniqueFd content(::open(node.source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!content) return os_error(errno, node.source);
    TRY(tar->add(node.entry, content.get()));
  }
  return tar->finish();
}

// The temporary files are beside the image's: there has to be room anyway.
Result<Layer> make_layer(const Tree& tree, const std::string& path, int64_t mtime) {
  const UniqueFd plain = TRY(OutputFile::create(path)).anonymous();
  TRY(write_tree(tree, plain.get(), mtime));
  Layer layer;
  layer.diff_id = TRY(digest_of_file(plain.get(), "reading the layer"));
  layer.file = TRY(OutputFile::create(path)).anonymous();
  TRY(gzip(plain.get(), layer.file.get()));
  layer.digest = TRY(digest_of_file(layer.file.get(), "reading the layer"));
  layer.size = TRY(size_of(layer.file.get()));
  return layer;
}

std::string rfc3339(int64_t seconds) {
  const time_t time = seconds;
  tm fields;
  std::array<char, 32> text;
  ::gmtime_r(&time, &fields);
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &fields));
}

// Adds a document as a blob and returns what points at it.
Result<Descriptor> add_blob(TarWriter& tar, const char* media_type, const std::string& content) {
  Descriptor descriptor{.media_type = media_type,
                        .digest = to_string(sha256(content)),
                        .size = content.size(),
                        .platform = {},
                        .annotations = {}};
  TRY(tar.add(blob_path(descriptor.digest), content));
  return descriptor;
}

struct Documents {
  Descriptor index;
  std::string first_config;  // digest
};

Result<Documents> add_documents(TarWriter& tar, const Image& image, const Layer& layer) {
  const Descriptor layer_descriptor{
      .media_type = kLayerType, .digest = layer.digest, .size = layer.size, .platform = {}, .annotations = {}};
  Documents documents;
  Index index;
  for (const Platform& platform : kPlatforms) {
    const ImageConfig config{.platform = platform,
                             .created = rfc3339(image.created),
                             .created_by = "wherry pack",
                             .process = image.process,
                             .diff_ids = {layer.diff_id}};
    const Descriptor config_blob = TRY(add_blob(tar, kConfigType, to_json(config)));
    if (documents.first_config.empty()) documents.first_config = config_blob.digest;
    const Manifest manifest{.config = config_blob, .layers = {layer_descriptor}, .annotations = image.annotations};
    index.manifests.push_back(TRY(add_blob(tar, kManifestType, to_json(manifest))));
    index.manifests.back().platform = platform;
  }
  documents.index = TRY(add_blob(tar, kIndexType, to_json(index)));
  return documents;
}

// "app:v1" for docker.io/library/app:v1, as Docker and skopeo write it.
std::string familiar(const Reference& name) {
  constexpr std::string_view kDefault = "docker.io/library/";
  const std::string text = name.to_string();
  return text.starts_with(kDefault) ? text.substr(kDefault.size()) : text;
}

Result<std::string> write_archive(const Image& image, const Layer& layer, int fd) {
  auto tar = TRY(TarWriter::create(fd, image.created));
  TRY(tar->add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
  Documents documents = TRY(add_documents(*tar, image, layer));
  const std::string digest = documents.index.digest;
  // containerd takes the complete name, skopeo and podman the tag.
  documents.index.annotations = {{"io.containerd.image.name", image.name.to_string()},
                                 {"org.opencontainers.image.ref.name", image.name.tag}};
  if (::lseek(layer.file.get(), 0, SEEK_SET) < 0) return os_error(errno, "reading the layer");
  TRY(tar->add({.path = blob_path(layer.digest), .target = "", .size = layer.size}, layer.file.get()));
  TRY(tar->add("index.json", to_json(Index{{documents.index}})));
  TRY(tar->add("manifest.json", to_json(DockerManifest{.config = blob_path(documents.first_config),
                                                       .layers = {blob_path(layer.digest)},
                                                       .repo_tag = familiar(image.name)})));
  TRY(tar->finish());
  return digest;
}

}  // namespace

Result<PackedImage> write_image(const Image& image, const Tree& tree, const std::string& path) {
  if (image.name.tag.empty())
    return error(ErrorKind::invalid, "image name `" + image.name.to_string() + "`: it needs a tag");
  const Layer layer = TRY(make_layer(tree, path, image.created));
  OutputFile out = TRY(OutputFile::create(path));
  PackedImage packed{
      .digest = TRY(write_archive(image, layer, out.fd())), .layer_size = layer.size, .platforms = kPlatforms};
  packed.archive_size = TRY(size_of(out.fd()));
  TRY(out.keep());
  return packed;
}

}  // namespace wherry::oci
