// SPDX-License-Identifier: Apache-2.0
#include "node/target.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/fd.h"
#include "node/binaries.h"
#include "node/config_change.h"
#include "node/program.h"

namespace wherry::node {
namespace {

constexpr char kDropIn[] = "wherry.toml";
constexpr size_t kFileLimit = 4 << 20;

// 3 for "containerd github.com/containerd/containerd/v2 v2.4.2 ...", which has no file yet.
int version_for(const Daemon& daemon) {
  constexpr std::chrono::seconds kPatience{5};
  const auto printed = daemon.program.empty() ? Result<std::string>(std::string())
                                              : output_of({daemon.program, "--version"}, kPatience);
  return printed && printed->find("containerd/v2") != std::string::npos ? kFirstVersionOf2 : 2;
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool is_on_path(const std::string& directory, const std::string& path) {
  return (":" + path + ":").find(":" + directory + ":") != std::string::npos;
}

// One whose data is in a directory of its own choosing is known by the containerd that runs.
const Distribution* find_running(std::string& config) {
  for (const Distribution& distribution : distributions()) {
    if (distribution.beside.empty()) continue;
    const Daemon daemon = find_daemon_at(std::string(distribution.address));
    const std::string evidence = directory_of(daemon.program) + "/" + std::string(distribution.beside);
    if (!daemon.running || ::access(evidence.c_str(), F_OK) != 0) continue;
    config = daemon.config;
    return &distribution;
  }
  return nullptr;
}

// And its configuration, where nothing is said of it.
Result<const Distribution*> distribution_of(const NodeOptions& options, std::string& config) {
  if (options.distribution.empty()) {
    if (!config.empty()) return find_distribution("plain");
    const Distribution* found = &detect_distribution();
    if (found->evidence.empty())
      if (const Distribution* const running = find_running(config)) found = running;
    return found;
  }
  if (const Distribution* const found = find_distribution(options.distribution)) return found;
  std::string names;
  for (const Distribution& known : distributions()) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return error(ErrorKind::invalid, "`" + options.distribution + "` is none of " + names);
}

// Containerd 1.x takes the tables of an imported file for the whole of a plug-in's, so that runc's
// handler would be gone; from 2.0 on it merges them.
void choose_form(Target& target, const ContainerdConfig& config, bool marked) {
  const Distribution& distribution = *target.distribution;
  const std::string imported =
      target.version >= kFirstVersionOf2 ? imported_directory(config, target.config) : std::string();
  const std::string_view from =
      target.version >= kFirstVersionOf2 ? distribution.template_3 : distribution.template_2;
  if (!distribution.drop_ins.empty() && marked) {
    target.form = Target::Form::drop_in;
    target.edited = std::string(distribution.drop_ins) + "/" + kDropIn;
  } else if (!imported.empty()) {
    target.form = Target::Form::drop_in;
    target.edited = imported + "/" + kDropIn;
  } else if (!from.empty()) {
    target.form = Target::Form::template_;
    target.edited = directory_of(target.config) + "/" + std::string(from);
  } else {
    target.edited = target.config;
  }
}

bool has_handler(const ContainerdConfig& config, const std::string& name, bool& ours) {
  for (const ContainerdConfig::Runtime& runtime : config.all_runtimes) {
    if (runtime.name != name) continue;
    ours = runtime.type == "io.containerd.wherry.v1";
    return true;
  }
  return false;
}

// Whether somebody else's handler is in our way.
Result<void> check_foreign(Target& target, const ContainerdConfig& config) {
  bool ours = false;
  if (!has_handler(config, target.handler.name, ours)) return {};
  if (!ours)
    return error(ErrorKind::already_exists, target.config + " has a handler `" + target.handler.name +
                                                "` of another runtime: choose another name with --handler");
  target.foreign = true;
  return {};
}

// An error of a text as one of the file that it is in.
template <typename T>
Result<T> of_file(const std::string& path, Result<T> result) {
  if (result) return result;
  return error(result.error().kind, path + ": " + result.error().message);
}

Result<std::optional<ContainerdConfig>> configuration(const Target& target, const std::optional<std::string>& text) {
  if (!text) return std::optional<ContainerdConfig>();
  // Without our block: what is left is what others have written.
  const std::string others = TRY(of_file(target.config, without_block(*text)));
  return std::optional<ContainerdConfig>(TRY(of_file(target.config, parse_containerd_config(others))));
}

// Without a configuration too the distribution will write one.
bool is_marked(const Distribution& distribution, const std::optional<std::string>& text) {
  return !text || ("\n" + *text).find("\n" + std::string(distribution.mark) + "\n") != std::string::npos;
}

// What the file alone does not say: of runc's handler, and of ours, in a file that is imported.
Result<void> consider_imports(Target& target) {
  const auto effective = effective_config(target.daemon, target.config);
  if (!effective || !*effective) return {};  // an edit would be refused later, with containerd's words
  target.handler.systemd_cgroup = (*effective)->systemd_cgroup;
  const auto current = TRY(read_optional(target.edited));
  const bool installed = current && has_block(*current);
  return installed || target.foreign ? Result<void>() : check_foreign(target, **effective);
}

}  // namespace

Result<std::optional<std::string>> read_optional(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) == 0) return std::optional<std::string>(TRY(read_file(path, kFileLimit)));
  if (errno != ENOENT) return os_error(errno, path);
  if (::lstat(path.c_str(), &info) == 0) return error(ErrorKind::not_found, path + ": a link to a file that is not there");
  return std::optional<std::string>();
}

std::string imported_directory(const ContainerdConfig& config, const std::string& config_path) {
  for (const std::string& pattern : config.imports) {
    constexpr std::string_view kAll = "/*.toml";
    if (!pattern.ends_with(kAll)) continue;
    const std::string directory = pattern.substr(0, pattern.size() - kAll.size());
    if (directory.empty() || directory.find_first_of("*?[\\${") != std::string::npos) continue;
    return directory.starts_with('/') ? directory : directory_of(config_path) + "/" + directory;
  }
  return "";
}

Result<Target> find_target(const NodeOptions& options) {
  if (!is_handler_name(options.handler))
    return error(ErrorKind::invalid,
                 "`" + options.handler + "` is no handler of a RuntimeClass: lower-case letters, digits and `-`");
  Target target;
  target.config = options.config;
  target.distribution = TRY(distribution_of(options, target.config));
  if (target.config.empty()) target.config = target.distribution->config;
  if (!target.config.starts_with('/')) return error(ErrorKind::invalid, target.config + ": not an absolute path");
  const auto text = TRY(read_optional(target.config));
  const auto config = TRY(configuration(target, text));
  target.address = options.address;
  if (target.address.empty() && config) target.address = config->address;
  if (target.address.empty() || target.address.find('$') != std::string::npos)
    target.address = target.distribution->address;
  target.daemon = find_daemon_at(target.address);
  target.version = config ? config->version : version_for(target.daemon);
  if (target.version < 1 || target.version > kLastVersion)
    return error(ErrorKind::unsupported, target.config + " has another `version` than 1 to " + std::to_string(kLastVersion) +
                                             ", which are known here");
  if (target.version < 2)
    return error(ErrorKind::unsupported, target.config + " is of version 1, which has no handlers of ours: write `version = 2`, " +
                                             "and plug-ins by their full names (containerd config migrate)");
  choose_form(target, config.value_or(ContainerdConfig()), is_marked(*target.distribution, text));
  target.handler.name = options.handler;
  target.handler.systemd_cgroup = config && config->systemd_cgroup;
  if (!is_on_path(options.bin_directory, target.daemon.running ? target.daemon.path : ""))
    target.handler.shim = options.bin_directory + "/" + kShimName;
  if (config) TRY(check_foreign(target, *config));
  if (config) TRY(consider_imports(target));
  return target;
}

Result<std::string> edited_content(const Target& target, const std::optional<std::string>& current) {
  const std::string version = "version = " + std::to_string(target.version) + "\n";
  std::string base = current ? TRY(of_file(target.edited, without_block(*current))) : std::string();
  if (!current)
    base = target.form == Target::Form::template_ ? std::string(target.distribution->template_start) : version;
  std::string edited = TRY(with_block(base, handler_block(target.version, target.handler)));
  if (target.form != Target::Form::template_) {
    const auto checked = check_edit(base, edited, target.version, target.handler);
    if (!checked) return error(checked.error().kind, target.edited + ": " + checked.error().message);
  }
  return edited;
}

}  // namespace wherry::node
