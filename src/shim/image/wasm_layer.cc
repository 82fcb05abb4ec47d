// SPDX-License-Identifier: Apache-2.0
#include "shim/image/wasm_layer.h"

#include <algorithm>
#include <vector>

#include "oci/digest.h"
#include "oci/manifest.h"
#include "wasm/limits.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kTitle = "org.opencontainers.image.title";
// An index is asked for this many manifests of a node's platforms: each may cost a read.
constexpr size_t kMaxCandidates = 8;

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string plural(size_t count, std::string_view what) { return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s"); }

// 0 is best; nothing if this node can not use it.
std::optional<int> rank(const oci::Descriptor& manifest, std::string_view architecture) {
  if (!oci::is_manifest_type(manifest.media_type)) return std::nullopt;
  if (!manifest.platform) return 3;
  const auto& [os, machine] = *manifest.platform;
  if (os == "linux" && machine == architecture) return 0;
  if (machine != "wasm") return std::nullopt;
  return os == "wasip1" ? 1 : 2;
}

std::vector<oci::Descriptor> candidates(const oci::Index& index, std::string_view architecture) {
  std::vector<oci::Descriptor> found;
  for (const oci::Descriptor& manifest : index.manifests) {
    if (rank(manifest, architecture)) found.push_back(manifest);
  }
  std::stable_sort(found.begin(), found.end(), [&](const auto& a, const auto& b) { return rank(a, architecture) < rank(b, architecture); });
  if (found.size() > kMaxCandidates) found.resize(kMaxCandidates);
  return found;
}

class Search {
 public:
  Search(ImageStore& store, std::string_view program, TimePoint deadline) : store_(store), program_(program), deadline_(deadline) {}

  // Nothing if no candidate has a Wasm layer; those that were not pulled are passed over.
  Result<std::optional<oci::Descriptor>> in_candidates(const std::vector<oci::Descriptor>& manifests) const {
    for (const oci::Descriptor& manifest : manifests) {
      auto layer = in_manifest(manifest);
      if (!layer && layer.error().kind == ErrorKind::not_found) continue;
      if (!layer || *layer) return layer;
    }
    return std::optional<oci::Descriptor>();
  }

  Result<std::optional<oci::Descriptor>> in_manifest(const oci::Descriptor& descriptor) const {
    const oci::Manifest manifest = TRY(oci::parse_manifest(TRY(document(descriptor))));
    return choose(manifest);
  }

  // A small blob, checked against its descriptor.
  Result<std::string> document(const oci::Descriptor& descriptor) const {
    const Digest digest = TRY(oci::parse_digest(descriptor.digest));
    if (descriptor.size > oci::kMaxDocument) {
      return error(ErrorKind::exhausted, descriptor.digest + ": " + plural(descriptor.size, "byte") + ", the limit is " + std::to_string(oci::kMaxDocument));
    }
    std::string text;
    TRY(store_.read(descriptor.digest, deadline_, [&](std::string_view piece) -> Result<void> {
      if (piece.size() > descriptor.size - text.size()) return error(ErrorKind::malformed, descriptor.digest + ": longer than its descriptor says");
      text += piece;
      return {};
    }));
    if (text.size() != descriptor.size || sha256(text) != digest) return error(ErrorKind::malformed, descriptor.digest + ": the content has another digest");
    return text;
  }

 private:
  Result<std::optional<oci::Descriptor>> choose(const oci::Manifest& manifest) const {
    std::vector<const oci::Descriptor*> modules;
    for (const oci::Descriptor& layer : manifest.layers) {
      if (oci::is_module_type(layer.media_type)) modules.push_back(&layer);
    }
    if (modules.empty()) return std::optional<oci::Descriptor>();
    if (modules.size() == 1) return std::optional(*modules[0]);
    const std::string_view name = last_part(program_);
    for (const oci::Descriptor* module : modules) {
      const auto title = module->annotations.find(std::string(kTitle));
      if (title != module->annotations.end() && last_part(title->second) == name) return std::optional(*module);
    }
    return error(ErrorKind::invalid, plural(modules.size(), "Wasm layer") + ", and none has the title `" + std::string(name) + "`");
  }

  ImageStore& store_;
  const std::string_view program_;
  const TimePoint deadline_;
};

Result<std::optional<oci::Descriptor>> find_descriptor(ImageStore& store, const std::string& image, std::string_view program,
                                                       std::string_view architecture, TimePoint deadline) {
  const Search search(store, program, deadline);
  const oci::Descriptor target = TRY(store.target_of(image, deadline));
  if (oci::is_manifest_type(target.media_type)) return search.in_manifest(target);
  if (!oci::is_index_type(target.media_type)) return error(ErrorKind::unsupported, "neither an image manifest nor an index: `" + target.media_type + "`");
  const oci::Index index = TRY(oci::parse_index(TRY(search.document(target))));
  return search.in_candidates(candidates(index, architecture));
}

Result<WasmLayer> check_layer(ImageStore& store, const std::string& image, const oci::Descriptor& layer, TimePoint deadline) {
  WasmLayer out;
  out.image = image;
  out.digest = TRY(oci::parse_digest(layer.digest));
  out.size = layer.size;
  if (out.size > wasm::kMaxModuleSize) return error(ErrorKind::exhausted, "layer " + layer.digest + ": larger than 1 GiB");
  const uint64_t size = TRY(store.size_of(layer.digest, deadline));
  if (size != out.size) {
    return error(ErrorKind::malformed, "layer " + layer.digest + ": " + plural(size, "byte") + ", its descriptor says " + std::to_string(out.size));
  }
  return out;
}

Error with_prefix(const std::string& prefix, const Error& failure) { return error(failure.kind, prefix + ": " + failure.message); }

}  // namespace

std::string WasmLayer::to_string() const { return "image " + image + ", layer " + oci::to_string(digest); }

Result<std::optional<WasmLayer>> find_wasm_layer(ImageStore& store, const std::string& container, std::string_view program,
                                                 std::string_view architecture, TimePoint deadline) {
  const auto image = store.image_of(container, deadline);
  if (!image) return with_prefix("container " + container, image.error());
  if (image->empty()) return std::optional<WasmLayer>();  // made of a root file system
  const auto descriptor = find_descriptor(store, *image, program, architecture, deadline);
  if (!descriptor) return with_prefix("image " + *image, descriptor.error());
  if (!*descriptor) return std::optional<WasmLayer>();
  auto layer = check_layer(store, *image, **descriptor, deadline);
  if (!layer) return with_prefix("image " + *image, layer.error());
  return std::optional(std::move(*layer));
}

Result<void> fetch_layer(ImageStore& store, const WasmLayer& layer, int file, TimePoint deadline) {
  Sha256 hash;
  uint64_t left = layer.size;
  const auto done = store.read(oci::to_string(layer.digest), deadline, [&](std::string_view piece) -> Result<void> {
    if (piece.size() > left) return error(ErrorKind::malformed, "longer than its descriptor says");
    left -= piece.size();
    hash.update(piece);
    return write_all(file, piece, "copying the module");
  });
  if (!done) return with_prefix(layer.to_string(), done.error());
  if (left != 0 || hash.finish() != layer.digest) return error(ErrorKind::malformed, layer.to_string() + ": the content has another digest");
  return {};
}

}  // namespace wherry::shim
