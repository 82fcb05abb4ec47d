// SPDX-License-Identifier: Apache-2.0
#include "shim/task/runc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "shim/task/console_socket.h"
#include "shim/task/spawn_options.h"

namespace wherry::shim {
namespace {

constexpr int kPatience = 60000;  // milliseconds that one call may take
constexpr size_t kMaxLog = 1 << 20;
constexpr size_t kMaxFeatures = 1 << 20;
constexpr int kNone[3] = {-1, -1, -1};

// Removes a file when it is not needed any more.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  ~Scratch() { ::unlink(path_.c_str()); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// The message of the last line that tells of an error.
std::string last_error(const std::string& log) {
  std::string found;
  for (size_t at = 0; at < log.size();) {
    const size_t end = std::min(log.find('\n', at), log.size());
    const auto line = nlohmann::json::parse(log.substr(at, end - at), nullptr, false);
    at = end + 1;
    if (!line.is_object() || line.value("level", "") != "error") continue;
    if (const auto message = line.find("msg"); message != line.end() && message->is_string()) found = message->get<std::string>();
  }
  return found;
}

// The exit code, 128 + n after a signal, or an error after kPatience.
Result<int> wait_for(pid_t pid) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd poll{pidfd.get(), POLLIN, 0};
  int ready;
  do ready = pidfd ? ::poll(&poll, 1, kPatience) : 1;
  while (ready < 0 && errno == EINTR);
  if (ready == 0) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return os_error(errno, "runc");
  }
  if (ready == 0) return error(ErrorKind::unavailable, "runc did not end within a minute");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<int> read_pid(const std::string& path) {
  const std::string text = TRY(read_file(path, 32));
  int pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (pid <= 1) return error(ErrorKind::malformed, "runc gave no process number");
  return pid;
}

}  // namespace

Result<std::unique_ptr<Runc>> Runc::create(std::string search_path, std::string directory, std::string id, bool systemd_cgroup) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return os_error(errno, directory);
  return std::unique_ptr<Runc>(new Runc(std::move(search_path), std::move(directory), std::move(id), systemd_cgroup));
}

Result<std::string> Runc::program() const {
  for (const char* name : {"runc", "crun"}) {
    for (size_t at = 0; at <= search_path_.size();) {
      const size_t end = std::min(search_path_.find(':', at), search_path_.size());
      const std::string directory = search_path_.substr(at, end - at);
      at = end + 1;
      const std::string path = directory + "/" + name;
      if (directory.starts_with('/') && ::access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return error(ErrorKind::unavailable, "a native program needs runc or crun on the node, and neither is in " + search_path_);
}

std::string Runc::new_name(const char* kind) const { return kind + std::to_string(++count_); }

std::string Runc::new_path(const char* kind) const { return directory_ + "/" + new_name(kind); }

Result<void> Runc::run(std::vector<std::string> words, const int* stdio) const {
  const Scratch log(new_path("log"));
  const std::string runc = TRY(program());
  std::vector<std::string> all = {runc, "--root", directory_ + "/state", "--log", log.path(), "--log-format", "json"};
  if (systemd_cgroup_) all.push_back("--systemd-cgroup");
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string path = "PATH=" + search_path_;
  char* const environment[] = {path.data(), nullptr};
  SpawnFiles actions;
  for (int i = 0; i < 3; i++) actions.set(i, stdio[i]);
  const SpawnAttributes attributes;
  pid_t pid = -1;
  if (const int code = ::posix_spawn(&pid, runc.c_str(), actions.get(), attributes.get(), argv.data(), environment)) return os_error(code, runc);
  const int code = TRY(wait_for(pid));
  if (code == 0) return {};
  const auto text = read_file(log.path(), kMaxLog);
  std::string reason = text ? last_error(*text) : "";
  if (reason.empty()) reason = runc + " " + words[0] + " exited with code " + std::to_string(code);
  return error(ErrorKind::io, std::move(reason));
}

Result<Runc::Made> Runc::make(std::vector<std::string> words, const int* stdio, bool terminal) const {
  const Scratch pid_file(new_path("pid"));
  std::unique_ptr<ConsoleSocket> console;
  words.insert(words.end() - 1, {"--pid-file", pid_file.path()});
  if (terminal) {
    console = TRY(ConsoleSocket::create(directory_, new_name("tty")));
    words.insert(words.end() - 1, {"--console-socket", console->path()});
  }
  TRY(run(std::move(words), stdio));
  Made made;
  made.pid = TRY(read_pid(pid_file.path()));
  // Ours by now, and so the number is its own until we reap it.
  made.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, made.pid, 0)));
  if (!made.pidfd) return os_error(errno, "the container's process");
  if (console) made.console = TRY(console->take());
  return made;
}

Result<Runc::Made> Runc::create_container(const std::string& bundle, const int* stdio, bool terminal) {
  return make({"create", "--bundle", bundle, id_}, stdio, terminal);
}

Result<void> Runc::start() { return run({"start", id_}, kNone); }

Result<Runc::Made> Runc::exec(std::string_view process_json, const int* stdio, bool terminal) {
  const Scratch file(new_path("process"));
  TRY(replace_file(file.path(), process_json, 0600));
  return make({"exec", "--detach", "--process", file.path(), id_}, stdio, terminal);
}

Result<void> Runc::update(std::string_view resources_json) {
  const Scratch file(new_path("resources"));
  TRY(replace_file(file.path(), resources_json, 0600));
  return run({"update", "--resources", file.path(), id_}, kNone);
}

Result<void> Runc::check_maps_ids() const {
  const std::string runc = TRY(program());
  if (maps_ids()) return {};
  return error(ErrorKind::unsupported, "id-mapped mounts of a native program need runc 1.2 or later, which " + runc + " is not");
}

bool Runc::maps_ids() const {
  const UniqueFd out(::memfd_create("features", MFD_CLOEXEC));
  const int stdio[] = {-1, out.get(), -1};
  if (!out || !run({"features"}, stdio) || ::lseek(out.get(), 0, SEEK_SET) != 0) return false;
  const auto text = read_all(out.get(), kMaxFeatures, "features");
  if (!text) return false;
  const auto features = nlohmann::json::parse(*text, nullptr, false);
  const nlohmann::json::json_pointer enabled("/linux/mountExtensions/idmap/enabled");
  return features.is_object() && features.contains(enabled) && features[enabled] == true;
}

void Runc::remove() {
  (void)run({"delete", "--force", id_}, kNone);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace wherry::shim
