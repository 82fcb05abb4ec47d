// SPDX-License-Identifier: Apache-2.0
#include "shim/task/native_backend.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "sandbox/user_namespace.h"

namespace wherry::shim {
namespace {

class NativeChild : public Child {
 public:
  // `starter`: what is to be told to start it; nullptr if it runs already.
  NativeChild(Runc::Made made, Runc* starter) : made_(std::move(made)), starter_(starter) {}
  ~NativeChild() override {
    if (starter_) (void)signal(SIGKILL);
  }

  int pid() const override { return made_.pid; }
  int pidfd() const override { return made_.pidfd.get(); }
  Result<void> start() override {
    Runc* const runc = std::exchange(starter_, nullptr);
    return runc ? runc->start() : Result<void>();
  }
  Result<void> signal(int number) override {
    if (::syscall(SYS_pidfd_send_signal, made_.pidfd.get(), number, nullptr, 0) == 0) return {};
    if (errno == ESRCH) return error(ErrorKind::not_found, "process already finished");
    return os_error(errno, "cannot signal the container's process");
  }
  UniqueFd take_console() override { return std::move(made_.console); }

 private:
  Runc::Made made_;
  Runc* starter_;
};

struct Descriptors {
  explicit Descriptors(const Stdio& stdio) {
    for (int i = 0; i < 3; i++) fds[i] = stdio.fd(i);
  }
  int fds[3];
};

// An older runc would leave the mapping out, without a word.
Result<void> check_mounts(const sandbox::Spec& spec, const Runc& runc) {
  const auto mapped = [](const sandbox::SpecMount& mount) {
    const auto has = [&](const char* option) { return std::ranges::find(mount.options, option) != mount.options.end(); };
    return !mount.uidMappings.empty() || !mount.gidMappings.empty() || has("idmap") || has("ridmap");
  };
  return std::ranges::none_of(spec.mounts, mapped) ? Result<void>() : runc.check_maps_ids();
}

// In a user namespace root can not give the streams to the program's user, who may
// want to open /dev/stdout. A file or terminal is somebody else's.
void give_streams(const sandbox::Spec& spec, const sandbox::User& user, const Stdio& stdio) {
  const auto uid = sandbox::host_id(spec.linux_.uidMappings, user.uid);
  const auto gid = sandbox::host_id(spec.linux_.gidMappings, user.gid);
  if (!uid || !gid) return;
  for (int i = 0; i < 3; i++) {
    struct stat info;
    if (stdio.fd(i) < 0 || ::fstat(stdio.fd(i), &info) != 0 || !S_ISFIFO(info.st_mode)) continue;
    (void)!::fchown(stdio.fd(i), *uid, *gid);  // the streams that are open work all the same
  }
}

// A relative path, or none, is for runc one below the shim's own cgroup.
Result<std::string> with_cgroup(const std::string& spec_json, const std::string& path) {
  auto spec = nlohmann::json::parse(spec_json, nullptr, false);
  if (!spec.is_object()) return error(ErrorKind::invalid, "config.json: expected an object");
  spec["linux"]["cgroupsPath"] = path;
  return json_text(spec);
}

// The words that runc puts before the reason, which the caller has of its own.
std::string without_prefix(const std::string& message) {
  constexpr std::string_view kPrefix = "exec failed: unable to start container process: ";
  return message.starts_with(kPrefix) ? message.substr(kPrefix.size()) : message;
}

}  // namespace

std::string native_directory(const std::string& bundle) { return bundle + "/native"; }

Result<std::unique_ptr<NativeBackend>> NativeBackend::create(const Container& container, const Workshop& workshop) {
  std::unique_ptr<NativeBackend> backend(new NativeBackend(container, workshop));
  backend->runc_ = TRY(Runc::create(workshop.search_path, native_directory(container.bundle.path()), container.id,
                                    workshop.cgroups.has_systemd() && sandbox::names_scope(container.spec.linux_.cgroupsPath)));
  return backend;
}

Result<std::unique_ptr<Child>> NativeBackend::create_init(const Stdio& stdio) {
  TRY(check_mounts(container_.spec, *runc_));
  give_streams(container_.spec, container_.spec.process.user, stdio);
  const sandbox::CgroupPath path = TRY(sandbox::cgroup_path(container_.spec.linux_.cgroupsPath, container_.id, workshop_.cgroups.has_systemd()));
  const std::string& bundle = container_.bundle.path();
  const bool open = !path.scope && container_.spec.linux_.cgroupsPath != path.path;
  if (open || !container_.pod_bundle.empty()) {
    std::string json = container_.spec_json;
    if (open) json = TRY(with_cgroup(json, path.path));
    TRY(replace_file(bundle + "/config.json", json, 0600));
  }
  TRY(sandbox::Cgroup::check_vacant(workshop_.cgroups, path));
  TRY(container_.bundle.write_cgroup(path.path));
  auto made = runc_->create_container(bundle, Descriptors(stdio).fds, container_.spec.process.terminal);
  if (!made) return error(made.error().kind, "OCI runtime create failed: " + made.error().message);
  auto child = std::make_unique<NativeChild>(std::move(*made), runc_.get());
  cgroup_ = TRY(sandbox::Cgroup::open(workshop_.cgroups, path.path));
  workshop_.log->write(Level::info, "native program handed to runc", {{"container", container_.id}});
  return std::unique_ptr<Child>(std::move(child));
}

Result<std::unique_ptr<Child>> NativeBackend::create_exec(const ExecConfig& config) {
  give_streams(container_.spec, config.process->user, *config.stdio);
  auto made = runc_->exec(config.process_json, Descriptors(*config.stdio).fds, config.process->terminal);
  if (!made) return error(made.error().kind, without_prefix(made.error().message));
  return std::unique_ptr<Child>(new NativeChild(std::move(*made), nullptr));
}

Result<void> NativeBackend::dismantle() {
  Result<void> done;
  if (cgroup_) done = cgroup_->kill_all();
  runc_->remove();
  if (cgroup_) TRY(cgroup_->remove());
  return done;
}

}  // namespace wherry::shim
