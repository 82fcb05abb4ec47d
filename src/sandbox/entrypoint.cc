// SPDX-License-Identifier: Apache-2.0
#include "sandbox/entrypoint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "sandbox/pidfd.h"
#include "sandbox/root_path.h"

namespace wherry::sandbox {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string with_slash(std::string path) { return path.ends_with('/') ? path : path + "/"; }

// Without `.`, `..` and double slashes; only to compare with mount destinations.
std::string normal(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

bool is_bind(const SpecMount& mount) {
  if (mount.type == "bind") return true;
  for (const std::string& option : mount.options) {
    if (option == "bind" || option == "rbind") return true;
  }
  return false;
}

// The last bind mount that covers `path`: later ones lie over earlier ones.
const SpecMount* covering_mount(const Spec& spec, const std::string& path) {
  for (auto mount = spec.mounts.rbegin(); mount != spec.mounts.rend(); ++mount) {
    const std::string destination = normal(mount->destination);
    if (path != destination && !path.starts_with(with_slash(destination))) continue;
    return is_bind(*mount) ? &*mount : nullptr;
  }
  return nullptr;
}

// O_PATH first: a device or a fifo must not feel being opened.
Result<UniqueFd> open_regular(int root, const std::string& path) {
  const UniqueFd found = TRY(open_in_root(root, path, O_PATH));
  struct stat info;
  if (::fstat(found.get(), &info) != 0) return os_error(errno, path);
  if (S_ISDIR(info.st_mode)) return os_error(EISDIR, path);
  if (!S_ISREG(info.st_mode)) return error(ErrorKind::invalid, path + ": not a regular file");
  const std::string link = "/proc/self/fd/" + std::to_string(found.get());
  UniqueFd file(::open(link.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return os_error(errno, path);
  return file;
}

Result<UniqueFd> open_in_container(const Spec& spec, int root, const std::string& path) {
  const SpecMount* mount = covering_mount(spec, path);
  if (!mount) return open_regular(root, path);
  const UniqueFd source(::open(mount->source.c_str(), O_PATH | O_CLOEXEC));
  if (!source) return os_error(errno, mount->source);
  const std::string destination = normal(mount->destination);
  if (path != destination) {
    return open_regular(source.get(), path.substr(destination == "/" ? 0 : destination.size()));
  }
  const size_t slash = mount->source.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : mount->source.substr(0, slash + 1);
  const UniqueFd directory(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return os_error(errno, parent);
  return open_regular(directory.get(), mount->source.substr(slash + 1));
}

std::string_view path_variable(const Process& process) {
  std::string_view path = kDefaultPath;
  for (const std::string& variable : process.env) {
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  }
  return path;
}

// Where to look, in order.
std::vector<std::string> candidates(const Process& process, const std::string& name) {
  const std::string cwd = with_slash(process.cwd);
  if (name.starts_with('/')) return {normal(name)};
  if (name.find('/') != std::string::npos) return {normal(cwd + name)};
  std::vector<std::string> paths;
  std::string_view path = path_variable(process);
  while (!path.empty()) {
    const size_t end = std::min(path.find(':'), path.size());
    const std::string directory(path.substr(0, end));
    paths.push_back(normal((directory.starts_with('/') ? "" : cwd) + with_slash(directory) + name));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  paths.push_back(normal(cwd + name));
  return paths;
}

// As Go's os/exec has it.
std::string quoted(const std::string& name) { return "exec: \"" + name + "\": "; }

}  // namespace

ProgramName split_program(const Process& process) {
  const std::string& argument = process.args[0];
  const size_t hash = std::min(argument.find('#'), argument.size());
  return {argument.substr(0, hash), hash < argument.size() ? argument.substr(hash + 1) : std::string()};
}

std::string_view describe(ProgramKind kind) {
  switch (kind) {
    case ProgramKind::wasm_module:
      return "a WebAssembly module";
    case ProgramKind::wasm_component:
      return "a WebAssembly component";
    case ProgramKind::elf:
      return "a native program (ELF)";
    case ProgramKind::script:
      return "a script (#!)";
    case ProgramKind::empty:
      return "an empty file";
    case ProgramKind::other:
      return "not a WebAssembly module";
  }
  return "";
}

Result<ProgramKind> classify(int fd) {
  unsigned char head[8] = {};
  const ssize_t n = ::pread(fd, head, sizeof head, 0);
  if (n < 0) return os_error(errno, "cannot read the entrypoint");
  if (n == 0) return ProgramKind::empty;
  if (n >= 4 && std::memcmp(head, "\x7f""ELF", 4) == 0) return ProgramKind::elf;
  if (n >= 2 && std::memcmp(head, "#!", 2) == 0) return ProgramKind::script;
  if (n < 4 || std::memcmp(head, "\0asm", 4) != 0) return ProgramKind::other;
  // The upper half of the version is the layer: 1 is the component model's.
  return n == 8 && head[6] == 1 && head[7] == 0 ? ProgramKind::wasm_component : ProgramKind::wasm_module;
}

Result<Entrypoint> open_entrypoint(const Spec& spec, const std::string& rootfs) {
  if (spec.process.args.empty() || spec.process.args[0].empty()) {
    return error(ErrorKind::invalid, "config.json: process.args is empty: the image has no entrypoint");
  }
  const ProgramName program = split_program(spec.process);
  const std::string& name = program.path;
  Entrypoint out;
  out.function = program.function;
  const UniqueFd root(::open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return os_error(errno, rootfs);
  std::string tried;
  for (const std::string& path : candidates(spec.process, name)) {
    auto file = open_in_container(spec, root.get(), path);
    if (!file && file.error().kind == ErrorKind::not_found) {
      tried.append(tried.empty() ? "" : ", ").append(path);
      continue;
    }
    if (!file) return error(file.error().kind, "entrypoint " + std::move(file).error().message);
    out.file = std::move(*file);
    out.path = path;
    out.kind = TRY(classify(out.file.get()));
    return out;
  }
  return error(ErrorKind::not_found, "entrypoint `" + name + "` not found in the container (tried " + tried + ")");
}

Result<UniqueFd> open_container_root(int pid, int pidfd) {
  const std::string path = "/proc/" + std::to_string(pid) + "/root";
  UniqueFd root(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int code = errno;
  // While it is not reaped the number is its own, and it was so when it was used.
  if (signal_pidfd(pidfd, 0) != 0) return error(ErrorKind::failed_precondition, "the container's init has finished");
  if (!root) return os_error(code, path);
  return root;
}

Result<Entrypoint> open_program(const Process& process, int root) {
  if (process.args.empty() || process.args[0].empty()) return error(ErrorKind::invalid, "process.args: no program is given");
  const ProgramName program = split_program(process);
  const std::string& name = program.path;
  Entrypoint out;
  out.function = program.function;
  for (const std::string& path : candidates(process, name)) {
    auto file = open_regular(root, path);
    if (!file && file.error().kind == ErrorKind::not_found) continue;
    if (!file) return error(ErrorKind::invalid, quoted(name) + std::move(file).error().message);
    out.file = std::move(*file);
    out.path = path;
    out.kind = TRY(classify(out.file.get()));
    if (out.kind == ProgramKind::empty || out.kind == ProgramKind::other) return error(ErrorKind::invalid, quoted(name) + "exec format error");
    return out;
  }
  const bool is_path = name.find('/') != std::string::npos;
  return error(ErrorKind::not_found,
               quoted(name) + (is_path ? "stat " + name + ": no such file or directory" : "executable file not found in $PATH"));
}

Result<void> check_native(const Entrypoint& entrypoint, bool is_allowed) {
  if (is_allowed) return {};
  return error(ErrorKind::denied, entrypoint.path + " is a native program, and these are not allowed here (setting `native`)");
}

Result<void> check_is_module(const Entrypoint& entrypoint) {
  switch (entrypoint.kind) {
    case ProgramKind::wasm_module:
      return {};
    case ProgramKind::elf:
    case ProgramKind::script:
      return error(ErrorKind::unsupported, entrypoint.path + ": " + std::string(describe(entrypoint.kind)) +
                                               ": only WebAssembly modules run in a Wasm container yet");
    case ProgramKind::wasm_component:
      return error(ErrorKind::unsupported, entrypoint.path + ": a WebAssembly component: only core modules run here yet");
    case ProgramKind::empty:
    case ProgramKind::other:
      break;
  }
  return error(ErrorKind::invalid, entrypoint.path + ": " + std::string(describe(entrypoint.kind)));
}

}  // namespace wherry::sandbox
