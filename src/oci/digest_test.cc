// SPDX-License-Identifier: Apache-2.0
#include "oci/digest.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace wherry::oci {
namespace {

// Of the three bytes "abc" (FIPS 180-4).
constexpr char kOfAbc[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, is_written_as_it_is_read) {
  EXPECT_EQ(to_string(sha256("abc")), kOfAbc);
  const auto digest = parse_digest(kOfAbc);
  ASSERT_TRUE(digest);
  EXPECT_EQ(*digest, sha256("abc"));
}

TEST(Digest, is_sha256_only_and_nothing_that_could_be_a_path) {
  EXPECT_TRUE(is_digest(kOfAbc));
  for (const std::string& text : {std::string("sha512:") + std::string(128, 'a'), "sha512:" + std::string(64, 'a'), "sha256:" + std::string(63, 'a'),
                                 "sha256:" + std::string(64, 'g'), "sha256:" + std::string(64, 'A'), std::string("sha256:../../x"),
                                 std::string("../../etc/passwd"), std::string()}) {
    EXPECT_FALSE(parse_digest(text)) << text;
    EXPECT_FALSE(is_digest(text)) << text;
  }
}

TEST(Digest, of_a_file_is_of_all_of_it_and_leaves_its_position) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::tmpfile(), std::fclose);
  ASSERT_TRUE(file);
  const int fd = ::fileno(file.get());
  ASSERT_EQ(::write(fd, "abc", 3), 3);
  ASSERT_EQ(::lseek(fd, 1, SEEK_SET), 1);
  const auto digest = digest_of_file(fd, "x");
  ASSERT_TRUE(digest);
  EXPECT_EQ(*digest, kOfAbc);
  EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 1);
  EXPECT_FALSE(digest_of_file(-1, "x"));
}

TEST(Digest, names_a_blob_in_a_layout) { EXPECT_EQ(blob_path(kOfAbc), "blobs/sha256/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); }

}  // namespace
}  // namespace wherry::oci
