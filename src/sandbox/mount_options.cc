// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mount_options.h"

#include <sys/mount.h>

#include <string_view>
#include <utility>

namespace wherry::sandbox {
namespace {

enum class On : uint8_t { set, clear };

struct Attribute {
  std::string_view name;
  On on;
  uint64_t attribute;
};

// Each also with an `r` in front, for the whole tree. atime is one field of
// several values, so setting one clears the others.
constexpr Attribute kAttributes[] = {
    {"ro", On::set, MOUNT_ATTR_RDONLY},           {"rw", On::clear, MOUNT_ATTR_RDONLY},
    {"nosuid", On::set, MOUNT_ATTR_NOSUID},       {"suid", On::clear, MOUNT_ATTR_NOSUID},
    {"nodev", On::set, MOUNT_ATTR_NODEV},         {"dev", On::clear, MOUNT_ATTR_NODEV},
    {"noexec", On::set, MOUNT_ATTR_NOEXEC},       {"exec", On::clear, MOUNT_ATTR_NOEXEC},
    {"noatime", On::set, MOUNT_ATTR_NOATIME},     {"atime", On::clear, MOUNT_ATTR_NOATIME},
    {"strictatime", On::set, MOUNT_ATTR_STRICTATIME}, {"nostrictatime", On::clear, MOUNT_ATTR_STRICTATIME},
    {"relatime", On::set, MOUNT_ATTR_RELATIME},   {"norelatime", On::clear, MOUNT_ATTR__ATIME},
    {"nodiratime", On::set, MOUNT_ATTR_NODIRATIME}, {"diratime", On::clear, MOUNT_ATTR_NODIRATIME},
};

constexpr std::pair<std::string_view, uint64_t> kPropagation[] = {
    {"private", MS_PRIVATE},  {"rprivate", MS_PRIVATE | MS_REC},       {"shared", MS_SHARED},
    {"rshared", MS_SHARED | MS_REC}, {"slave", MS_SLAVE},              {"rslave", MS_SLAVE | MS_REC},
    {"unbindable", MS_UNBINDABLE},   {"runbindable", MS_UNBINDABLE | MS_REC},
};

constexpr std::pair<uint64_t, unsigned long> kFlags[] = {
    {MOUNT_ATTR_RDONLY, MS_RDONLY}, {MOUNT_ATTR_NOSUID, MS_NOSUID},   {MOUNT_ATTR_NODEV, MS_NODEV},
    {MOUNT_ATTR_NOEXEC, MS_NOEXEC}, {MOUNT_ATTR_NOATIME, MS_NOATIME}, {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME},
};

bool take_attribute(std::string_view option, uint64_t& set, uint64_t& clear) {
  for (const Attribute& row : kAttributes) {
    if (row.name != option) continue;
    const bool atime = (row.attribute & MOUNT_ATTR__ATIME) != 0 || row.attribute == MOUNT_ATTR_RELATIME;
    if (atime) {
      set &= ~uint64_t{MOUNT_ATTR__ATIME};
      clear |= MOUNT_ATTR__ATIME;
      if (row.on == On::set) set |= row.attribute;
    } else if (row.on == On::set) {
      set |= row.attribute;
      clear &= ~row.attribute;
    } else {
      clear |= row.attribute;
      set &= ~row.attribute;
    }
    return true;
  }
  return false;
}

}  // namespace

Result<uint64_t> parse_propagation(const std::string& name) {
  if (name.empty()) return uint64_t{0};
  for (const auto& [option, flags] : kPropagation) {
    if (option == name) return flags;
  }
  return error(ErrorKind::invalid, "unknown mount propagation `" + name + "`");
}

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options) {
  MountOptions out;
  for (const std::string& option : options) {
    if (option.empty() || option == "defaults" || option == "async" || option == "silent" || option == "loud") continue;
    if (option == "bind" || option == "rbind") {
      out.bind = true;
      out.recursive_bind = out.recursive_bind || option == "rbind";
      continue;
    }
    if (option == "idmap" || option == "ridmap") {
      out.map_ids = true;
      out.map_all_ids = out.map_all_ids || option == "ridmap";
      continue;
    }
    if (option == "remount" || option == "tmpcopyup" || option == "loop") {
      return error(ErrorKind::unsupported, "mount option `" + option + "` is not supported");
    }
    if (auto propagation = parse_propagation(option)) {
      out.propagation.push_back(*propagation);
      continue;
    }
    if (take_attribute(option, out.set, out.clear)) continue;
    if (option.front() == 'r' && take_attribute(std::string_view(option).substr(1), out.set_all, out.clear_all)) continue;
    out.file_system.push_back(option);
  }
  return out;
}

unsigned long mount_flags(const MountOptions& options) {
  unsigned long flags = 0;
  for (const auto& [attribute, flag] : kFlags) {
    if (options.set & attribute) flags |= flag;
  }
  return flags;
}

}  // namespace wherry::sandbox
