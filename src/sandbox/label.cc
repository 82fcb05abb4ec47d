// SPDX-License-Identifier: Apache-2.0
#include "sandbox/label.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace wherry::sandbox {
namespace {

constexpr const char* kAppArmorEnabled = "/sys/module/apparmor/parameters/enabled";
constexpr const char* kSelinux = "/sys/fs/selinux";
constexpr const char* kSelinuxContext = "/sys/fs/selinux/context";

bool apparmor_is_enabled() {
  const UniqueFd file(::open(kAppArmorEnabled, O_RDONLY | O_CLOEXEC));
  char answer = 'N';
  return file && ::read(file.get(), &answer, 1) == 1 && answer == 'Y';
}

bool selinux_is_enabled() {
  struct statfs file_system;
  return ::statfs(kSelinux, &file_system) == 0 && file_system.f_type == SELINUX_MAGIC;
}

// The kernel takes each command in one write.
bool write_whole(int file, std::string_view text) { return ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()); }

Error label_error(const Label& label, int code) {
  const bool apparmor = label.module == Label::Module::apparmor;
  const std::string what = (apparmor ? "apparmor failed to apply profile `" : "selinux failed to apply label `") + label.name + "`";
  if (apparmor && code == ENOENT) return error(ErrorKind::not_found, what + ": no such file or directory (it is not loaded)");
  if (!apparmor && code == EINVAL) return error(ErrorKind::invalid, what + ": invalid argument (the policy has no such context)");
  return os_error(code, what);
}

// A control character could end the kernel's idea of the name before ours.
Result<void> check_name(const char* field, const std::string& name) {
  const bool plain = std::ranges::none_of(name, [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (plain) return {};
  return error(ErrorKind::invalid, std::string("config.json: process: ") + field + " has a control character");
}

Result<void> check_profile(const Label& label) {
  if (!apparmor_is_enabled()) {
    return error(ErrorKind::unsupported, "apparmor: config provided but apparmor not supported: profile `" + label.name + "`");
  }
  const UniqueFd file = TRY(open_label_file("thread-self", label.module, false));
  if (!write_whole(file.get(), "permprofile " + label.name)) return label_error(label, errno);
  return {};
}

Result<void> check_context(const Label& label) {
  if (!selinux_is_enabled()) {
    return error(ErrorKind::unsupported,
                 "selinux label is specified in config, but selinux is disabled or not supported: `" + label.name + "`");
  }
  const UniqueFd file(::open(kSelinuxContext, O_RDWR | O_CLOEXEC));
  // Who may not ask hears it when the label is set.
  if (!file || write_whole(file.get(), label.name) || errno == EACCES) return {};
  return label_error(label, errno);
}

}  // namespace

Result<std::optional<Label>> label_of(const Process& process) {
  TRY(check_name("apparmorProfile", process.apparmorProfile));
  TRY(check_name("selinuxLabel", process.selinuxLabel));
  const bool profile = !process.apparmorProfile.empty() && process.apparmorProfile != "unconfined";
  const bool context = !process.selinuxLabel.empty();
  if (profile && context) return error(ErrorKind::unsupported, "config.json: process: apparmorProfile and selinuxLabel exclude each other");
  if (profile) return Label{.module = Label::Module::apparmor, .name = process.apparmorProfile};
  if (context) return Label{.module = Label::Module::selinux, .name = process.selinuxLabel};
  return std::nullopt;
}

void inherit_label(Process& exec, const Process& container) {
  if (exec.apparmorProfile.empty()) exec.apparmorProfile = container.apparmorProfile;
  if (exec.selinuxLabel.empty()) exec.selinuxLabel = container.selinuxLabel;
}

Result<void> check_label(const Label& label) { return label.module == Label::Module::apparmor ? check_profile(label) : check_context(label); }

Result<UniqueFd> open_label_file(std::string_view thread, Label::Module module, bool at_exec) {
  const std::string attributes = "/proc/" + std::string(thread) + "/attr/";
  const std::string name = at_exec ? "exec" : "current";
  UniqueFd file;
  // Its own files since Linux 5.1; before, those of the one module there could be.
  if (module == Label::Module::apparmor) file.reset(::open((attributes + "apparmor/" + name).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) file.reset(::open((attributes + name).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return os_error(errno, attributes + name);
  struct statfs file_system;
  if (::fstatfs(file.get(), &file_system) != 0 || file_system.f_type != PROC_SUPER_MAGIC) {
    return error(ErrorKind::denied, attributes + name + " is not procfs's");
  }
  return file;
}

Result<void> set_label(int file, const Label& label, bool at_exec) {
  std::string command = label.name;
  if (label.module == Label::Module::apparmor) command.insert(0, at_exec ? "exec " : "changeprofile ");
  if (!write_whole(file, command)) return label_error(label, errno);
  return {};
}

}  // namespace wherry::sandbox
