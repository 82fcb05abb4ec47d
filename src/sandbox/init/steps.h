// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/init/context.h"
#include "sandbox/mount_options.h"

namespace wherry::sandbox {

// The steps of an init, in their order; each in the file of its name.

// Joins namespaces by path and makes the cgroup namespace. With a user namespace it
// makes all of them, and returns in a child, as enter_pid_namespace() does.
Result<void> enter_namespaces(InitContext& context);
Result<void> enter_user_namespace(InitContext& context);
// Of the user namespace that was entered, with no other groups.
Result<void> become_root();
// hostname, domainname, the loopback interface of a new network namespace.
Result<void> name_host(const InitContext& context);

// Makes a private copy of the mounted root file system the mount at its place and
// returns it; everything that follows is done relative to it.
Result<UniqueFd> take_root(const InitContext& context);
Result<void> make_mounts(InitContext& context, int root);
// linux.mountLabel, for the files of a file system that is about to be made.
void label_files(const InitContext& context, MountOptions& options);
// Opens what make_mounts() takes from the host, for a process that is about to lose
// the host's privileges.
Result<void> open_trees(InitContext& context);
Result<void> make_devices(const InitContext& context, int root);
// maskedPaths, readonlyPaths, root.readonly.
Result<void> hide_paths(const InitContext& context, int root);
// The kernel parameters of its own namespaces; others are refused.
Result<void> set_sysctls(const InitContext& context);
// The root becomes / and the host's is gone; goes to process.cwd.
Result<void> pivot_into(const InitContext& context, int root);

Result<void> set_oom_score(InitContext& context);
// Raises the hard limits that set_rlimits() could not raise in a user namespace.
Result<void> make_room_for_rlimits(const InitContext& context);
Result<void> set_rlimits(InitContext& context);
// The user, the capabilities a guest may keep, no_new_privs. Sets the signal for
// the death of the parent again, since a change of user clears it.
Result<void> drop_privileges(const InitContext& context);
// A second wall around /: no path outside of it, no execution, no device nodes.
// Returns false if the kernel has none, or too old a one.
Result<bool> restrict_paths(const InitContext& context);
// The list of system calls that are left; final.
Result<void> restrict_system_calls();
// The AppArmor profile or SELinux context, the last thing that happens before the
// guest; a native program's comes with its exec. This thread's, and so of those
// that it makes later: SELinux refuses a process that has others.
Result<void> apply_label(InitContext& context);

// For native programs, in the place of the last three.

// The user, and the capabilities that the specification grants.
Result<void> take_privileges(const InitContext& context);
// linux.seccomp. Without no_new_privs it needs a privilege that is about to go, with
// it comes last.
Result<void> apply_seccomp(const Seccomp& seccomp);
// The standard streams become the user's; before a user namespace is entered, whose
// root may not give them away.
void own_streams(const Spec& spec);
// Becomes the program at message.invoke, or says why not.
Error exec_program(InitContext& context);

// For a process with a terminal.

// A new one, which becomes its standard streams; the other end is context.console.
Result<void> open_console(InitContext& context, int root);
// /dev/console is that terminal too.
Result<void> bind_console(int root);
// Makes it the session's, whose first process this is.
Result<void> control_console();

// The steps of an exec that are not those of an init.

// Everything but the pid namespace.
Result<void> join_container(const InitContext& context);
// process.cwd, which has to exist below `root`.
Result<void> enter_directory(const InitContext& context, int root);
// Returns in a child, whose parent is the launcher's process; this one ends. The
// launcher brings the child its label file.
Result<void> enter_pid_namespace(InitContext& context);

}  // namespace wherry::sandbox
