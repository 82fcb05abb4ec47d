// SPDX-License-Identifier: Apache-2.0
#include "registry/media_type.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/printable.h"
#include "oci/manifest.h"

namespace wherry::registry {
namespace {

using Json = nlohmann::json;

struct Outline {
  std::set<std::string> keys;  // of the document itself
  std::string media_type;
};

// Keeps nothing of what is inside of the members.
Result<Outline> outline(std::string_view text) {
  Outline out;
  const auto keep = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth == 1 && event == Json::parse_event_t::key) {
      if (out.keys.size() >= 64) return false;
      out.keys.insert(*value.get_ptr<const std::string*>());
    }
    return depth <= 1;
  };
  const Json json = Json::parse(text, keep, false);
  if (!json.is_object()) return error(ErrorKind::malformed, "the manifest is not a JSON object");
  if (const auto type = json.find("mediaType"); type != json.end() && type->is_string()) out.media_type = type->get<std::string>();
  return out;
}

bool is_document(std::string_view type) { return oci::is_index_type(type) || oci::is_manifest_type(type); }

}  // namespace

Result<std::string> media_type_of(std::string_view text, std::string_view said) {
  const Outline found = TRY(outline(text));
  said = said.substr(0, said.find_first_of("; "));
  if (found.keys.contains("fsLayers")) return error(ErrorKind::unsupported, "an image of Docker's first schema, which is no longer in use");
  const bool lists = found.keys.contains("manifests");
  const bool has_layers = found.keys.contains("layers") || found.keys.contains("config");
  if (lists == has_layers) return error(ErrorKind::malformed, "the manifest is neither an index nor an image's, or both");
  std::string type = found.media_type;
  if (type.empty()) type = is_document(said) ? std::string(said) : lists ? oci::kIndexType : oci::kManifestType;
  if (!is_document(type)) return error(ErrorKind::unsupported, "a manifest of the type " + printable(type, 100));
  if (is_document(said) && said != type) return error(ErrorKind::malformed, "the manifest says that it is " + printable(type, 100) + ", the registry that it is " + printable(said, 100));
  if (oci::is_index_type(type) != lists) return error(ErrorKind::malformed, "the manifest is not what its type " + type + " says");
  return type;
}

}  // namespace wherry::registry
