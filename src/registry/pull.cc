// SPDX-License-Identifier: Apache-2.0
#include "registry/pull.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "oci/manifest.h"

namespace wherry::registry {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxBlob = uint64_t{8} << 30;
constexpr size_t kMaxModule = size_t{1} << 30;
constexpr int kMostNested = 2;

Result<std::string> partial_directory() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  std::string path = cache && *cache == '/' ? cache : home && *home == '/' ? std::string(home) + "/.cache" : "/tmp/wherry-" + std::to_string(::geteuid());
  path += "/wherry/pull";
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) return os_error(failed.value(), path);
  fs::permissions(path, fs::perms::owner_all, failed);
  return path;
}

std::string text_of(const oci::Platform& platform) { return platform.os + "/" + platform.architecture; }

class Pull {
 public:
  Pull(Registry& registry, LayoutWriter& writer, ProgressLine& progress) : registry_(registry), writer_(writer), progress_(progress) {}

  Result<PulledImage> fetch(const std::string& name, const std::optional<oci::Platform>& platform) {
    Document document = TRY(registry_.get_manifest(name));
    PulledImage pulled;
    pulled.image = {.media_type = media_type_of(document), .digest = document.digest, .size = document.bytes.size(), .platform = {}, .annotations = {}};
    if (platform && oci::is_index_type(pulled.image.media_type)) {
      const oci::Descriptor chosen = TRY(choose(TRY(oci::parse_index(document.bytes)), *platform));
      document = TRY(registry_.get_manifest(chosen.digest));
      pulled.image = chosen;
    }
    TRY(take(pulled.image, document.bytes, pulled.manifests, 0));
    if (pulled.manifests.empty()) return error(ErrorKind::invalid, "the image is empty");
    return pulled;
  }

 private:
  // What the document says of itself counts: the header is the server's guess.
  static std::string media_type_of(const Document& document) {
    const auto json = nlohmann::json::parse(document.bytes, nullptr, false);
    if (json.is_object() && json.contains("mediaType") && json["mediaType"].is_string()) return json["mediaType"].get<std::string>();
    return document.media_type.substr(0, document.media_type.find(';'));
  }

  static Result<oci::Descriptor> choose(const oci::Index& index, const oci::Platform& platform) {
    std::string known;
    for (const oci::Descriptor& manifest : index.manifests) {
      if (!manifest.platform) continue;
      if (manifest.platform->os == platform.os && manifest.platform->architecture == platform.architecture) return manifest;
      known += (known.empty() ? "" : ", ") + text_of(*manifest.platform);
    }
    return error(ErrorKind::not_found, "the image is not for " + text_of(platform) + (known.empty() ? "" : "; it is for " + known));
  }

  Result<void> take(const oci::Descriptor& document, const std::string& text, std::vector<oci::Descriptor>& manifests, int depth) {
    if (oci::is_index_type(document.media_type)) {
      if (depth == kMostNested) return error(ErrorKind::invalid, "an index in an index in an index");
      for (const oci::Descriptor& part : TRY(oci::parse_index(text)).manifests) {
        if (!is_digest(part.digest)) return error(ErrorKind::unsupported, "`" + part.digest.substr(0, 100) + "` is not a digest of SHA-256");
        if (writer_.has(part.digest)) continue;
        TRY(take(part, TRY(registry_.get_manifest(part.digest)).bytes, manifests, depth + 1));
      }
    } else if (oci::is_manifest_type(document.media_type)) {
      const oci::Manifest manifest = TRY(oci::parse_manifest(text));
      TRY(take_blob(manifest.config));
      for (const oci::Descriptor& layer : manifest.layers) TRY(take_blob(layer));
      manifests.push_back(document);
    } else {
      return error(ErrorKind::unsupported, document.digest + ": `" + document.media_type.substr(0, 100) + "` is no kind of image");
    }
    return writer_.add(document.digest, text);
  }

  Result<void> take_blob(const oci::Descriptor& blob) {
    if (!is_digest(blob.digest)) return error(ErrorKind::unsupported, "`" + blob.digest.substr(0, 100) + "` is not a digest of SHA-256");
    if (blob.size > kMaxBlob) return error(ErrorKind::exhausted, "blob " + blob.digest + " is larger than 8 GiB");
    if (writer_.has(blob.digest)) return {};
    const std::string path = TRY(partial_directory()) + "/" + blob.digest.substr(blob.digest.find(':') + 1) + ".partial";
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return os_error(errno, path);
    while (::flock(fd.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return os_error(errno, path);
    }
    TRY(registry_.get_blob(blob, fd.get(), progress_.of("pulling", blob)));
    progress_.clear();
    struct stat held, named;
    // Another pull may have finished with this file, and taken it away.
    if (::fstat(fd.get(), &held) != 0 || ::stat(path.c_str(), &named) != 0 || held.st_ino != named.st_ino) return take_blob(blob);
    return writer_.add_file(blob.digest, path);
  }

  Registry& registry_;
  LayoutWriter& writer_;
  ProgressLine& progress_;
};

// --- the module of an image

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

// The file of that path in a layer, "" for any .wasm; not_found if there is none.
Result<std::string> file_in_layer(int fd, const std::string& wanted, std::string& found) {
  const Archive in(archive_read_new(), archive_read_free);
  CHECK(in, "out of memory");
  archive_read_support_format_tar(in.get());
  archive_read_support_filter_all(in.get());
  if (archive_read_open_fd(in.get(), fd, 1 << 16) != ARCHIVE_OK) return error(ErrorKind::malformed, "a layer that is no archive");
  archive_entry* entry = nullptr;
  int code;
  while ((code = archive_read_next_header(in.get(), &entry)) == ARCHIVE_OK || code == ARCHIVE_WARN) {
    const char* const text = archive_entry_pathname(entry);
    std::string_view name = text ? text : "";
    while (name.starts_with("./") || name.starts_with("/")) name.remove_prefix(name.starts_with("/") ? 1 : 2);
    const bool matches = wanted.empty() ? name.ends_with(".wasm") : name == wanted;
    if (!matches || archive_entry_filetype(entry) != AE_IFREG) continue;
    std::string bytes, buffer(1 << 16, '\0');
    la_ssize_t n;
    while ((n = archive_read_data(in.get(), buffer.data(), buffer.size())) > 0) {
      if (bytes.size() + static_cast<size_t>(n) > kMaxModule) return error(ErrorKind::exhausted, "a module of more than 1 GiB");
      bytes.append(buffer, 0, static_cast<size_t>(n));
    }
    if (n < 0) return error(ErrorKind::malformed, "a layer that ends early");
    found = name;
    return bytes;
  }
  return error(ErrorKind::not_found, "no module in the image");
}

std::string entrypoint_of(const std::string& config) {
  const auto json = nlohmann::json::parse(config, nullptr, false);
  if (!json.is_object() || !json.contains("config") || !json["config"].is_object()) return "";
  for (const char* key : {"Entrypoint", "Cmd"}) {
    const auto& words = json["config"].value(key, nlohmann::json::array());
    if (!words.is_array() || words.empty() || !words[0].is_string()) continue;
    std::string path = words[0].get<std::string>();
    path.resize(std::min(path.size(), path.find('#')));
    path.erase(0, path.find_first_not_of('/'));
    return path;
  }
  return "";
}

Result<std::string> find_module(const Layout& layout, const oci::Manifest& manifest) {
  for (const oci::Descriptor& layer : manifest.layers) {
    if (!oci::is_module_type(layer.media_type)) continue;
    if (layer.size > kMaxModule) return error(ErrorKind::exhausted, "a module of more than 1 GiB");
    return read_all(TRY(layout.open_blob(layer)).get(), kMaxModule, "module");
  }
  const std::string entrypoint = entrypoint_of(TRY(layout.read(manifest.config)));
  for (const std::string& wanted : {entrypoint, std::string()}) {
    // What is in a later layer lies over the earlier ones.
    for (auto layer = manifest.layers.rbegin(); layer != manifest.layers.rend(); ++layer) {
      std::string name;
      auto module = file_in_layer(TRY(layout.open_blob(*layer)).get(), wanted, name);
      if (module || module.error().kind != ErrorKind::not_found) return module;
    }
  }
  return error(ErrorKind::not_found, "no module in the image");
}

}  // namespace

Result<PulledImage> pull_image(Registry& registry, const oci::Reference& reference, const std::optional<oci::Platform>& platform, LayoutWriter& writer, ProgressLine& progress) {
  return Pull(registry, writer, progress).fetch(reference.digest.empty() ? reference.tag : reference.digest, platform);
}

Result<void> extract_module(const Layout& layout, const oci::Descriptor& manifest, const std::string& path) {
  const std::string module = TRY(find_module(layout, TRY(oci::parse_manifest(TRY(layout.read(manifest))))));
  if (!module.starts_with(std::string_view("\0asm", 4))) return error(ErrorKind::malformed, "what the image starts is not a WebAssembly module");
  return replace_file(path, module, 0644);
}

}  // namespace wherry::registry
