// SPDX-License-Identifier: Apache-2.0
#include "shim/info.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "shim/proto/start.pb.h"

#ifndef WHERRY_VERSION
#define WHERRY_VERSION "0.0.0"
#endif

namespace wherry::shim {
namespace {

constexpr const char* kRuntime = "io.containerd.wherry.v1";
constexpr const char* kFeaturesType = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

}  // namespace

std::string features() {
  const nlohmann::json document = {
      {"ociVersionMin", "1.0.0"},
      {"ociVersionMax", "1.2.0"},
      {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
      {"mountOptions",
       {"async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "noatime", "nodev", "nodiratime", "noexec",
        "norelatime", "nostrictatime", "nosuid", "private", "rbind", "relatime", "rnodev", "rnoexec", "rnosuid", "ro", "rprivate", "rro", "rrw", "rshared", "rslave", "rw",
        "shared", "slave", "strictatime", "suid", "sync"}},
      {"linux",
       {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "uts"}},
        {"capabilities", {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_NET_BIND_SERVICE"}},
        {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", false}}},
        {"seccomp", {{"enabled", true}}},
        {"apparmor", {{"enabled", false}}},
        {"selinux", {{"enabled", false}}},
        {"mountExtensions", {{"idmap", {{"enabled", false}}}}}}},
  };
  return document.dump();
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
