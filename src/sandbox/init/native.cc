// SPDX-License-Identifier: Apache-2.0
// A native program of a container whose init is a Wasm program. It comes in as every
// exec does, and then is confined as runc would: by the specification's capabilities,
// filter of system calls and security labels, not by the walls around a guest.
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "sandbox/init/steps.h"
#include "sandbox/root_path.h"
#include "sandbox/user_namespace.h"

namespace wherry::sandbox {
namespace {

constexpr const char* kPasswd = "/etc/passwd";
constexpr size_t kMaxPasswd = 1 << 20;

// The sixth field of the user's line in the container's /etc/passwd, else "/".
std::string home_of(uint32_t uid) {
  const UniqueFd file(::open(kPasswd, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info;
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return "/";
  const auto text = read_all(file.get(), kMaxPasswd, kPasswd);
  if (!text) return "/";
  for (size_t at = 0; at < text->size();) {
    const size_t end = std::min(text->find('\n', at), text->size());
    std::vector<std::string_view> fields;
    std::string_view line = std::string_view(*text).substr(at, end - at);
    for (size_t colon; (colon = line.find(':')) != line.npos; line.remove_prefix(colon + 1)) fields.push_back(line.substr(0, colon));
    uint32_t number = 0;
    const bool is_user = fields.size() == 6 && std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), number).ec == std::errc();
    if (is_user && number == uid && !fields[5].empty()) return std::string(fields[5]);
    at = end + 1;
  }
  return "/";
}

std::vector<std::string> environment_of(const Process& process) {
  std::vector<std::string> environment = process.env;
  for (const std::string& variable : environment)
    if (variable.starts_with("HOME=")) return environment;
  environment.push_back("HOME=" + home_of(process.user.uid));
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Go's words of the reason, which users and tools know.
Error exec_error(const std::string& name, int code) {
  return error(code == EACCES || code == EPERM ? ErrorKind::denied : ErrorKind::invalid, "exec: \"" + name + "\": " +
               (code == ENOEXEC  ? "exec format error"
                : code == EACCES ? "permission denied"
                : code == ENOENT ? "no such file or directory"
                                 : std::string(::strerror(code))));
}

}  // namespace

void own_streams(const Spec& spec) {
  const uint32_t user = spec.process.user.uid;
  const uint32_t uid = host_id(spec.linux_.uidMappings, user).value_or(user);
  for (int fd = 0; fd < 3; fd++) {
    struct stat info;
    if (::fstat(fd, &info) != 0 || info.st_uid == uid) continue;
    const bool is_null = S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
    // Only so that the program can open /dev/stdout anew: it has the descriptor in any case.
    if (!is_null) (void)::fchown(fd, uid, info.st_gid);
  }
}

Error exec_program(InitContext& context) {
  Process& process = context.spec.process;
  if (auto done = apply_label(context); !done) return done.error();
  std::vector<std::string> environment = environment_of(process);
  const std::vector<char*> args = pointers(process.args), env = pointers(environment);
  // The socket to the launcher closes with the exec, which tells that it went well.
  if (::syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) return os_error(errno, "close_range");
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (process.noNewPrivileges && context.spec.linux_.seccomp) {
    if (auto done = apply_seccomp(*context.spec.linux_.seccomp); !done) return done.error();
  }
  ::execve(context.message.invoke.c_str(), args.data(), env.data());
  return exec_error(process.args[0], errno);
}

}  // namespace wherry::sandbox
