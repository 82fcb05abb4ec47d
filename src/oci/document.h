// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// The JSON documents of the OCI image specification that we write.
namespace wherry::oci {

inline constexpr char kIndexType[] = "application/vnd.oci.image.index.v1+json";
inline constexpr char kManifestType[] = "application/vnd.oci.image.manifest.v1+json";
inline constexpr char kConfigType[] = "application/vnd.oci.image.config.v1+json";
inline constexpr char kLayerType[] = "application/vnd.oci.image.layer.v1.tar+gzip";

struct Platform {
  std::string os;
  std::string architecture;
};

using Annotations = std::map<std::string, std::string>;

struct Descriptor {
  std::string media_type;
  std::string digest;  // "sha256:..."
  uint64_t size = 0;
  std::optional<Platform> platform;
  Annotations annotations;
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
  Annotations annotations;
};

struct Index {
  std::vector<Descriptor> manifests;
};

// How a container of the image is started.
struct Process {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // "K=V"
  std::string user;
  std::string working_dir;
  std::vector<std::string> exposed_ports;  // "8080/tcp"
  std::map<std::string, std::string> labels;
};

struct ImageConfig {
  Platform platform;
  std::string created;  // RFC 3339
  std::string created_by;
  Process process;
  std::vector<std::string> diff_ids;
};

std::string to_json(const Manifest& manifest);
std::string to_json(const Index& index);
std::string to_json(const ImageConfig& config);

// Docker's `manifest.json` of an archive with one image.
struct DockerManifest {
  std::string config;  // paths in the archive
  std::vector<std::string> layers;
  std::string repo_tag;
};
std::string to_json(const DockerManifest& manifest);

}  // namespace wherry::oci
