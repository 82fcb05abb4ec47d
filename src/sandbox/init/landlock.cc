// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/init/steps.h"
#include "sandbox/mount_options.h"

namespace wherry::sandbox {
namespace {

// Rights of later kernels than this machine's headers may know. By version: 2
// refer, 3 truncate, 5 ioctl on devices.
constexpr uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDir = 1 << 3;
constexpr uint64_t kMakeChar = 1 << 6, kMakeBlock = 1 << 11;
constexpr uint64_t kFirstVersion = (1 << 13) - 1, kRefer = 1 << 13, kTruncate = 1 << 14, kIoctlDevice = 1 << 15;

struct RulesetAttributes {
  uint64_t handled_access_fs = 0;
  uint64_t handled_access_net = 0;
  uint64_t scoped = 0;  // version 6
};
constexpr uint64_t kScopeAbstractSocket = 1 << 0, kScopeSignal = 1 << 1;

uint64_t known_rights(long version) {
  uint64_t rights = kFirstVersion | kRefer;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kIoctlDevice;
  return rights;
}

// Everything a file system is for, but running programs and reaching devices.
uint64_t guest_rights(uint64_t known) { return known & ~(kExecute | kMakeChar | kMakeBlock | kIoctlDevice); }

Result<void> allow(int ruleset, const std::string& path, uint64_t rights) {
  const UniqueFd directory(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!directory) return errno == ENOENT || errno == EACCES ? Result<void>() : os_error(errno, path);
  landlock_path_beneath_attr rule{.allowed_access = rights, .parent_fd = directory.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return {};
  // A single file takes only the rights that files have.
  rule.allowed_access &= kWriteFile | kReadFile | kTruncate;
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return {};
  return os_error(errno, "landlock rule for " + path);
}

bool is_writable(const SpecMount& mount) {
  const auto options = parse_mount_options(mount.options);
  return options && !((options->set | options->set_all) & MOUNT_ATTR_RDONLY);
}

}  // namespace

Result<bool> restrict_paths(const InitContext& context) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  // Version 1 can not allow a rename from one directory to another.
  if (version < 2) return false;
  const uint64_t known = known_rights(version);
  RulesetAttributes attributes{.handled_access_fs = known};
  if (version >= 6) attributes.scoped = kScopeAbstractSocket | kScopeSignal;
  const size_t size = version >= 6 ? sizeof attributes : version >= 4 ? 16 : 8;
  const UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return os_error(errno, "landlock");

  const bool read_only = context.spec.root.readonly;
  TRY(allow(ruleset.get(), "/", read_only ? kReadFile | kReadDir : guest_rights(known)));
  if (read_only) {
    for (const SpecMount& mount : context.spec.mounts) {
      if (is_writable(mount)) TRY(allow(ruleset.get(), mount.destination, guest_rights(known)));
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return os_error(errno, "landlock");
  return true;
}

}  // namespace wherry::sandbox
