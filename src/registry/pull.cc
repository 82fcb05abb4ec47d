// SPDX-License-Identifier: Apache-2.0
#include "registry/pull.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "oci/tar_reader.h"
#include "oci/tree.h"
#include "registry/media_type.h"
#include "wasm/limits.h"

namespace wherry::registry {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxBlob = uint64_t{8} << 30;
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
    pulled.image.media_type = TRY(type_of(document));
    pulled.image.digest = document.digest;
    pulled.image.size = document.bytes.size();
    if (platform && oci::is_index_type(pulled.image.media_type)) {
      const oci::Descriptor chosen = TRY(choose(TRY(oci::parse_index(document.bytes)), *platform));
      document = TRY(fetch_part(chosen));
      pulled.image = chosen;
    }
    TRY(take(pulled.image, document.bytes, pulled.manifests, 0));
    if (pulled.manifests.empty()) return error(ErrorKind::invalid, "the image is empty");
    return pulled;
  }

 private:
  static Result<oci::Descriptor> choose(const oci::Index& index, const oci::Platform& platform) {
    std::string known;
    for (const oci::Descriptor& manifest : index.manifests) {
      if (!manifest.platform) continue;
      if (manifest.platform->os == platform.os && manifest.platform->architecture == platform.architecture) return manifest;
      known += (known.empty() ? "" : ", ") + text_of(*manifest.platform);
    }
    return error(ErrorKind::not_found, "the image is not for " + text_of(platform) + (known.empty() ? "" : "; it is for " + known));
  }

  static Result<std::string> type_of(const Document& document) {
    auto type = media_type_of(document.bytes, document.media_type);
    if (!type) return error(type.error().kind, document.digest + ": " + type.error().message);
    return type;
  }

  // What an index refers to is what the index says it is.
  Result<Document> fetch_part(const oci::Descriptor& part) {
    Document document = TRY(registry_.get_manifest(part.digest));
    const std::string type = TRY(type_of(document));
    if (document.bytes.size() != part.size || type != part.media_type)
      return error(ErrorKind::malformed, part.digest + " has another size or type than the index says");
    return document;
  }

  Result<void> take(const oci::Descriptor& document, const std::string& text, std::vector<oci::Descriptor>& manifests, int depth) {
    if (oci::is_index_type(document.media_type)) {
      if (depth == kMostNested) return error(ErrorKind::invalid, "an index in an index in an index");
      for (const oci::Descriptor& part : TRY(oci::parse_index(text)).manifests) {
        if (!oci::is_digest(part.digest)) return error(ErrorKind::unsupported, "`" + printable(part.digest, 100) + "` is not a digest of SHA-256");
        if (writer_.has(part.digest)) continue;
        TRY(take(part, TRY(fetch_part(part)).bytes, manifests, depth + 1));
      }
    } else if (oci::is_manifest_type(document.media_type)) {
      const oci::Manifest manifest = TRY(oci::parse_manifest(text));
      TRY(take_blob(manifest.config));
      for (const oci::Descriptor& layer : manifest.layers) TRY(take_blob(layer));
      manifests.push_back(document);
    } else {
      return error(ErrorKind::unsupported, document.digest + ": `" + printable(document.media_type, 100) + "` is no kind of image");
    }
    return writer_.add(document.digest, text);
  }

  Result<void> take_blob(const oci::Descriptor& blob) {
    if (!oci::is_digest(blob.digest)) return error(ErrorKind::unsupported, "`" + printable(blob.digest, 100) + "` is not a digest of SHA-256");
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

constexpr uint64_t kMaxUnpacked = uint64_t{16} << 30;  // of a layer

// Whether `name` is a whiteout of the path or of a directory above it.
bool hides(const std::string& name, const std::string& path) {
  constexpr std::string_view kOpaque = ".wh..wh..opq", kWhiteout = ".wh.";
  const std::string directory = name.substr(0, name.rfind('/') + 1);
  const std::string last = name.substr(directory.size());
  if (last == kOpaque) return path.starts_with(directory);
  return last.starts_with(kWhiteout) && (path + "/").starts_with(directory + last.substr(kWhiteout.size()) + "/");
}

struct InLayer {
  std::optional<std::string> module;
  bool hidden = false;  // by a whiteout: layers below do not count
};

// The file of that path in a layer, "" for any .wasm.
Result<InLayer> file_in_layer(int fd, const std::string& wanted) {
  const auto tar = TRY(oci::TarReader::create(fd, kMaxUnpacked, "layer"));
  InLayer found;
  for (;;) {
    const std::optional<oci::TarReader::Entry> entry = TRY(tar->next());
    if (!entry) return found;
    const auto name = oci::image_path(entry->path);
    if (!name) continue;  // with ".." in it
    found.hidden = found.hidden || (!wanted.empty() && hides(*name, wanted));
    const bool matches = wanted.empty() ? name->ends_with(".wasm") : *name == wanted;
    if (!matches || !entry->is_file) continue;
    if (entry->size > wasm::kMaxModuleSize) return error(ErrorKind::exhausted, "a module of more than 1 GiB");
    std::string& bytes = found.module.emplace();
    std::string buffer(1 << 16, '\0');
    while (const size_t n = TRY(tar->read(buffer))) bytes.append(buffer, 0, n);
    return found;
  }
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
    if (layer.size > wasm::kMaxModuleSize) return error(ErrorKind::exhausted, "a module of more than 1 GiB");
    return read_all(TRY(layout.open_blob(layer)).get(), wasm::kMaxModuleSize, "module");
  }
  const std::string entrypoint = entrypoint_of(TRY(layout.read(manifest.config)));
  for (const std::string& wanted : {entrypoint, std::string()}) {
    // What is in a later layer lies over the earlier ones.
    for (auto layer = manifest.layers.rbegin(); layer != manifest.layers.rend(); ++layer) {
      const UniqueFd file = TRY(layout.open_blob(*layer));
      InLayer found = TRY(file_in_layer(file.get(), wanted));
      if (found.module) return std::move(*found.module);
      if (found.hidden) return error(ErrorKind::not_found, "the entrypoint is removed by a later layer");
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
