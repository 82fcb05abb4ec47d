// SPDX-License-Identifier: Apache-2.0
#include "registry/push.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json_text.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "wasm/limits.h"

namespace wherry::registry {
namespace {

constexpr int kMostNested = 2;  // an index of indexes

class Push {
 public:
  Push(Registry& registry, const Layout& layout, ProgressLine& progress) : registry_(registry), layout_(layout), progress_(progress) {}

  Result<void> send(const oci::Descriptor& document, const std::string& name, int depth = 0) {
    const std::string text = TRY(layout_.read(document));
    if (oci::is_index_type(document.media_type)) {
      if (depth == kMostNested) return error(ErrorKind::invalid, "an index in an index in an index");
      for (const oci::Descriptor& part : TRY(oci::parse_index(text)).manifests) TRY(send(part, part.digest, depth + 1));
    } else if (oci::is_manifest_type(document.media_type)) {
      const oci::Manifest manifest = TRY(oci::parse_manifest(text));
      TRY(send_blob(manifest.config));
      for (const oci::Descriptor& layer : manifest.layers) TRY(send_blob(layer));
    } else {
      return error(ErrorKind::unsupported, document.digest + ": `" + document.media_type.substr(0, 100) + "` is no kind of image");
    }
    return registry_.put_manifest(name, {text, document.media_type, document.digest});
  }

 private:
  Result<void> send_blob(const oci::Descriptor& blob) {
    if (sent_.contains(blob.digest)) return {};
    const UniqueFd file = TRY(layout_.open_blob(blob));
    if (!TRY(registry_.has_blob(blob.digest))) TRY(registry_.put_blob(blob, file.get(), progress_.of("pushing", blob)));
    progress_.clear();
    sent_.insert(blob.digest);
    return {};
  }

  Registry& registry_;
  const Layout& layout_;
  ProgressLine& progress_;
  std::set<std::string> sent_;
};

oci::Descriptor descriptor_of(const char* media_type, const std::string& bytes) {
  return {.media_type = media_type, .digest = oci::to_string(sha256(bytes)), .size = bytes.size(), .platform = {}, .annotations = {}};
}

}  // namespace

Result<std::string> push_image(Registry& registry, const Layout& layout, const oci::Reference& reference, ProgressLine& progress) {
  const auto& images = layout.index().manifests;
  if (images.size() != 1) return error(ErrorKind::invalid, "the file has " + std::to_string(images.size()) + " images; it must be one");
  const oci::Descriptor& image = images.front();
  if (reference.tag.empty() && reference.digest != image.digest) return error(ErrorKind::invalid, "the image is " + image.digest + ", not what the name says");
  Push push(registry, layout, progress);
  TRY(push.send(image, reference.tag.empty() ? image.digest : reference.tag));
  return image.digest;
}

Result<std::unique_ptr<ScratchDirectory>> artifact_of(const std::string& module, const oci::Reference& reference) {
  constexpr const char* kConfigType = "application/vnd.wasm.config.v0+json";
  constexpr const char* kModuleType = "application/wasm";
  const std::string bytes = TRY(read_file(module, wasm::kMaxModuleSize));
  oci::Descriptor layer = descriptor_of(kModuleType, bytes);
  const std::string name = module.substr(module.rfind('/') + 1);
  if (!is_utf8(name)) return error(ErrorKind::invalid, "/" + printable(name) + ": not UTF-8, which names in an image are");
  layer.annotations["org.opencontainers.image.title"] = name;
  // The specification of artifacts has no entrypoint, but CRI starts nothing without: a pod then needs no `command:`.
  const nlohmann::ordered_json config{{"architecture", "wasm"}, {"os", "wasip1"}, {"layerDigests", {layer.digest}},
                                      {"config", {{"Entrypoint", nlohmann::ordered_json::array({"/" + name})}}}};
  const std::string config_text = json_text(config);
  const std::string manifest = oci::to_json(oci::Manifest{.config = descriptor_of(kConfigType, config_text), .layers = {layer}, .annotations = {}});
  const auto writer = TRY(LayoutWriter::create());
  TRY(writer->add(layer.digest, bytes));
  TRY(writer->add(oci::to_string(sha256(config_text)), config_text));
  oci::Descriptor image = descriptor_of(oci::kManifestType, manifest);
  TRY(writer->add(image.digest, manifest));
  auto scratch = TRY(ScratchDirectory::create());
  TRY(writer->finish(image, reference.to_string(), reference.tag, scratch->path() + "/artifact"));
  return scratch;
}

}  // namespace wherry::registry
