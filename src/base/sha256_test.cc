// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

#include <gtest/gtest.h>

namespace wherry {
namespace {

TEST(Sha256, gives_the_standard_s_digests) {
  EXPECT_EQ(to_hex(sha256(std::string_view(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(std::string_view("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, is_the_same_in_pieces_and_starts_again) {
  Sha256 hash;
  hash.update(std::string_view("a"));
  hash.update(std::string_view("bc"));
  EXPECT_EQ(hash.finish(), sha256(std::string_view("abc")));
  EXPECT_EQ(hash.finish(), sha256(std::string_view("")));
}

TEST(Sha256, hex_goes_there_and_back) {
  const Digest digest = sha256(std::string_view("abc"));
  EXPECT_EQ(digest_from_hex(to_hex(digest)), digest);
  EXPECT_FALSE(digest_from_hex(to_hex(digest).substr(1)));
  EXPECT_FALSE(digest_from_hex("BA" + to_hex(digest).substr(2)));
}

}  // namespace
}  // namespace wherry
