// SPDX-License-Identifier: Apache-2.0
#include "registry/certificates.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/fd.h"

namespace wherry::registry {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr size_t kMaxFiles = 256;

Result<std::vector<std::string>> list(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code problem;
  for (std::filesystem::directory_iterator entry(directory, problem), end; !problem && entry != end; entry.increment(problem)) {
    if (names.size() == kMaxFiles) return error(ErrorKind::exhausted, directory + ": more than 256 files");
    names.push_back(entry->path().string());
  }
  if (problem) return os_error(problem.value(), directory);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::vector<std::string> certificate_directories(const std::string& registry) {
  std::vector<std::string> out;
  for (const char* directory : {"/etc/docker/certs.d/", "/etc/containers/certs.d/", "/etc/containerd/certs.d/"})
    out.push_back(directory + registry);
  return out;
}

Result<std::string> read_authorities(const std::string& path) {
  std::string text = TRY(read_file(path, kMaxFile));
  if (text.find("-----BEGIN ") == text.npos) return error(ErrorKind::invalid, path + ": no certificate in PEM");
  return text + "\n";
}

Result<Certificates> read_certificates(const std::vector<std::string>& directories) {
  Certificates out;
  for (const std::string& directory : directories) {
    if (::access(directory.c_str(), F_OK) != 0) continue;
    const std::vector<std::string> names = TRY(list(directory));
    for (const std::string& name : names) {
      if (name.ends_with(".crt")) out.authorities += TRY(read_authorities(name));
      if (!name.ends_with(".cert") || !out.certificate.empty()) continue;
      out.certificate = name;
      out.key = name.substr(0, name.size() - 5) + ".key";
      if (::access(out.key.c_str(), R_OK) != 0) return error(ErrorKind::not_found, name + ": there is no readable .key beside it");
    }
    return out;
  }
  return out;
}

}  // namespace wherry::registry
