// SPDX-License-Identifier: Apache-2.0
#include "oci/document.h"

#include <nlohmann/json.hpp>

#include "base/json_text.h"

namespace wherry::oci {
namespace {

// Keys stay in the order of the specification's examples.
using Json = nlohmann::ordered_json;

Json to_object(const Descriptor& descriptor) {
  Json json = {{"mediaType", descriptor.media_type}, {"digest", descriptor.digest}, {"size", descriptor.size}};
  if (descriptor.platform)
    json["platform"] = {{"architecture", descriptor.platform->architecture}, {"os", descriptor.platform->os}};
  if (!descriptor.annotations.empty()) json["annotations"] = descriptor.annotations;
  return json;
}

Json to_array(const std::vector<Descriptor>& descriptors) {
  Json json = Json::array();
  for (const Descriptor& descriptor : descriptors) json.push_back(to_object(descriptor));
  return json;
}

Json to_object(const Process& process) {
  Json json = Json::object();
  if (!process.user.empty()) json["User"] = process.user;
  for (const std::string& port : process.exposed_ports) json["ExposedPorts"][port] = Json::object();
  if (!process.env.empty()) json["Env"] = process.env;
  if (!process.entrypoint.empty()) json["Entrypoint"] = process.entrypoint;
  if (!process.cmd.empty()) json["Cmd"] = process.cmd;
  if (!process.working_dir.empty()) json["WorkingDir"] = process.working_dir;
  if (!process.labels.empty()) json["Labels"] = process.labels;
  return json;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  Json json = {{"schemaVersion", 2},
               {"mediaType", kManifestType},
               {"config", to_object(manifest.config)},
               {"layers", to_array(manifest.layers)}};
  if (!manifest.annotations.empty()) json["annotations"] = manifest.annotations;
  return json_text(json);
}

std::string to_json(const Index& index) {
  return json_text(Json{{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", to_array(index.manifests)}});
}

std::string to_json(const ImageConfig& config) {
  return json_text(Json{{"created", config.created},
                        {"architecture", config.platform.architecture},
                        {"os", config.platform.os},
                        {"config", to_object(config.process)},
                        {"rootfs", {{"type", "layers"}, {"diff_ids", config.diff_ids}}},
                        {"history", Json::array({Json{{"created", config.created}, {"created_by", config.created_by}}})}});
}

std::string to_json(const DockerManifest& manifest) {
  return json_text(Json::array({Json{
      {"Config", manifest.config}, {"RepoTags", Json::array({manifest.repo_tag})}, {"Layers", manifest.layers}}}));
}

}  // namespace wherry::oci
