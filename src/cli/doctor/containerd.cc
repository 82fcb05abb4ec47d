// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "base/fd.h"
#include "cli/doctor/finding.h"
#include "node/containerd_config.h"
#include "node/daemon.h"
#include "node/program.h"

namespace wherry::cli {
namespace {

using node::ContainerdConfig;
using node::Daemon;

constexpr char kShim[] = "containerd-shim-wherry-v1";
constexpr std::chrono::seconds kPatience{5};

// "1.6.20~ds1" of "containerd github.com/containerd/containerd 1.6.20~ds1 ...".
std::string version_of(const std::string& printed) {
  std::vector<std::string> words(1);
  for (const char c : printed) {
    if (c == ' ' || c == '\n') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words.size() > 2 ? words[2] : printed;
}

void check_version(Findings& findings, const Daemon& daemon) {
  const auto printed = node::output_of({daemon.program, "--version"}, kPatience);
  const std::string name = daemon.program + (daemon.running ? ", running" : ", not running");
  if (!printed)
    return findings.problem(printed.error().to_string(), "see what `" + daemon.program + " --version` says");
  findings.ok("containerd " + version_of(*printed) + " (" + name + ")");
}

// As containerd itself understands it, with imports and defaults, or the bare file.
Result<std::string> configuration(const Daemon& daemon) {
  constexpr size_t kLimit = 4 << 20;
  if (!daemon.program.empty()) {
    auto dump = node::output_of({daemon.program, "--config", daemon.config, "config", "dump"}, kPatience);
    if (dump) return dump;
  }
  return read_file(daemon.config, kLimit);
}

// Where one would put it: /usr/local/bin if containerd looks there.
std::string install_directory(const std::string& path) {
  constexpr std::string_view kUsual = "/usr/local/bin";
  const std::string list = ":" + path + ":";
  if (path.empty() || list.find(":" + std::string(kUsual) + ":") != list.npos) return std::string(kUsual);
  return path.substr(0, path.find(':'));
}

void check_shim(Findings& findings, const Daemon& daemon, const ContainerdConfig& config) {
  for (const ContainerdConfig::Runtime& runtime : config.runtimes) {
    if (runtime.path.empty()) continue;
    if (::access(runtime.path.c_str(), X_OK) == 0) return findings.ok("shim " + runtime.path);
    return findings.problem("runtime `" + runtime.name + "`: no shim at " + runtime.path,
                            "install it there, or correct runtime_path in " + daemon.config);
  }
  const std::string shim = node::find_on_path(kShim, daemon.path);
  if (!shim.empty()) return findings.ok("shim " + shim);
  findings.problem(std::string("no ") + kShim + " on containerd's PATH",
                   "put it into " + install_directory(daemon.path) + ", beside wherryc");
}

void check_runtime(Findings& findings, const Daemon& daemon, const ContainerdConfig& config) {
  if (!config.cri)
    return findings.note(
        "the Kubernetes plug-in (cri) is disabled",
        "remove it from disabled_plugins in " + daemon.config + " if Kubernetes is to use this containerd");
  if (config.runtimes.empty()) {
    const std::string plugin = config.version >= 3 ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri";
    return findings.problem("no runtime of type io.containerd.wherry.v1 for Kubernetes",
                            "add [plugins.\"" + plugin +
                                "\".containerd.runtimes.wherry] with runtime_type = \"io.containerd.wherry.v1\" to " +
                                daemon.config + ", then restart containerd");
  }
  for (const ContainerdConfig::Runtime& runtime : config.runtimes) {
    findings.ok("runtime `" + runtime.name + "` for Kubernetes");
    if (!runtime.annotations)
      findings.note("runtime `" + runtime.name + "`: annotations of pods do not reach the shim",
                    "add pod_annotations = [\"wherry.dev/*\"] to it");
  }
}

}  // namespace

std::vector<Finding> check_containerd(const std::string& config_file) {
  Findings findings;
  Daemon daemon = node::find_daemon();
  if (!config_file.empty()) daemon.config = config_file;
  if (daemon.program.empty() && config_file.empty()) {
    findings.note("containerd is not installed: no containers, `wherry run` works", "install containerd");
    return findings.take();
  }
  if (!daemon.program.empty()) check_version(findings, daemon);
  const auto text = configuration(daemon);
  if (!text) {
    findings.problem(text.error().to_string(), "run `wherry doctor` as root, or give --config FILE");
    return findings.take();
  }
  const auto config = node::parse_containerd_config(*text);
  if (!config) {
    findings.problem(daemon.config + ": " + config.error().to_string(), "correct the file");
    return findings.take();
  }
  check_shim(findings, daemon, *config);
  check_runtime(findings, daemon, *config);
  return findings.take();
}

}  // namespace wherry::cli
