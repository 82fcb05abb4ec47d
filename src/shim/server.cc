// SPDX-License-Identifier: Apache-2.0
#include "shim/server.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "shim/modules.h"
#include "shim/orphans.h"
#include "shim/sandbox_service.h"
#include "shim/solitude.h"
#include "shim/streaming/streams.h"
#include "shim/task/service.h"
#include "shim/toolbox.h"

namespace wherry::shim {
namespace {

constexpr int kMaxOomScore = 1000;
constexpr std::chrono::milliseconds kFlushTime{2000};

// The shim should die before containerd and after its containers' neighbours.
void raise_oom_score(pid_t containerd) {
  const auto text = read_file("/proc/" + std::to_string(containerd) + "/oom_score_adj", 64);
  int score = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), score);
  UniqueFd fd(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (fd) (void)write_all(fd.get(), std::to_string(std::min(score + 1, kMaxOomScore)), "oom_score_adj");
}

// containerd waits for the end of our stdout and stderr, and has given us its
// environment, umask and whatever descriptors it may have leaked.
void leave_containerd(UniqueFd& listener, pid_t containerd) {
  ::setsid();
  ::umask(022);
  [[maybe_unused]] const int ignored = ::chdir("/");
  ::clearenv();
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) ::dup2(null, fd);
  const int kept = ::fcntl(listener.get(), F_DUPFD_CLOEXEC, null + 1);
  constexpr int kListener = 3;
  ::dup3(kept, kListener, O_CLOEXEC);
  listener.release();
  listener.reset(kListener);
  ::syscall(SYS_close_range, kListener + 1, ~0u, 0);
  ::signal(SIGPIPE, SIG_IGN);
  raise_oom_score(containerd);
  // Threads of a shim are few and idle; an arena for each would be memory for nothing.
  ::mallopt(M_ARENA_MAX, 1);
}

Log open_log(const ServerConfig& config) {
  // Read and write, so that there is always a reader and a write never ends in EPIPE.
  UniqueFd fd(::open(config.log_fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  struct stat info;
  if (fd && (::fstat(fd.get(), &info) != 0 || !S_ISFIFO(info.st_mode))) fd.reset();
  if (fd) ::dup2(fd.get(), STDERR_FILENO);
  return Log(std::move(fd), config.debug ? Level::debug : Level::info, config.ns, config.id);
}

Result<void> join_cgroup(const sandbox::CgroupHost& host, const std::string& path) {
  return TRY(sandbox::Cgroup::open(host, path))->add(::getpid());
}

// SIGTERM and SIGINT as events. They, and SIGCHLD, are blocked in every thread to come.
Result<UniqueFd> stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigset_t blocked = set;
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return os_error(errno, "signalfd");
  return fd;
}

Result<void> run(const ServerConfig& config, UniqueFd listener, const Log& log) {
  const UniqueFd signals = TRY(stop_signals());
  const auto loop = TRY(EventLoop::create());
  const auto orphans = TRY(Orphans::create(*loop));
  const auto streams = Streams::create(*loop);
  StreamRelay relay(*loop, *streams);
  const auto publisher = Publisher::create(config.ttrpc_address, config.ns, log);
  const auto launcher = TRY(sandbox::Launcher::create());
  TaskService::Config service_config;
  service_config.loop = loop.get();
  service_config.publisher = publisher.get();
  service_config.workshop.cgroups = TRY(sandbox::CgroupHost::detect());
  service_config.workshop.launcher = launcher.get();
  Modules modules(service_config.workshop.cgroups, log, {config.cache_directory, config.containerd_address, config.ns});
  service_config.workshop.modules = &modules;
  service_config.workshop.toolbox = [directory = program_directory()](std::string_view name) { return open_toolbox(directory, name); };
  service_config.workshop.log = &log;
  service_config.workshop.streams = &relay;
  service_config.workshop.search_path = config.search_path;
  service_config.workshop.node_file = config.node_file;
  service_config.workshop.ns = config.ns;
  service_config.before_exit = [&config] { ::unlink(config.socket_path.c_str()); };
  service_config.exit = [&loop] { loop->stop(); };
  if (!config.shim_cgroup.empty()) {
    const auto joined = join_cgroup(service_config.workshop.cgroups, config.shim_cgroup);
    if (!joined) log.write(Level::warning, "shim_cgroup " + config.shim_cgroup + ": " + joined.error().to_string());
  }
  const auto service = TaskService::create(std::move(service_config));
  const auto sandboxes = SandboxService::create(*service);
  std::unique_ptr<Server> server;
  Solitude solitude(*loop, [&server] { return server->connections(); }, [&service] { service->shut_down(); });
  server = TRY(Server::create(*loop, std::move(listener), {
      .request =
          [&](Request request, Call call) {
            if (request.service == SandboxService::kService) return sandboxes->handle(std::move(request), std::move(call));
            if (request.service == Streams::kService) return streams->handle(request, std::move(call));
            service->handle(std::move(request), std::move(call));
          },
      .closed = [&](uint64_t id) {
        service->connection_closed(id);
        solitude.begins();
      },
  }));
  solitude.begins();
  TRY(loop->watch(signals.get(), EPOLLIN, [&](uint32_t) {
    log.write(Level::warning, "the shim was told to stop by a signal; its containers end with it");
    ::unlink(config.socket_path.c_str());
    loop->stop();
  }));
  loop->run();
  publisher->flush(kFlushTime);
  // Threads may be anywhere, in a compilation for instance; the kernel takes them, and PDEATHSIG the containers.
  ::_exit(0);
}

}  // namespace

int serve(ServerConfig config, UniqueFd listener) {
  leave_containerd(listener, config.containerd);
  const Log log = open_log(config);
  const auto done = run(config, std::move(listener), log);
  ::unlink(config.socket_path.c_str());
  if (!done) log.write(Level::error, "the shim can not run: " + done.error().to_string());
  return 1;
}

}  // namespace wherry::shim
