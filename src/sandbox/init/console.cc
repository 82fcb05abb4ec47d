// SPDX-License-Identifier: Apache-2.0
// A pseudoterminal of the container's own devpts. Its master goes to the shim, its
// slave is all that the process has. Both are only used by descriptor: names in
// /dev are the image's or the guest's.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/attach.h"
#include "sandbox/init/steps.h"
#include "sandbox/root_path.h"

namespace wherry::sandbox {
namespace {

constexpr long kDevptsMagic = 0x1cd1;
constexpr const char* kPtmx = "/dev/pts/ptmx";

Result<UniqueFd> open_master(int root) {
  auto master = open_in_root(root, kPtmx, O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (!master) return error(ErrorKind::invalid, "terminal: " + std::move(master).error().message + "; the container needs a devpts at /dev/pts");
  struct statfs file_system;
  struct stat info;
  if (::fstatfs(master->get(), &file_system) != 0 || ::fstat(master->get(), &info) != 0) return os_error(errno, kPtmx);
  if (file_system.f_type != kDevptsMagic || info.st_rdev != makedev(5, 2)) {
    return error(ErrorKind::denied, std::string("terminal: ") + kPtmx + " is something else");
  }
  return master;
}

Result<UniqueFd> open_slave(int master) {
  int locked = 0;
  if (::ioctl(master, TIOCSPTLCK, &locked) != 0) return os_error(errno, "terminal: TIOCSPTLCK");
  UniqueFd slave(::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) return os_error(errno, "terminal: TIOCGPTPEER");
  return slave;
}

}  // namespace

Result<void> open_console(InitContext& context, int root) {
  const Process& process = context.spec.process;
  context.console = TRY(open_master(root));
  const UniqueFd slave = TRY(open_slave(context.console.get()));
  if (process.consoleSize) {
    winsize size{};
    size.ws_col = process.consoleSize->width;
    size.ws_row = process.consoleSize->height;
    if (::ioctl(slave.get(), TIOCSWINSZ, &size) != 0) return os_error(errno, "terminal: consoleSize");
  }
  // The group stays what devpts says.
  if (::fchown(slave.get(), process.user.uid, static_cast<gid_t>(-1)) != 0) return os_error(errno, "terminal: owner");
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(slave.get(), fd) < 0) return os_error(errno, "terminal: dup2");
  }
  return {};
}

Result<void> bind_console(int root) {
  const UniqueFd tree = TRY(clone_mount(STDIN_FILENO, "", {}));
  const UniqueFd target = TRY(make_file_in_root(root, "/dev/console"));
  return attach_mount(tree.get(), target.get(), {});
}

Result<void> control_console() {
  if (::ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) return os_error(errno, "terminal: TIOCSCTTY");
  return {};
}

}  // namespace wherry::sandbox
