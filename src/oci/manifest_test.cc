// SPDX-License-Identifier: Apache-2.0
#include "oci/manifest.h"

#include <gtest/gtest.h>

namespace wherry::oci {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string repeat(std::string_view text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; i++) out += text;
  return out;
}

std::string layers(const std::string& list) { return R"({"config":{"mediaType":"c","digest":"d","size":2},"layers":[)" + list + "]}"; }

TEST(ParseManifest, reads_what_a_manifest_says) {
  const auto manifest = parse_manifest(layers(R"({"mediaType":"application/wasm","digest":")" + kDigest +
                                              R"(","size":7,"urls":["http://elsewhere/"],"annotations":{"a":"b"}})"));
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->config.media_type, "c");
  ASSERT_EQ(manifest->layers.size(), 1u);
  EXPECT_EQ(manifest->layers[0].media_type, "application/wasm");
  EXPECT_EQ(manifest->layers[0].digest, kDigest);
  EXPECT_EQ(manifest->layers[0].size, 7u);
  EXPECT_EQ(manifest->layers[0].annotations.at("a"), "b");
}

TEST(ParseManifest, reads_back_what_we_write) {
  const Descriptor layer{.media_type = kLayerType, .digest = kDigest, .size = 5, .platform = {}, .annotations = {}};
  const Descriptor config{.media_type = kConfigType, .digest = kDigest, .size = 6, .platform = {}, .annotations = {}};
  const auto manifest = parse_manifest(to_json(Manifest{config, {layer}, {{"k", "v"}}}));
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->layers.at(0).size, 5u);
  EXPECT_EQ(manifest->annotations.at("k"), "v");
}

TEST(ParseIndex, reads_platforms) {
  const auto index = parse_index(R"({"manifests":[{"mediaType":"m","digest":"d","size":1,"platform":{"os":"linux","architecture":"arm64"}},
                                                  {"mediaType":"m","digest":"e","size":1}]})");
  ASSERT_TRUE(index) << index.error().message;
  ASSERT_EQ(index->manifests.size(), 2u);
  EXPECT_EQ(index->manifests[0].platform->architecture, "arm64");
  EXPECT_FALSE(index->manifests[1].platform);
}

TEST(ParseManifest, refuses_hostile_documents_in_one_line) {
  const struct {
    const char* name;
    std::string text;
    const char* message;
  } cases[] = {
      {"empty", "", "image manifest: not valid JSON"},
      {"a list", "[]", "image manifest: not a JSON object"},
      {"cut", "{\"config\":", "image manifest: not valid JSON"},
      {"no config", "{}", "image manifest: no config"},
      {"deep", repeat("[", 500'000), "image manifest: nested more than 16 deep"},
      {"deep in place", layers(repeat("[", 20) + repeat("]", 20)), "image manifest: nested more than 16 deep"},
      {"wide", layers(repeat("[],", 200'000) + "[]"), "image manifest: more than 100000 values"},
      {"long", layers(repeat(" ", kMaxDocument)), "image manifest: larger than 1048576 bytes"},
      {"many layers", layers(repeat(R"({"size":1},)", 4096) + R"({"size":1})"), "image manifest: layers: 4097 entries, the limit is 4096"},
      {"no size", layers("{}"), "image manifest: layers[0].size: expected a whole number"},
      {"negative size", layers(R"({"size":-1})"), "image manifest: layers[0].size: expected a whole number"},
      {"size of 2^64", layers(R"({"size":18446744073709551616})"), "image manifest: layers[0].size: expected a whole number"},
      {"digest no text", layers(R"({"size":1,"digest":{}})"), "image manifest: layers[0].digest: expected a string"},
      {"layers no list", R"({"config":{"size":1},"layers":{}})", "image manifest: layers: expected an array"},
      {"annotations no text", layers(R"({"size":1,"annotations":{"a":1}})"), "image manifest: layers[0].annotations: expected strings"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto manifest = parse_manifest(c.text);
    ASSERT_FALSE(manifest);
    EXPECT_EQ(manifest.error().message, c.message);
  }
}

}  // namespace
}  // namespace wherry::oci
