// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// What confines a process beyond everything that it could change itself: a profile
// of AppArmor or a context of SELinux.
struct Label {
  enum class Module : uint8_t { apparmor, selinux };
  Module module = Module::apparmor;
  std::string name;
};

// What the process asks for, if it asks for anything: the profile `unconfined` is
// what it has already. Both at once are refused, no kernel enforces both.
Result<std::optional<Label>> label_of(const Process& process);

// An exec that has no label of its own gets the one of its container.
void inherit_label(Process& exec, const Process& container);

// Whether the kernel would give it to a process like this one; else why not, in
// runc's words where it has any. unsupported: the host has no such module.
Result<void> check_label(const Label& label);

// The attribute by which a thread sets its own label: at once, or with `at_exec` by
// its next execve. Only that thread can write it, whoever opened it. `thread` is
// one of /proc's names; who opens another one's must be allowed to trace it.
Result<UniqueFd> open_label_file(std::string_view thread, Label::Module module, bool at_exec);

// By such a file. `at_exec` as it was opened.
Result<void> set_label(int file, const Label& label, bool at_exec);

}  // namespace wherry::sandbox
