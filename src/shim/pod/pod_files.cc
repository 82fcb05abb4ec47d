// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "shim/pod/pod_spec.h"

namespace wherry::shim {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr const char* kFiles[] = {"hostname", "hosts", "resolv.conf"};

std::string directory(const std::string& bundle) { return bundle + "/pod"; }

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::string joined(std::string_view word, const google::protobuf::RepeatedPtrField<std::string>& values) {
  std::string line(word);
  for (const std::string& value : values) line += " " + value;
  return line + "\n";
}

// A server a line; what the kubelet sends may hold no line of its own.
Result<std::string> resolv_conf(const pb::DNSConfig& dns) {
  for (const auto* all : {&dns.servers(), &dns.searches(), &dns.options()}) {
    for (const std::string& value : *all) {
      if (value.find_first_of("\r\n") != std::string::npos) return error(ErrorKind::invalid, "CreateSandbox: dns_config: a line break in `" + value + "`");
    }
  }
  std::string text;
  if (!dns.searches().empty()) text += joined("search", dns.searches());
  for (const std::string& server : dns.servers()) text += "nameserver " + server + "\n";
  if (!dns.options().empty()) text += joined("options", dns.options());
  return text;
}

Result<void> write(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) return os_error(errno, path);
  return write_all(fd.get(), text, path);
}

// The host's file, or nothing if it has none.
std::string host_file(const std::string& path) {
  auto text = read_file(path, kMaxFile);
  return text ? *std::move(text) : "";
}

Result<void> make_shm(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return os_error(errno, path);
  if (::mount("shm", path.c_str(), "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NODEV, "mode=1777,size=64m") != 0) return os_error(errno, "cannot mount " + path);
  return {};
}

}  // namespace

Result<void> make_pod_files(const pb::CreateSandboxRequest& request) {
  pb::PodSandboxConfig config;
  if (!config.ParseFromString(request.options().value())) return error(ErrorKind::invalid, "CreateSandbox: malformed PodSandboxConfig");
  const std::string at = directory(request.bundle_path());
  if (::mkdir(at.c_str(), 0711) != 0 && errno != EEXIST) return os_error(errno, at);
  TRY(write(at + "/hostname", (config.hostname().empty() ? host_name() : config.hostname()) + "\n"));
  TRY(write(at + "/hosts", host_file("/etc/hosts")));
  TRY(write(at + "/resolv.conf", config.has_dns_config() ? TRY(resolv_conf(config.dns_config())) : host_file("/etc/resolv.conf")));
  return make_shm(at + "/shm");
}

void remove_pod_files(const std::string& bundle) {
  const std::string at = directory(bundle);
  const std::string shm = at + "/shm";
  ::umount2(shm.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  ::rmdir(shm.c_str());
  for (const char* file : kFiles) ::unlink((at + "/" + file).c_str());
  ::rmdir(at.c_str());
}

}  // namespace wherry::shim
