// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandbox/capability.h"
#include "sandbox/spec_seccomp.h"

namespace wherry::sandbox {

// The parts of an OCI runtime specification's config.json that a container of
// ours depends on. Plain values; names are the specification's. Numbers that
// the specification calls optional are std::optional, so that "absent" and 0
// stay different.

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::optional<uint32_t> umask;
  std::vector<uint32_t> additionalGids;
};

struct Rlimit {
  int resource = 0;  // RLIMIT_NOFILE...
  std::string type;  // "RLIMIT_NOFILE"
  uint64_t soft = 0;
  uint64_t hard = 0;
};

struct ConsoleSize {
  uint16_t width = 0;
  uint16_t height = 0;
};

struct Process {
  bool terminal = false;
  std::optional<ConsoleSize> consoleSize;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd = "/";
  std::optional<Capabilities> capabilities;
  std::vector<Rlimit> rlimits;
  bool noNewPrivileges = false;
  std::optional<int> oomScoreAdj;
  std::string apparmorProfile;
  std::string selinuxLabel;
};

struct IdMapping {
  uint32_t containerID = 0;
  uint32_t hostID = 0;
  uint32_t size = 0;
  auto operator<=>(const IdMapping&) const = default;
};

struct SpecMount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  std::vector<IdMapping> uidMappings;
  std::vector<IdMapping> gidMappings;
};

struct Root {
  std::string path;  // relative to the bundle, or absolute
  bool readonly = false;
};

enum class NamespaceType : uint8_t { pid, network, mount, ipc, uts, user, cgroup, time };

struct Namespace {
  NamespaceType type = NamespaceType::mount;
  std::string path;  // "" asks for a new one
};

struct DeviceRule {
  bool allow = false;
  char type = 'a';               // a c b
  std::optional<int64_t> major;  // absent: all
  std::optional<int64_t> minor;
  std::string access;  // of "rwm"
};

struct Device {
  std::string path;
  char type = 'c';  // c b p
  int64_t major = 0;
  int64_t minor = 0;
  uint32_t fileMode = 0666;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct HugepageLimit {
  std::string pageSize;  // "2MB"
  uint64_t limit = 0;
};

// linux.resources, also the body of an Update request. A limit of -1 means
// unlimited.
struct Resources {
  struct Cpu {
    std::optional<uint64_t> shares;
    std::optional<int64_t> quota;
    std::optional<uint64_t> period;
    std::optional<uint64_t> burst;
    std::optional<int64_t> idle;
    std::string cpus;
    std::string mems;
  } cpu;
  struct Memory {
    std::optional<int64_t> limit;
    std::optional<int64_t> reservation;
    std::optional<int64_t> swap;
    std::optional<uint64_t> swappiness;
    bool disableOOMKiller = false;
  } memory;
  std::optional<int64_t> pids_limit;
  std::vector<HugepageLimit> hugepageLimits;
  std::vector<DeviceRule> devices;
  std::map<std::string, std::string> unified;
};

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uidMappings;
  std::vector<IdMapping> gidMappings;
  std::vector<Device> devices;
  std::string cgroupsPath;
  Resources resources;
  std::optional<Seccomp> seccomp;
  bool has_time_offsets = false;
  std::string rootfsPropagation;
  std::string mountLabel;
  std::vector<std::string> maskedPaths;
  std::vector<std::string> readonlyPaths;
  std::map<std::string, std::string> sysctl;

  // The namespace of that type, or nullptr if the container shares the host's.
  const Namespace* find(NamespaceType type) const;
};

struct Hook {
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::optional<int> timeout;  // seconds
};

struct Hooks {
  std::vector<Hook> prestart, createRuntime, createContainer, startContainer, poststart, poststop;
};

struct Spec {
  std::string ociVersion;
  Process process;
  Root root;
  std::string hostname;
  std::string domainname;
  std::vector<SpecMount> mounts;
  Linux linux_;  // `linux` is a macro of the compiler
  Hooks hooks;
  std::map<std::string, std::string> annotations;

  // An annotation's value, or "".
  std::string_view annotation(std::string_view key) const;
};

// Reads a config.json of at most 4 MiB. Every field is checked for its type and
// range and an error names its place ("process.user.uid: expected a number,
// found a string"); unknown fields are ignored. Embedded NUL bytes are refused
// everywhere, since each of these strings ends in a system call.
Result<Spec> parse_spec(std::string_view json);

// The same for the JSON of a process object alone, as an exec comes with.
Result<Process> parse_process(std::string_view json);

// The same for the JSON of a linux.resources object alone.
Result<Resources> parse_resources(std::string_view json);

}  // namespace wherry::sandbox
