// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spec.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>

namespace wherry::sandbox {
namespace {

// As containerd's CRI plug-in writes it, shortened.
constexpr std::string_view kKubernetes = R"({
  "ociVersion": "1.0.2-dev",
  "process": {
    "user": {"uid": 1000, "gid": 3000, "umask": 18, "additionalGids": [3000, 65534]},
    "args": ["/app.wasm#serve", "--port", "80"],
    "env": ["PATH=/usr/bin:/bin", "HOSTNAME=pod"],
    "cwd": "/srv",
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_FROM_THE_FUTURE"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"]},
    "noNewPrivileges": true,
    "oomScoreAdj": -998,
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 1024}]
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "pod",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/etc/hosts", "type": "bind", "source": "/var/lib/hosts", "options": ["rbind", "rprivate", "rw"]}
  ],
  "annotations": {"io.kubernetes.cri.container-type": "sandbox"},
  "linux": {
    "namespaces": [{"type": "pid"}, {"type": "network", "path": "/var/run/netns/cni-1"}],
    "cgroupsPath": "/kubepods/pod1/abc",
    "resources": {
      "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": -1, "access": "rw"}],
      "memory": {"limit": 67108864, "swap": -1},
      "cpu": {"shares": 2, "quota": -1, "period": 100000, "cpus": "0-1"},
      "pids": {"limit": 100},
      "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
      "unified": {"memory.high": "1"}
    },
    "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"},
    "rootfsPropagation": "rslave",
    "mountLabel": "u:o:t:s0",
    "maskedPaths": ["/proc/kcore"],
    "readonlyPaths": ["/proc/sys"],
    "sysctl": {"net.ipv4.ip_forward": "1"},
    "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438}]
  },
  "hooks": {"createRuntime": [{"path": "/bin/true", "args": ["true"], "timeout": 3}]}
})";

TEST(Spec, reads_what_kubernetes_sets) {
  const auto spec = parse_spec(kKubernetes);
  ASSERT_TRUE(spec) << spec.error().message;
  const Process& process = spec->process;
  EXPECT_EQ(process.user.uid, 1000u);
  EXPECT_EQ(process.user.umask, 022u);
  EXPECT_EQ(process.user.additionalGids, (std::vector<uint32_t>{3000, 65534}));
  EXPECT_EQ(process.args[0], "/app.wasm#serve");
  EXPECT_EQ(process.env[1], "HOSTNAME=pod");
  EXPECT_EQ(process.cwd, "/srv");
  EXPECT_EQ(process.capabilities->bounding, uint64_t{1} << CAP_CHOWN);
  EXPECT_TRUE(process.noNewPrivileges);
  EXPECT_EQ(process.oomScoreAdj, -998);
  EXPECT_EQ(process.rlimits[0].resource, RLIMIT_NOFILE);
  EXPECT_EQ(process.rlimits[0].soft, 1024u);
  EXPECT_TRUE(spec->root.readonly);
  EXPECT_EQ(spec->mounts[1].options[0], "rbind");
  EXPECT_EQ(spec->annotation("io.kubernetes.cri.container-type"), "sandbox");
  EXPECT_EQ(spec->annotation("absent"), "");
  EXPECT_EQ(spec->hooks.createRuntime[0].timeout, 3);
}

TEST(Spec, reads_the_linux_part) {
  const auto spec = parse_spec(kKubernetes);
  ASSERT_TRUE(spec) << spec.error().message;
  const Linux& part = spec->linux_;
  EXPECT_EQ(part.mountLabel, "u:o:t:s0");
  EXPECT_EQ(part.find(NamespaceType::pid)->path, "");
  EXPECT_EQ(part.find(NamespaceType::network)->path, "/var/run/netns/cni-1");
  EXPECT_EQ(part.find(NamespaceType::user), nullptr);
  EXPECT_EQ(part.resources.memory.limit, 67108864);
  EXPECT_EQ(part.resources.memory.swap, -1);
  EXPECT_FALSE(part.resources.memory.reservation);
  EXPECT_EQ(part.resources.cpu.shares, 2u);
  EXPECT_EQ(part.resources.cpu.cpus, "0-1");
  EXPECT_EQ(part.resources.pids_limit, 100);
  EXPECT_EQ(part.resources.devices[0].type, 'a');
  EXPECT_EQ(part.resources.devices[1].major, 1);
  EXPECT_FALSE(part.resources.devices[1].minor);
  EXPECT_EQ(part.resources.unified.at("memory.high"), "1");
  ASSERT_TRUE(part.seccomp);
  EXPECT_EQ(part.seccomp->defaultAction, "SCMP_ACT_ERRNO");
  EXPECT_EQ(part.devices[0].minor, 229);
  EXPECT_EQ(part.sysctl.at("net.ipv4.ip_forward"), "1");
}

TEST(Spec, accepts_a_minimal_one_with_nulls) {
  const auto spec = parse_spec(R"({"root": {"path": "/abs"}, "process": {"args": null}, "linux": {"resources": null}})");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->root.path, "/abs");
  EXPECT_TRUE(spec->process.args.empty());
}

struct Bad {
  const char* json;
  const char* message;
};

const Bad kBad[] = {
    {"", "config.json: not valid JSON"},
    {"[]", "config.json: expected an object, found an array"},
    {"{}", "config.json: root is missing"},
    {R"({"root": 1})", "config.json: root: expected an object, found a number"},
    {R"({"root": {"path": ""}})", "config.json: root: path is missing"},
    {R"({"root": {"path": "r"}, "process": {"user": {"uid": "0"}}})",
     "config.json: process.user.uid: expected a whole number, found a string"},
    {R"({"root": {"path": "r"}, "process": {"user": {"uid": -1}}})",
     "config.json: process.user.uid: the number must be from 0 to 4294967295"},
    {R"({"root": {"path": "r"}, "process": {"user": {"additionalGids": [1, 2.5]}}})",
     "config.json: process.user.additionalGids[1]: expected a whole number, found a number"},
    {R"({"root": {"path": "r"}, "process": {"args": ["a", null]}})",
     "config.json: process.args[1]: expected a string, found a null"},
    {R"({"root": {"path": "r"}, "process": {"args": ["a\u0000b"]}})",
     "config.json: process.args[0]: a NUL byte in a string"},
    {R"({"root": {"path": "r"}, "process": {"cwd": "x"}})", "config.json: process: cwd: `x` is not an absolute path"},
    {R"({"root": {"path": "r"}, "process": {"rlimits": [{"type": "RLIMIT_X"}]}})",
     "config.json: process.rlimits[0]: unknown resource limit `RLIMIT_X`"},
    {R"({"root": {"path": "r"}, "process": {"oomScoreAdj": 1001}})",
     "config.json: process: oomScoreAdj: the number must be from -1000 to 1000"},
    {R"({"root": {"path": "r"}, "mounts": [{}]})", "config.json: mounts[0]: destination is missing"},
    {R"({"root": {"path": "r"}, "mounts": {}})", "config.json: mounts: expected an array, found an object"},
    {R"({"root": {"path": "r"}, "linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]}})",
     "config.json: linux.namespaces[1]: namespace `pid` is given twice"},
    {R"({"root": {"path": "r"}, "linux": {"namespaces": [{"type": "moon"}]}})",
     "config.json: linux.namespaces[0]: unknown namespace `moon`"},
    {R"({"root": {"path": "r"}, "linux": {"resources": {"memory": {"limit": 18446744073709551615}}}})",
     "config.json: linux.resources.memory.limit: the number must be from -9223372036854775808 to 9223372036854775807"},
    {R"({"root": {"path": "r"}, "linux": {"resources": {"unified": {"../x": "1"}}}})",
     "config.json: linux.resources: `../x` is not a file name"},
    {R"({"root": {"path": "r"}, "linux": {"devices": [{"path": "/dev/x", "type": "q"}]}})",
     "config.json: linux.devices[0]: unknown device type `q`"},
    {R"({"root": {"path": "r"}, "linux": {"seccomp": {"syscalls": [{"names": ["a"], "args": [{"index": 6}]}]}}})",
     "config.json: linux.seccomp.syscalls[0].args[0]: index: a system call has six arguments"},
    {R"({"root": {"path": "r"}, "linux": {"seccomp": "default"}})", "config.json: linux.seccomp: expected an object, found a string"},
    {R"({"root": {"path": "r"}, "hooks": {"prestart": [{"path": "true"}]}})",
     "config.json: hooks.prestart[0]: path: `true` is not an absolute path"},
    {R"({"root": {"path": "r"}, "annotations": {"a": 1}})", "config.json: annotations.a: expected a string, found a number"},
};

TEST(Spec, says_where_it_is_wrong) {
  for (const Bad& bad : kBad) {
    SCOPED_TRACE(bad.json);
    const auto spec = parse_spec(bad.json);
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().message, bad.message);
    EXPECT_EQ(spec.error().kind, ErrorKind::invalid);
  }
}

TEST(Spec, refuses_what_is_too_long_or_too_deep) {
  const auto large = parse_spec(std::string((4 << 20) + 1, ' '));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().message, "config.json: 4194305 bytes, the limit is 4194304");
  const auto deep = parse_spec(std::string(1 << 20, '['));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "config.json: nested more than 64 deep");
}

TEST(Spec, resources_alone_are_an_update) {
  const auto resources = parse_resources(R"({"cpu": {"shares": 512}, "memory": {"limit": -1}})");
  ASSERT_TRUE(resources) << resources.error().message;
  EXPECT_EQ(resources->cpu.shares, 512u);
  EXPECT_EQ(resources->memory.limit, -1);
}

}  // namespace
}  // namespace wherry::sandbox
