// SPDX-License-Identifier: Apache-2.0
#include "oci/manifest.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace wherry::oci {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kModuleTypes[] = {
    "application/wasm",                                                // CNCF's Wasm OCI artifact
    "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",  // runwasi's oci-tar-builder
    "application/vnd.wasm.content.layer.v1+wasm",                     // wasm-to-oci, Spin
    "application/vnd.w3c.wasm.module.v1+wasm",
};
// Values of a document. One that is nothing but `[[],[],` would need a hundred times its size.
constexpr size_t kMaxValues = 100'000;

Error invalid(const std::string& what, std::string_view problem) { return error(ErrorKind::invalid, what + ": " + std::string(problem)); }

Result<Json> parse_object(std::string_view text, const std::string& what) {
  if (text.size() > kMaxDocument) return error(ErrorKind::exhausted, what + ": larger than " + std::to_string(kMaxDocument) + " bytes");
  size_t values = 0;
  bool too_deep = false;
  // What is refused is not kept: the parser goes on with nothing in memory.
  auto json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > kMaxDocumentDepth;
        return !too_deep && ++values <= kMaxValues;
      },
      false);
  if (too_deep) return invalid(what, "nested more than " + std::to_string(kMaxDocumentDepth) + " deep");
  if (values > kMaxValues) return invalid(what, "more than " + std::to_string(kMaxValues) + " values");
  if (json.is_discarded()) return invalid(what, "not valid JSON");
  if (!json.is_object()) return invalid(what, "not a JSON object");
  return json;
}

// A member that is text, "" if it is absent.
Result<std::string> read_text(const Json& object, const char* key, const std::string& what) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return std::string();
  if (!member->is_string()) return invalid(what + "." + key, "expected a string");
  return *member->get_ptr<const std::string*>();
}

Result<Annotations> read_annotations(const Json& object, const std::string& what) {
  Annotations annotations;
  const auto member = object.find("annotations");
  if (member == object.end() || member->is_null()) return annotations;
  if (!member->is_object()) return invalid(what + ".annotations", "expected an object");
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) return invalid(what + ".annotations", "expected strings");
    annotations.emplace(key, *value.get_ptr<const std::string*>());
  }
  return annotations;
}

Result<Descriptor> read_descriptor(const Json& json, const std::string& what) {
  if (!json.is_object()) return invalid(what, "expected an object");
  Descriptor out;
  out.media_type = TRY(read_text(json, "mediaType", what));
  out.digest = TRY(read_text(json, "digest", what));
  const auto size = json.find("size");
  if (size == json.end() || !size->is_number_unsigned()) return invalid(what + ".size", "expected a whole number");
  out.size = *size->get_ptr<const uint64_t*>();
  out.annotations = TRY(read_annotations(json, what));
  const auto platform = json.find("platform");
  if (platform == json.end() || !platform->is_object()) return out;
  Platform& named = out.platform.emplace();
  named.os = TRY(read_text(*platform, "os", what + ".platform"));
  named.architecture = TRY(read_text(*platform, "architecture", what + ".platform"));
  return out;
}

Result<std::vector<Descriptor>> read_list(const Json& object, const char* key, const std::string& what) {
  std::vector<Descriptor> out;
  const auto list = object.find(key);
  if (list == object.end() || list->is_null()) return out;
  const std::string place = what + ": " + key;
  if (!list->is_array()) return invalid(place, "expected an array");
  if (list->size() > kMaxEntries) return invalid(place, std::to_string(list->size()) + " entries, the limit is " + std::to_string(kMaxEntries));
  out.reserve(list->size());
  for (const Json& entry : *list) out.push_back(TRY(read_descriptor(entry, place + "[" + std::to_string(out.size()) + "]")));
  return out;
}

}  // namespace

bool is_manifest_type(std::string_view media_type) { return media_type == kManifestType || media_type == kDockerManifestType; }

bool is_index_type(std::string_view media_type) { return media_type == kIndexType || media_type == kDockerIndexType; }

bool is_module_type(std::string_view media_type) {
  return std::find(std::begin(kModuleTypes), std::end(kModuleTypes), media_type) != std::end(kModuleTypes);
}

Result<Manifest> parse_manifest(std::string_view text) {
  const std::string what = "image manifest";
  const Json json = TRY(parse_object(text, what));
  const auto config = json.find("config");
  if (config == json.end()) return invalid(what, "no config");
  Manifest manifest;
  manifest.config = TRY(read_descriptor(*config, what + ": config"));
  manifest.layers = TRY(read_list(json, "layers", what));
  manifest.annotations = TRY(read_annotations(json, what));
  return manifest;
}

Result<Index> parse_index(std::string_view text) {
  const std::string what = "image index";
  const Json json = TRY(parse_object(text, what));
  Index index;
  index.manifests = TRY(read_list(json, "manifests", what));
  return index;
}

}  // namespace wherry::oci
