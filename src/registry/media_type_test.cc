// SPDX-License-Identifier: Apache-2.0
#include "registry/media_type.h"

#include <gtest/gtest.h>

#include "oci/manifest.h"

namespace wherry::registry {
namespace {

std::string type_of(std::string_view text, std::string_view said = "") {
  const auto type = media_type_of(text, said);
  return type ? *type : "";
}

TEST(MediaType, is_what_the_document_says) {
  EXPECT_EQ(type_of(R"({"manifests": []})"), oci::kIndexType);
  EXPECT_EQ(type_of(R"({"config": {}, "layers": []})"), oci::kManifestType);
  EXPECT_EQ(type_of(R"({"config": {}})", oci::kDockerManifestType), oci::kDockerManifestType);
  EXPECT_EQ(type_of(R"({"config": {}})", std::string(oci::kDockerManifestType) + "; charset=utf-8"), oci::kDockerManifestType);
  EXPECT_EQ(type_of(R"({"config": {}})", "application/octet-stream"), oci::kManifestType);
  EXPECT_EQ(type_of(R"({"mediaType": "application/vnd.docker.distribution.manifest.list.v2+json", "manifests": []})"), oci::kDockerIndexType);
}

TEST(MediaType, is_one_or_none) {
  EXPECT_EQ(type_of(R"({"manifests": [], "layers": []})"), "");
  EXPECT_EQ(type_of(R"({"manifests": [], "config": null})"), "");
  EXPECT_EQ(type_of(R"({"mediaType": "application/vnd.oci.image.index.v1+json", "config": {}})"), "");
  EXPECT_EQ(type_of(R"({"mediaType": "text/html", "config": {}})"), "");
  EXPECT_EQ(type_of(R"({"config": {}})", oci::kIndexType), "");
  EXPECT_EQ(type_of(R"({"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {}})", oci::kDockerManifestType), "");
  EXPECT_EQ(type_of(R"({"fsLayers": [], "config": {}})"), "");
  for (const char* bad : {"", "{}", "[]", "{", "null", R"({"a": {"manifests": []}})"}) EXPECT_EQ(type_of(bad), "") << bad;
}

}  // namespace
}  // namespace wherry::registry
