// SPDX-License-Identifier: Apache-2.0
#include "oci/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "base/sha256.h"

namespace wherry::oci {
namespace {

using Json = nlohmann::json;
using Files = std::map<std::string, std::string>;

class ImageTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "wherry-oci-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
    return path(name);
  }
  std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) names.push_back(entry.path().filename());
    return names;
  }

  std::string directory_;
};

// What is in a tar file, also a compressed one; a symbolic link is "-> TARGET".
Files unpack(std::string_view bytes) {
  Files files;
  archive* in = archive_read_new();
  archive_read_support_format_tar(in);
  archive_read_support_filter_gzip(in);
  EXPECT_EQ(archive_read_open_memory(in, bytes.data(), bytes.size()), ARCHIVE_OK);
  for (archive_entry* entry; archive_read_next_header(in, &entry) == ARCHIVE_OK;) {
    EXPECT_EQ(archive_entry_uid(entry), 0);
    EXPECT_EQ(archive_entry_mtime(entry), 7);
    std::string content(static_cast<size_t>(archive_entry_size(entry)), '\0');
    EXPECT_EQ(archive_read_data(in, content.data(), content.size()), static_cast<la_ssize_t>(content.size()));
    if (const char* target = archive_entry_symlink(entry)) content = std::string("-> ") + target;
    files[archive_entry_pathname(entry)] = content;
  }
  archive_read_free(in);
  return files;
}

const std::string& blob(const Files& files, const Json& descriptor) {
  const std::string digest = descriptor.at("digest");
  const std::string& content = files.at("blobs/sha256/" + digest.substr(7));
  EXPECT_EQ("sha256:" + to_hex(sha256(content)), digest);
  EXPECT_EQ(content.size(), descriptor.at("size").get<size_t>());
  return content;
}

Image example() {
  Image image;
  image.name = *parse_reference("me/app:v1");
  image.process.entrypoint = {"/app.wasm"};
  image.process.env = {"A=b"};
  image.process.exposed_ports = {"80/tcp"};
  image.process.labels = {{"k", "v"}};
  image.process.user = "1:2";
  image.created = 7;
  return image;
}

TEST_F(ImageTest, has_three_platforms_over_one_layer_and_docker_s_manifest) {
  Tree tree;
  ASSERT_TRUE(tree.add(write("app.wasm", "module"), "/app.wasm"));
  const auto packed = write_image(example(), tree, path("image.tar"));
  ASSERT_TRUE(packed) << packed.error().message;
  const Files files = unpack(*read_file(path("image.tar"), 1 << 20));
  EXPECT_EQ(files.at("oci-layout"), R"({"imageLayoutVersion":"1.0.0"})");

  const Json layout = Json::parse(files.at("index.json"));
  ASSERT_EQ(layout.at("manifests").size(), 1u);
  const Json& target = layout.at("manifests")[0];
  EXPECT_EQ(target.at("digest"), packed->digest);
  EXPECT_EQ(target.at("annotations").at("io.containerd.image.name"), "docker.io/me/app:v1");
  EXPECT_EQ(target.at("annotations").at("org.opencontainers.image.ref.name"), "v1");

  const Json index = Json::parse(blob(files, target));
  std::string platforms, layers;
  Json first_manifest;
  for (const Json& descriptor : index.at("manifests")) {
    const Json manifest = Json::parse(blob(files, descriptor));
    const Json config = Json::parse(blob(files, manifest.at("config")));
    EXPECT_EQ(config.at("os"), descriptor.at("platform").at("os"));
    EXPECT_EQ(config.at("architecture"), descriptor.at("platform").at("architecture"));
    EXPECT_EQ(
        config.at("config"),
        Json::parse(
            R"({"User":"1:2","ExposedPorts":{"80/tcp":{}},"Env":["A=b"],"Entrypoint":["/app.wasm"],"Labels":{"k":"v"}})"));
    EXPECT_EQ(config.at("created"), "1970-01-01T00:00:07Z");
    platforms += config.at("os").get<std::string>() + "/" + config.at("architecture").get<std::string>() + " ";
    layers += manifest.at("layers")[0].at("digest").get<std::string>().substr(0, 12) + " ";
    if (first_manifest.is_null()) first_manifest = manifest;
  }
  EXPECT_EQ(platforms, "linux/amd64 linux/arm64 wasip1/wasm ");
  EXPECT_EQ(layers.substr(0, 13), layers.substr(13, 13));

  EXPECT_EQ(unpack(blob(files, first_manifest.at("layers")[0])), (Files{{"app.wasm", "module"}}));
  const Json docker = Json::parse(files.at("manifest.json"));
  EXPECT_EQ(docker[0].at("RepoTags"), Json::parse(R"(["docker.io/me/app:v1"])"));
  EXPECT_TRUE(files.contains(docker[0].at("Config").get<std::string>()));
  EXPECT_TRUE(files.contains(docker[0].at("Layers")[0].get<std::string>()));
}

TEST_F(ImageTest, is_the_same_whatever_the_files_times_and_modes_are) {
  const auto pack = [&](const std::string& name) {
    Tree tree;
    EXPECT_TRUE(tree.add(path("a"), "/a"));
    EXPECT_TRUE(write_image(example(), tree, path(name)));
    return *read_file(path(name), 1 << 20);
  };
  write("a", "content");
  const std::string first = pack("1.tar");
  ::chmod(path("a").c_str(), 0600);
  std::filesystem::last_write_time(path("a"), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(pack("2.tar"), first);
  ::chmod(path("a").c_str(), 0700);
  EXPECT_NE(pack("3.tar"), first);
}

TEST_F(ImageTest, leaves_nothing_behind_when_it_fails) {
  Tree tree;
  ASSERT_TRUE(tree.add(write("a", "content"), "/a"));
  std::filesystem::remove(path("a"));
  const auto gone = write_image(example(), tree, path("image.tar"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message, path("a") + ": No such file or directory");
  EXPECT_TRUE(listing().empty());

  Image untagged = example();
  untagged.name.tag.clear();
  EXPECT_EQ(write_image(untagged, tree, path("image.tar")).error().message,
            "image name `docker.io/me/app`: it needs a tag");
}

TEST_F(ImageTest, has_names_in_utf8_only) {
  Tree tree;
  const auto added = tree.add(write("b\xff\n", "content"), "/b\xff\n");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message, "/b\xff?: not UTF-8, which names in an image are");
  EXPECT_FALSE(tree.add_directory("/d\xff"));
  EXPECT_TRUE(tree.add_directory("/d\xc3\xa9"));
}

TEST_F(ImageTest, takes_directories_with_links_and_says_what_it_does_not_take) {
  std::filesystem::create_directories(path("site/sub"));
  write("site/sub/file", "text");
  std::filesystem::create_symlink("sub/file", path("site/link"));
  Tree tree;
  ASSERT_TRUE(tree.add(path("site"), "/srv//www/"));
  ASSERT_TRUE(tree.add_directory("/tmp"));
  std::string names;
  for (const auto& [name, node] : tree.nodes()) names += name + " ";
  EXPECT_EQ(names, "srv srv/www srv/www/link srv/www/sub srv/www/sub/file tmp ");

  EXPECT_EQ(tree.add(path("site/sub/file"), "/srv/www/link").error().message, "/srv/www/link: given twice");
  EXPECT_EQ(tree.add(path("site/sub/file"), "/srv/www/link/x").error().message,
            "/srv/www/link/x: /srv/www/link is not a directory in the image");
  EXPECT_EQ(tree.add(path("site/sub/file"), "/a/../b").error().message, "`/a/../b`: a path in an image has no `..`");
  EXPECT_EQ(tree.add(path("none"), "/x").error().message, path("none") + ": No such file or directory");
  EXPECT_EQ(tree.add(path("site/sub/file"), "/").error().message,
            path("site/sub/file") + ": a file needs a name in the image");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(tree.add(path("fifo"), "/fifo").error().message, path("fifo") + ": neither a file nor a directory");
}

}  // namespace
}  // namespace wherry::oci
