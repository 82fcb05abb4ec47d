// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/fd.h"
#include "wasi/host/host.h"
#include "wasi/host/open.h"
#include "wasi/host/path.h"

// What the tests of this folder share.
namespace wherry::wasi {

// A fresh directory that is gone afterwards.
class TestDirectory {
 public:
  TestDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "wherry-wasi-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

  void write(std::string_view name, std::string_view content) const {
    ASSERT_TRUE(replace_file(*this / name, content, 0644));
  }
  std::string read(std::string_view name) const {
    auto content = read_file(*this / name, 1 << 20);
    return content ? *content : "(" + content.error().to_string() + ")";
  }

 private:
  std::string path_;
};

inline Descriptor preopen(const std::string& path, Descriptor::Scope scope = Descriptor::Scope::beneath, bool read_only = false) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto made = preopened_directory({std::move(fd), "/", read_only, scope});
  if (!made) std::abort();
  return std::move(*made);
}

// "success", or the error's name.
template <class T>
std::string_view outcome(const Io<T>& result) {
  return result ? std::string_view("success") : name_of(result.error());
}

inline Io<Descriptor> open_text(const Descriptor& directory, std::string_view path, const OpenRequest& request) {
  const std::string checked = TRY(checked_path({reinterpret_cast<const uint8_t*>(path.data()), path.size()}));
  return open_at(directory, checked, request);
}

}  // namespace wherry::wasi
