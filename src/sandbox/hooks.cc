// SPDX-License-Identifier: Apache-2.0
#include "sandbox/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
extern "C" {  // glibc 2.36 forgot it
}
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "base/json_text.h"
#include "sandbox/pidfd.h"

namespace wherry::sandbox {
namespace {

std::string state_json(const HookState& state) {
  nlohmann::json json = {{"ociVersion", state.spec ? state.spec->ociVersion : ""},
                         {"id", state.id},
                         {"status", state.status},
                         {"bundle", state.bundle}};
  if (state.pid > 0) json["pid"] = state.pid;
  if (state.spec && !state.spec->annotations.empty()) json["annotations"] = state.spec->annotations;
  return json_text(json);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<UniqueFd> memory_file(const char* name, std::string_view content) {
  UniqueFd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file) return os_error(errno, name);
  TRY(write_all(file.get(), content, name));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Standard input is the state, the output goes to `output`, and nothing else of
// ours is open, ignored or blocked.
Result<int> start(const Hook& hook, int input, int output) {
  std::vector<std::string> args = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  std::vector<std::string> env = hook.env;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, 1);
  ::posix_spawn_file_actions_adddup2(&actions, output, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int code = ::posix_spawn(&pid, hook.path.c_str(), &actions, &attributes, pointers(args).data(), pointers(env).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0) return os_error(code, hook.path);
  return pid;
}

// How it ended, "" for exit code 0.
Result<std::string> finish(int pid, std::optional<int> timeout) {
  const UniqueFd handle(open_pidfd(pid));
  if (!handle) return os_error(errno, "pidfd_open");
  pollfd event{handle.get(), POLLIN, 0};
  int ready;
  do ready = ::poll(&event, 1, timeout ? *timeout * 1000 : -1);
  while (ready < 0 && errno == EINTR);
  if (ready == 0) signal_pidfd(handle.get(), SIGKILL);
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(handle.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  if (ready == 0) return "no answer within " + std::to_string(*timeout) + " s";
  if (info.si_code != CLD_EXITED) return "killed by signal " + std::to_string(info.si_status);
  return info.si_status == 0 ? std::string() : "exit code " + std::to_string(info.si_status);
}

std::string last_line(int output) {
  constexpr off_t kTail = 4096;
  const off_t size = ::lseek(output, 0, SEEK_END);
  std::string text(kTail, '\0');
  const ssize_t n = ::pread(output, text.data(), text.size(), std::max<off_t>(0, size - kTail));
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const size_t newline = text.rfind('\n');
  return newline == std::string::npos ? text : text.substr(newline + 1);
}

}  // namespace

Result<void> run_hooks(std::string_view kind, const std::vector<Hook>& hooks, const HookState& state) {
  if (hooks.empty()) return {};
  const std::string json = state_json(state);
  for (const Hook& hook : hooks) {
    const UniqueFd input = TRY(memory_file("hook state", json));
    const UniqueFd output = TRY(memory_file("hook output", ""));
    const std::string name = std::string(kind) + " hook " + hook.path;
    auto pid = start(hook, input.get(), output.get());
    if (!pid) return error(pid.error().kind, std::string(kind) + " hook " + pid.error().message);
    const std::string problem = TRY(finish(*pid, hook.timeout));
    if (problem.empty()) continue;
    const std::string said = last_line(output.get());
    return error(ErrorKind::failed_precondition, name + ": " + problem + (said.empty() ? "" : ": " + said));
  }
  return {};
}

}  // namespace wherry::sandbox
