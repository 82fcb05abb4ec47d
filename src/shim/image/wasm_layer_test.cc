// SPDX-License-Identifier: Apache-2.0
#include "shim/image/wasm_layer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "oci/manifest.h"
#include "wasm/limits.h"

namespace wherry::shim {
namespace {

using Json = nlohmann::json;

constexpr const char* kWasm = "application/wasm";
constexpr const char* kWasmConfig = "application/vnd.wasm.config.v0+json";
const std::string kModule("\0asm\1\0\0\0", 8);

std::string digest_of(const std::string& data) { return "sha256:" + to_hex(sha256(data)); }

// containerd with one container "c" of the image "app:1".
class FakeStore : public ImageStore {
 public:
  Result<std::string> image_of(const std::string& container, TimePoint) override {
    if (container != "c") return error(ErrorKind::not_found, "no such container");
    return image;
  }
  Result<oci::Descriptor> target_of(const std::string& name, TimePoint) override {
    if (name != image) return error(ErrorKind::not_found, "no such image");
    return target;
  }
  Result<uint64_t> size_of(const std::string& digest, TimePoint) override {
    if (!blobs.contains(digest)) return error(ErrorKind::not_found, digest + ": not found");
    return blobs.at(digest).size();
  }
  Result<void> read(const std::string& digest, TimePoint, const Piece& piece) override {
    reads++;
    if (!blobs.contains(digest)) return error(ErrorKind::not_found, digest + ": not found");
    const std::string_view data = blobs.at(digest);
    for (size_t i = 0; i < data.size(); i += 1000) TRY(piece(data.substr(i, 1000)));
    return {};
  }

  Json add(const std::string& data, const std::string& media_type) {
    blobs[digest_of(data)] = data;
    return {{"mediaType", media_type}, {"digest", digest_of(data)}, {"size", data.size()}};
  }
  Json add_manifest(std::vector<Json> layers, const char* config = kWasmConfig) {
    const Json manifest = {{"schemaVersion", 2}, {"config", add("{}", config)}, {"layers", layers}};
    return add(json_text(manifest), oci::kManifestType);
  }
  Json add_index(std::vector<Json> manifests) { return add(json_text(Json{{"schemaVersion", 2}, {"manifests", manifests}}), oci::kIndexType); }
  void aim(const Json& descriptor) {
    target.media_type = descriptor["mediaType"].get<std::string>();
    target.digest = descriptor["digest"].get<std::string>();
    target.size = descriptor["size"].get<uint64_t>();
  }

  std::string image = "app:1";
  oci::Descriptor target;
  std::map<std::string, std::string> blobs;
  int reads = 0;
};

Json on(Json descriptor, const char* os, const char* architecture) {
  descriptor["platform"] = {{"os", os}, {"architecture", architecture}};
  return descriptor;
}

Json titled(Json descriptor, const char* title) {
  descriptor["annotations"] = {{"org.opencontainers.image.title", title}};
  return descriptor;
}

Result<std::optional<WasmLayer>> find(FakeStore& store, std::string_view program = "/app.wasm", std::string_view architecture = "amd64") {
  return find_wasm_layer(store, "c", program, architecture, {});
}

// The content of what is found, "" for nothing, or the error.
std::string found(FakeStore& store, std::string_view program = "/app.wasm", std::string_view architecture = "amd64") {
  const auto layer = find(store, program, architecture);
  if (!layer) return layer.error().message;
  return *layer ? store.blobs.at("sha256:" + to_hex((*layer)->digest)) : "";
}

TEST(FindWasmLayer, takes_the_one_module_whatever_the_program_is_called) {
  for (const char* type : {kWasm, "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm", "application/vnd.wasm.content.layer.v1+wasm",
                           "application/vnd.w3c.wasm.module.v1+wasm"}) {
    FakeStore store;
    store.aim(store.add_manifest({store.add("files", oci::kLayerType), store.add(kModule, type), store.add("policy", "text/yaml")}));
    EXPECT_EQ(found(store, "/any/name"), kModule) << type;
  }
}

TEST(FindWasmLayer, finds_nothing_in_an_ordinary_image) {
  FakeStore store;
  store.aim(store.add_manifest({store.add("files", oci::kLayerType)}, oci::kConfigType));
  const auto layer = find(store);
  ASSERT_TRUE(layer);
  EXPECT_FALSE(*layer);
  store.image = "";  // a container that was made of no image
  EXPECT_FALSE(*find(store));
}

TEST(FindWasmLayer, chooses_among_several_by_title) {
  FakeStore store;
  store.aim(store.add_manifest({titled(store.add("one", kWasm), "one.wasm"), titled(store.add("two", kWasm), "dir/two.wasm"), store.add("three", kWasm)}));
  EXPECT_EQ(found(store, "/bin/two.wasm"), "two");
  EXPECT_EQ(found(store, "one.wasm"), "one");
  EXPECT_EQ(found(store, "/app.wasm"), "image app:1: 3 Wasm layers, and none has the title `app.wasm`");
}

TEST(FindWasmLayer, chooses_the_machines_manifest_as_containerd_does) {
  FakeStore store;
  const Json arm = store.add_manifest({store.add("arm", kWasm)});
  const Json amd = store.add_manifest({store.add("amd", kWasm)});
  const Json any = store.add_manifest({store.add("any", kWasm)});
  store.aim(store.add_index({on(any, "wasip1", "wasm"), on(arm, "linux", "arm64"), on(amd, "linux", "amd64")}));
  EXPECT_EQ(found(store, "a", "amd64"), "amd");
  EXPECT_EQ(found(store, "a", "arm64"), "arm");
  EXPECT_EQ(found(store, "a", "riscv64"), "any");
  store.blobs.erase(amd["digest"].get<std::string>());  // it was not pulled
  EXPECT_EQ(found(store, "a", "amd64"), "any");
  store.aim(store.add_index({on(arm, "linux", "arm64"), on(amd, "windows", "amd64")}));
  EXPECT_EQ(found(store, "a", "amd64"), "");
}

TEST(FindWasmLayer, says_whose_fault_it_is) {
  FakeStore store;
  store.aim(store.add_manifest({store.add(kModule, kWasm)}));
  EXPECT_EQ(find_wasm_layer(store, "d", "a", "amd64", {}).error().message, "container d: no such container");
  store.target.media_type = "application/zip";
  EXPECT_EQ(found(store), "image app:1: neither an image manifest nor an index: `application/zip`");
}

TEST(FindWasmLayer, takes_no_document_that_is_not_what_its_digest_says) {
  FakeStore store;
  const Json manifest = store.add_manifest({store.add(kModule, kWasm)});
  store.aim(manifest);
  std::string& text = store.blobs[manifest["digest"].get<std::string>()];
  const std::string kept = text;
  text[0] = '[';
  EXPECT_EQ(found(store), "image app:1: " + store.target.digest + ": the content has another digest");
  text = kept + " ";
  EXPECT_EQ(found(store), "image app:1: " + store.target.digest + ": longer than its descriptor says");
  text = kept.substr(1);
  EXPECT_EQ(found(store), "image app:1: " + store.target.digest + ": the content has another digest");
}

TEST(FindWasmLayer, reads_no_document_that_is_too_large) {
  FakeStore store;
  store.aim(store.add_manifest({}));
  store.target.size = uint64_t{1} << 40;
  EXPECT_EQ(found(store), "image app:1: " + store.target.digest + ": 1099511627776 bytes, the limit is 1048576");
  EXPECT_EQ(store.reads, 0);
}

TEST(FindWasmLayer, follows_no_index_in_an_index_and_reads_few_manifests) {
  FakeStore store;
  std::vector<Json> manifests;
  for (int i = 0; i < 1000; i++) manifests.push_back(on(store.add_manifest({store.add(std::to_string(i), oci::kLayerType)}), "linux", "amd64"));
  const Json index = store.add_index(manifests);
  store.aim(index);
  EXPECT_EQ(found(store), "");
  EXPECT_EQ(store.reads, 9);  // of the index, and of 8 manifests

  store.aim(store.add_index({on(index, "linux", "amd64")}));
  store.reads = 0;
  EXPECT_EQ(found(store), "");
  EXPECT_EQ(store.reads, 1);
}

TEST(FindWasmLayer, knows_that_the_layer_is_there_and_how_large_it_is) {
  FakeStore store;
  Json layer = store.add(kModule, kWasm);
  const std::string digest = layer["digest"].get<std::string>();
  layer["size"] = 9;
  store.aim(store.add_manifest({layer}));
  EXPECT_EQ(found(store), "image app:1: layer " + digest + ": 8 bytes, its descriptor says 9");
  layer["size"] = wasm::kMaxModuleSize + 1;
  store.aim(store.add_manifest({layer}));
  EXPECT_EQ(found(store), "image app:1: layer " + digest + ": larger than 1 GiB");
  layer["size"] = 8;
  store.aim(store.add_manifest({layer}));
  store.blobs.erase(digest);
  EXPECT_EQ(found(store), "image app:1: " + digest + ": not found");
  layer["digest"] = "md5:0";
  store.aim(store.add_manifest({layer}));
  EXPECT_EQ(found(store), "image app:1: digest `md5:0`: expected sha256: and 64 digits");
}

class FetchLayer : public testing::Test {
 protected:
  void SetUp() override {
    module_ = kModule + std::string(5000, 'x');
    store_.blobs[digest_of(module_)] = module_;
    layer_ = {"app:1", sha256(module_), module_.size()};
    file_.reset(::memfd_create("test", MFD_CLOEXEC));
  }
  std::string fetch() {
    const auto done = fetch_layer(store_, layer_, file_.get(), {});
    return done ? "" : done.error().message;
  }

  FakeStore store_;
  std::string module_;
  WasmLayer layer_;
  UniqueFd file_;
};

TEST_F(FetchLayer, copies_the_blob) {
  EXPECT_EQ(fetch(), "");
  std::string copy(module_.size() + 1, '\0');
  EXPECT_EQ(::pread(file_.get(), copy.data(), copy.size(), 0), static_cast<ssize_t>(module_.size()));
  copy.pop_back();
  EXPECT_EQ(copy, module_);
}

TEST_F(FetchLayer, takes_nothing_that_is_not_what_the_digest_says) {
  std::string& blob = store_.blobs[digest_of(module_)];
  blob.back() = 'y';
  EXPECT_EQ(fetch(), layer_.to_string() + ": the content has another digest");
  blob = module_.substr(1);
  EXPECT_EQ(fetch(), layer_.to_string() + ": the content has another digest");
  blob = module_ + "x";
  EXPECT_EQ(fetch(), layer_.to_string() + ": longer than its descriptor says");
}

}  // namespace
}  // namespace wherry::shim
