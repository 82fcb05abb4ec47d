// SPDX-License-Identifier: Apache-2.0
#include "shim/delete.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/process_stat.h"
#include "sandbox/cgroup.h"
#include "sandbox/rootfs.h"
#include "shim/address.h"
#include "shim/pod/pod_spec.h"
#include "shim/proto/task.pb.h"
#include "shim/task/bundle.h"
#include "shim/task/native_backend.h"
#include "shim/task/timestamp.h"

namespace wherry::shim {
namespace {

constexpr uint32_t kKilled = 128 + SIGKILL;

// containerd logs this as a cleanup warning.
void warn(const Result<void>& done) {
  if (!done) std::fprintf(stderr, "%s\n", done.error().to_string().c_str());
}

void kill_init(const Bundle::Process& process) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // The number is only meaningful while the process that we know is there.
  if (pidfd && start_time(process.pid) == process.start_time) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

Result<void> remove_cgroup(const std::string& path) {
  if (path.size() < 2) return {};
  const auto host = TRY(sandbox::CgroupHost::detect());
  const auto cgroup = sandbox::Cgroup::open(host, path);
  if (!cgroup) return {};
  TRY((*cgroup)->kill_all());
  return (*cgroup)->remove();
}

std::string bundle_directory(const Flags& flags) {
  if (!flags.bundle.empty()) return flags.bundle;
  char* const cwd = ::get_current_dir_name();
  const std::string path = cwd ? cwd : "";
  std::free(cwd);
  return path;
}

}  // namespace

int delete_bundle(const Flags& flags) {
  const Bundle bundle(bundle_directory(flags));
  pb::DeleteResponse response;
  if (const auto init = bundle.read_init()) {
    kill_init(*init);
    response.set_pid(static_cast<uint32_t>(init->pid));
  }
  warn(remove_cgroup(bundle.read_cgroup()));
  warn(sandbox::unmount_rootfs(bundle.rootfs()));
  remove_pod_files(bundle.path());
  std::error_code ignored;
  std::filesystem::remove_all(native_directory(bundle.path()), ignored);
  bundle.forget();
  const std::string address = bundle.read_address();
  if (!address.empty()) remove_stale_socket(std::string(path_of_address(address)));
  response.set_exit_status(kKilled);
  *response.mutable_exited_at() = now();
  const auto printed = write_all(STDOUT_FILENO, response.SerializeAsString(), "delete: stdout");
  warn(printed);
  return printed ? 0 : 1;
}

}  // namespace wherry::shim
