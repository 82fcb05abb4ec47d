// SPDX-License-Identifier: Apache-2.0
#include "shim/info.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "base/json_text.h"
#include "shim/proto/start.pb.h"

#ifndef WHERRY_VERSION
#define WHERRY_VERSION "0.0.0"
#endif

namespace wherry::shim {
namespace {

constexpr const char* kRuntime = "io.containerd.wherry.v1";
constexpr const char* kFeaturesType = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

nlohmann::json namespaces() {
  nlohmann::json names = {"cgroup", "ipc", "mount", "network", "pid"};
  if (::access("/proc/self/ns/user", F_OK) == 0) names.push_back("user");
  names.push_back("uts");
  return names;
}

// Linux 5.12, and nothing forbids the call.
bool kernel_maps_ids() {
  ::syscall(SYS_mount_setattr, -1, "", 0, nullptr, 0);
  return errno != ENOSYS && errno != EPERM;
}

}  // namespace

std::string features() {
  const nlohmann::json document = {
      {"ociVersionMin", "1.0.0"},
      {"ociVersionMax", "1.2.0"},
      {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
      {"mountOptions",
       {"async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "noatime", "nodev", "nodiratime", "noexec",
        "norelatime", "nostrictatime", "nosuid", "private", "rbind", "relatime", "ridmap", "rnodev", "rnoexec", "rnosuid", "ro", "rprivate", "rro", "rrw", "rshared", "rslave", "rw",
        "shared", "slave", "strictatime", "suid", "sync"}},
      {"linux",
       {{"namespaces", namespaces()},
        {"capabilities", {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_NET_BIND_SERVICE"}},
        {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", false}}},
        {"seccomp", {{"enabled", true}}},
        {"apparmor", {{"enabled", true}}},
        {"selinux", {{"enabled", true}}},
        {"mountExtensions", {{"idmap", {{"enabled", kernel_maps_ids()}}}}}}},
  };
  return json_text(document);
}

const char* version() { return WHERRY_VERSION; }

int print_info() {
  pb::RuntimeInfo info;
  info.set_name(kRuntime);
  info.mutable_version()->set_version(WHERRY_VERSION);
  info.mutable_features()->set_type_url(kFeaturesType);
  info.mutable_features()->set_value(features());
  return write_all(STDOUT_FILENO, info.SerializeAsString(), "stdout") ? 0 : 1;
}

int print_version() {
  std::printf("containerd-shim-wherry-v1:\n  Version:  %s\n", WHERRY_VERSION);
  return 0;
}

}  // namespace wherry::shim
