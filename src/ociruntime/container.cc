// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/container.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/process_stat.h"
#include "config/sources.h"
#include "ociruntime/console.h"
#include "ociruntime/module.h"
#include "sandbox/entrypoint.h"
#include "sandbox/guest_cpu.h"
#include "sandbox/guest_memory.h"
#include "sandbox/guest_stats.h"
#include "sandbox/hooks.h"
#include "sandbox/init.h"
#include "sandbox/mapped_files.h"
#include "sandbox/shared_limit.h"
#include "shim/cri_annotations.h"
#include "shim/task/bundle.h"

namespace wherry::ociruntime {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kOciVersion = "1.2.0";
constexpr size_t kMaxResources = 1 << 20;

std::string dumped(const Json& json) { return json_text(json, 2) + "\n"; }

std::string now_text() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char text[64];
  const size_t size = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return std::string(text, size) + "." + std::to_string(1000000000 + now.tv_nsec).substr(1) + "Z";
}

Result<std::string> absolute(const std::string& path) {
  char* const resolved = ::realpath(path.empty() ? "." : path.c_str(), nullptr);
  if (!resolved) return os_error(errno, path);
  const std::string result = resolved;
  ::free(resolved);
  return result;
}

struct Bundle {
  std::string path, json, rootfs;
  sandbox::Spec spec;
};

Result<Bundle> open_bundle(const std::string& where) {
  Bundle bundle;
  bundle.path = TRY(absolute(where));
  bundle.json = TRY(shim::Bundle(bundle.path).config());
  bundle.spec = TRY(sandbox::parse_spec(bundle.json));
  const std::string& root = bundle.spec.root.path;
  if (root.empty()) return error(ErrorKind::invalid, "config.json: no root.path");
  bundle.rootfs = TRY(absolute(root[0] == '/' ? root : bundle.path + "/" + root));
  return bundle;
}

Result<config::Settings> resolve_settings(const sandbox::Spec& spec) {
  const char* const file = ::getenv("WHERRY_CONFIG");
  const config::Source annotations = TRY(config::annotations_source(spec.annotations, ""));
  const config::Layer node = TRY(config::read_layer(file ? file : ""));
  return config::resolve(annotations, {&node, 1});
}

bool is_pod_sandbox(const sandbox::Spec& spec) {
  return spec.annotation(shim::cri::kCrioContainerType) == shim::cri::kSandbox || spec.annotation(shim::cri::kContainerType) == shim::cri::kSandbox;
}

uint64_t guest_memory(const sandbox::Cgroup& cgroup, const config::Settings& settings) {
  return std::min(sandbox::guest_memory(cgroup.memory_limit()), settings.memory);
}

// What `create` has made so far; taken away again if it fails.
class Creation {
 public:
  Creation(Entry& entry, const Bundle& bundle) : entry_(entry), bundle_(bundle) {}
  ~Creation() {
    if (done_) return;
    process_ = nullptr;  // kills it
    if (cgroup_ && cgroup_->kill_all()) (void)cgroup_->remove();
    (void)entry_.remove();
  }
  Creation(const Creation&) = delete;
  Creation& operator=(const Creation&) = delete;

  // The terminal's master, if there is one and nobody else gets it.
  Result<UniqueFd> run(const CommandOptions& options) {
    const sandbox::CgroupHost host = TRY(sandbox::CgroupHost::detect());
    settings_ = TRY(resolve_settings(bundle_.spec));
    const Program program = TRY(prepare());

    Record record = entry_.record();
    record.bundle = bundle_.path;
    record.rootfs = bundle_.rootfs;
    record.created = now_text();
    record.settings = settings_.to_message();
    TRY(entry_.write_config(bundle_.json));
    const sandbox::CgroupPath path = TRY(sandbox::cgroup_path(bundle_.spec.linux_.cgroupsPath, record.id, host.has_systemd()));
    TRY(sandbox::Cgroup::check_vacant(host, path));
    record.cgroup = path.path;
    TRY(entry_.write(record));  // first, so that delete finds the cgroup whenever we are killed
    cgroup_ = TRY(sandbox::Cgroup::create(host, path));
    sandbox::Resources resources = bundle_.spec.linux_.resources;
    sandbox::cap_cpu(resources, settings_.milli_cpu);
    TRY(cgroup_->set(resources));

    const UniqueFd start_socket = TRY(entry_.bind_start_socket());
    launcher_ = TRY(sandbox::Launcher::create());
    process_ = TRY(launch(program, start_socket));
    cgroup_->settle();
    record.pid = process_->pid();
    record.start_time = start_time(record.pid);
    TRY(entry_.write(record));
    UniqueFd console = process_->take_console();
    if (!options.console_socket.empty()) TRY(send_console(options.console_socket, std::move(console)));
    TRY(write_pid_file(options.pid_file, record.pid));
    process_->detach();
    done_ = true;
    return console;
  }

 private:
  struct Program {
    sandbox::InitKind kind = sandbox::InitKind::wasm;
    std::string function;
    shim::Module module{};
  };

  // A pod's sandbox is our own pause, whatever its image holds.
  Result<Program> prepare() const {
    Program program;
    if (is_pod_sandbox(bundle_.spec)) {
      program.kind = sandbox::InitKind::pause;
      return program;
    }
    const sandbox::Entrypoint entrypoint = TRY(sandbox::open_entrypoint(bundle_.spec, bundle_.rootfs));
    TRY(sandbox::check_is_module(entrypoint));
    program.function = entrypoint.function;
    program.module = TRY(prepare_module(entry_.record().id, entrypoint, settings_.features));
    return program;
  }

  Result<std::unique_ptr<sandbox::LaunchedProcess>> launch(const Program& program, const UniqueFd& start_socket) {
    sandbox::LaunchConfig config;
    config.id = entry_.record().id;
    config.bundle = bundle_.path;
    config.rootfs = bundle_.rootfs;
    config.spec = &bundle_.spec;
    config.spec_json = bundle_.json;
    config.cgroup = cgroup_.get();
    for (int i = 0; i < 3; i++) config.stdio[i] = i;
    config.kind = program.kind;
    config.artifact = program.module.artifact.get();
    config.invoke = program.function;
    memory_limit_ = TRY(sandbox::SharedLimit::create(guest_memory(*cgroup_, settings_), sandbox::SharedLimit::Writer::root));
    const auto stats = TRY(sandbox::GuestStats::create({config.id, {}, {}, {}}));
    config.guest.settings = entry_.record().settings;
    config.guest.stats = stats->fd();
    config.memory_limit = memory_limit_->fd();
    config.start_socket = start_socket.get();
    return launcher_->launch(config);
  }

  Entry& entry_;
  const Bundle& bundle_;
  config::Settings settings_;
  std::unique_ptr<sandbox::Cgroup> cgroup_;
  std::unique_ptr<sandbox::SharedLimit> memory_limit_;
  std::unique_ptr<sandbox::Launcher> launcher_;
  std::unique_ptr<sandbox::LaunchedProcess> process_;
  bool done_ = false;
};

Json state_json(const Entry& entry) {
  const Record& record = entry.record();
  const Status status = status_of(entry);
  Json json{{"ociVersion", kOciVersion}, {"id", record.id}, {"status", name_of(status)}};
  json["pid"] = status == Status::stopped ? 0 : record.pid;
  json["bundle"] = record.bundle;
  json["rootfs"] = record.rootfs;
  json["created"] = record.created;
  return json;
}

// Hooks after the fact are only tried.
void run_late_hooks(const Entry& entry, std::vector<sandbox::Hook> sandbox::Hooks::*which, const char* kind, const char* status) {
  const Record& record = entry.record();
  const auto json = entry.config();
  if (!json) return;
  const auto spec = sandbox::parse_spec(*json);
  if (!spec || (spec->hooks.*which).empty()) return;
  const int pid = std::string_view(status) == "stopped" ? 0 : record.pid;
  (void)sandbox::run_hooks(kind, spec->hooks.*which, {record.id, status, pid, record.bundle, &*spec});
}

}  // namespace

Result<bool> is_native(const std::string& where) {
  const Bundle bundle = TRY(open_bundle(where));
  if (is_pod_sandbox(bundle.spec)) return false;
  const sandbox::Entrypoint entrypoint = TRY(sandbox::open_entrypoint(bundle.spec, bundle.rootfs));
  if (!sandbox::is_native(entrypoint.kind)) return false;
  TRY(sandbox::check_native(entrypoint, TRY(resolve_settings(bundle.spec)).allow_native));
  return true;
}

Result<UniqueFd> create(const GlobalOptions& global, const CommandOptions& options, const std::string& id, bool detach) {
  TRY(check_preserved(options));
  const Bundle bundle = TRY(open_bundle(options.bundle));
  TRY(check_console(bundle.spec.process.terminal, detach, options.console_socket));
  const std::unique_ptr<Entry> entry = TRY(Entry::create(global.root, id));
  Record record;
  record.id = id;
  Creation creation(*entry, bundle);
  TRY(entry->write(record));
  return creation.run(options);
}

Result<void> start(const GlobalOptions& global, const std::string& id) {
  const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
  if (status_of(*entry) == Status::stopped) return error(ErrorKind::failed_precondition, "cannot start a container that has stopped");
  TRY(entry->start());
  run_late_hooks(*entry, &sandbox::Hooks::poststart, "poststart", "running");
  return {};
}

Result<void> kill(const GlobalOptions& global, const std::string& id, int signal, bool all) {
  const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
  if (all && signal == SIGKILL) {
    if (const auto cgroup = cgroup_of(entry->record())) return (*cgroup)->kill_all();
    return {};
  }
  const auto process = process_of(entry->record());
  if (!process || status_of(*entry) == Status::stopped) return error(ErrorKind::not_found, "container not running");
  if (::syscall(SYS_pidfd_send_signal, process->get(), signal, nullptr, 0) != 0) return os_error(errno, "kill");
  return {};
}

Result<void> remove(const GlobalOptions& global, const std::string& id, bool force) {
  auto opened = Entry::open(global.root, id);
  if (!opened) {
    if (force && opened.error().kind == ErrorKind::not_found) return {};
    return opened.error();
  }
  Entry& entry = **opened;
  const Status status = status_of(entry);
  if (status != Status::stopped && status != Status::created && !force) {
    return error(ErrorKind::failed_precondition, "cannot delete container " + id + " that is not stopped: " + name_of(status));
  }
  if (entry.record().cgroup.size() > 1) {
    if (const auto cgroup = cgroup_of(entry.record())) {
      TRY((*cgroup)->kill_all());
      TRY((*cgroup)->remove());
    }
  }
  run_late_hooks(entry, &sandbox::Hooks::poststop, "poststop", "stopped");
  return entry.remove();
}

Result<void> pause(const GlobalOptions& global, const std::string& id, bool paused) {
  const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
  const Status wanted = paused ? Status::running : Status::paused;
  const Status status = status_of(*entry);
  if (status != wanted) return error(ErrorKind::failed_precondition, std::string("container is ") + name_of(status) + ", not " + name_of(wanted));
  const auto cgroup = TRY(cgroup_of(entry->record()));
  return paused ? cgroup->freeze() : cgroup->thaw();
}

namespace {

// The limits that were given as options, as the JSON of linux.resources.
Result<std::string> resources_json(const CommandOptions& options) {
  struct Number {
    const std::string CommandOptions::*text;
    const char* object;
    const char* key;
  };
  constexpr Number kNumbers[] = {
      {&CommandOptions::memory, "memory", "limit"},         {&CommandOptions::memory_swap, "memory", "swap"},
      {&CommandOptions::memory_reservation, "memory", "reservation"}, {&CommandOptions::cpu_period, "cpu", "period"},
      {&CommandOptions::cpu_quota, "cpu", "quota"},         {&CommandOptions::cpu_share, "cpu", "shares"},
      {&CommandOptions::pids_limit, "pids", "limit"},
  };
  Json json = Json::object();
  for (const Number& one : kNumbers) {
    const std::string& text = options.*one.text;
    if (text.empty()) continue;
    char* end = nullptr;
    errno = 0;
    const long long value = ::strtoll(text.c_str(), &end, 10);
    if (*end != '\0' || errno != 0) return error(ErrorKind::invalid, std::string(one.key) + ": expected a number, found `" + text + "`");
    json[one.object][one.key] = value;
  }
  if (!options.cpuset_cpus.empty()) json["cpu"]["cpus"] = options.cpuset_cpus;
  if (!options.cpuset_mems.empty()) json["cpu"]["mems"] = options.cpuset_mems;
  return dumped(json);
}

Result<UniqueFd> open_memory_limit(const Record& record) {
  return TRY(sandbox::MappedFiles::of(record.pid)).open(sandbox::SharedLimit::kFileName, O_WRONLY);
}

// What was allowed to be devices stays so, and the settings are still the ceiling. The
// guests are told of the new limit, so that their memory.grow fails before the kernel kills.
Result<void> set_resources(const Entry& entry, sandbox::Resources resources) {
  const Record& record = entry.record();
  const config::Settings settings = TRY(config::Settings::from_message(record.settings));
  resources.devices.clear();
  if (resources.cpu.quota || resources.cpu.period) sandbox::cap_cpu(resources, settings.milli_cpu);
  const auto cgroup = TRY(cgroup_of(record));
  TRY(cgroup->set(resources));
  if (!resources.memory.limit || !process_of(record)) return {};
  const UniqueFd limit = TRY(open_memory_limit(record));
  return sandbox::write_shared_limit(limit.get(), guest_memory(*cgroup, settings));
}

}  // namespace

Result<void> update(const GlobalOptions& global, const CommandOptions& options, const std::string& id) {
  const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
  std::string json;
  if (options.resources.empty()) {
    json = TRY(resources_json(options));
  } else if (options.resources == "-") {
    json = TRY(read_all(STDIN_FILENO, kMaxResources, "standard input"));
  } else {
    json = TRY(read_file(options.resources, kMaxResources));
  }
  const sandbox::Resources resources = TRY(sandbox::parse_resources(json));
  return set_resources(*entry, resources);
}

Result<std::string> state(const GlobalOptions& global, const std::string& id) {
  return dumped(state_json(*TRY(Entry::open(global.root, id))));
}

Result<std::string> list(const GlobalOptions& global, const CommandOptions& options) {
  Json all = Json::array();
  std::string text;
  for (const std::string& id : ids(global.root)) {
    const auto entry = Entry::open(global.root, id);
    if (!entry) continue;  // deleted meanwhile, or a native one's directory
    const Json json = state_json(**entry);
    if (options.quiet) {
      text += id + "\n";
    } else if (options.format != "json") {
      char line[512];
      ::snprintf(line, sizeof line, "%-24s %-10d %-10s %s\n", id.c_str(), json["pid"].get<int>(), json["status"].get<std::string>().c_str(),
                 json["bundle"].get<std::string>().c_str());
      text += line;
    }
    all.push_back(json);
  }
  if (options.quiet) return text;
  if (options.format == "json") return dumped(all);
  char head[512];
  ::snprintf(head, sizeof head, "%-24s %-10s %-10s %s\n", "ID", "PID", "STATUS", "BUNDLE");
  return head + text;
}

Result<std::string> processes(const GlobalOptions& global, const CommandOptions& options, const std::string& id) {
  const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
  const std::vector<int> pids = TRY(TRY(cgroup_of(entry->record()))->pids());
  if (options.format == "json") return dumped(Json(pids));
  std::string text = "PID\n";
  for (const int pid : pids) text += std::to_string(pid) + "\n";
  return text;
}

Result<UniqueFd> init_of(const GlobalOptions& global, const std::string& id) {
  const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
  auto process = process_of(entry->record());
  if (!process) return error(ErrorKind::not_found, "container not running");
  return std::move(*process);
}

}  // namespace wherry::ociruntime
