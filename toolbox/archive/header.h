// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/io.h"

namespace toolbox {

inline constexpr size_t kTarBlock = 512;

// A member of a tar archive, whatever headers say so: ustar, GNU's long names, pax.
struct Member {
  std::string name, target;
  char type = '0';
  uint32_t mode = 0644, uid = 0, gid = 0;
  uint64_t size = 0;
  int64_t modified = 0;
};

class TarReader {
 public:
  explicit TarReader(Input& in) : in_(in) {}

  // The next member; its content must be read or skipped before the next call.
  // Nothing at the end, and after an error, which `problem` tells.
  std::optional<Member> next();
  const std::string& problem() const { return problem_; }

  // A part of the content, 0 at its end.
  size_t read(char* into, size_t size);
  void skip();

 private:
  bool read_block(char* block);
  std::optional<std::string> read_text(uint64_t size);
  bool take_pax(const std::string& records);
  std::nullopt_t fail(const char* why);
  void override_from_pax(Member& member);

  Input& in_;
  uint64_t left_ = 0;     // of the content
  uint64_t padding_ = 0;  // after it
  std::string problem_;
  std::string long_name_, long_target_;
  std::optional<uint64_t> pax_size_;
  std::optional<int64_t> pax_modified_;
};

// The header, with those for long names before it.
std::string tar_header(const Member& member);

}  // namespace toolbox
