// SPDX-License-Identifier: Apache-2.0
#include "registry/commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "base/json_text.h"
#include "oci/image.h"
#include "registry/pull.h"
#include "registry/push.h"

namespace wherry::registry {
namespace {

using cli::Arguments;
using cli::Option;
using cli::set;

// Of both commands; each table has what its command knows.
struct Options {
  bool plain_http = false;
  std::string ca_file;
  std::string cert_directory;
  std::optional<std::chrono::nanoseconds> stall;
  bool quiet = false;
  bool json = false;
  std::string mount_from;
  std::optional<cli::Size> chunk;
  bool artifact = false;
  std::string output;
  std::string platform;
  std::string module;
};

constexpr Option kCaFile = {"ca-file", 0, "FILE", "certificates to trust as well as the system's, PEM", set<&Options::ca_file>};
constexpr Option kCertDirectory = {"cert-dir", 0, "DIR", "*.crt, *.cert, *.key [default: /etc/docker/certs.d/HOST ...]", set<&Options::cert_directory>};
constexpr Option kPlainHttp = {"plain-http", 0, "", "without TLS; a registry on this machine may do so in any case", set<&Options::plain_http>};
constexpr Option kTimeout = {"timeout", 0, "TIME", "how long nothing may come [default: 60s]", set<&Options::stall>};
constexpr Option kQuiet = {"quiet", 'q', "", "prints nothing but errors", set<&Options::quiet>};
constexpr Option kJson = {"json", 0, "", "prints the result as JSON", set<&Options::json>};

constexpr Option kPushOptions[] = {
    {"artifact", 0, "", "a module as a CNCF Wasm artifact, not as an image", set<&Options::artifact>},
    {"mount-from", 0, "REPOSITORY", "of the same registry, which may have the layers", set<&Options::mount_from>},
    {"chunk-size", 0, "SIZE", "the most to send in one request [default: 32MiB]", set<&Options::chunk>},
    kCaFile,
    kCertDirectory,
    kPlainHttp,
    kTimeout,
    kQuiet,
    kJson,
};

constexpr Option kPullOptions[] = {
    {"output", 'o', "PATH", "an archive (.tar) or a new directory [default: NAME.tar]", set<&Options::output>},
    {"module", 'm', "FILE", "writes the module alone", set<&Options::module>},
    {"platform", 0, "OS/ARCH", "of an image of several [default: all]", set<&Options::platform>},
    kCaFile,
    kCertDirectory,
    kPlainHttp,
    kTimeout,
    kQuiet,
    kJson,
};

Result<std::unique_ptr<Registry>> registry_of(const oci::Reference& reference, const Options& options, bool is_push) {
  RegistryOptions out;
  out.plain_http = options.plain_http;
  out.ca_file = options.ca_file;
  out.cert_directory = options.cert_directory;
  if (options.stall) out.stall = std::max<long>(1, std::chrono::ceil<std::chrono::seconds>(*options.stall).count());
  if (options.chunk) out.chunk = options.chunk->bytes;
  out.mount_from = options.mount_from;
  out.is_push = is_push;
  out.credential_files = credential_files();
  return Registry::create(reference, out);
}

// What was done, for people or for programs. `file` is where a pull wrote to.
void print(const Options& options, const oci::Reference& reference, const std::string& digest, const std::string& file) {
  oci::Reference full = reference;
  full.digest = digest;
  if (options.json) {
    nlohmann::ordered_json json = {{"reference", full.to_string()}, {"digest", digest}};
    if (!file.empty()) json["file"] = file;
    std::printf("%s\n", json_text(json).c_str());
  } else if (!options.quiet) {
    std::printf("%s%s%s\n", file.c_str(), file.empty() ? "" : ": ", full.to_string().c_str());
  }
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_module(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  char head[4] = {};
  return fd && ::read(fd.get(), head, sizeof head) == sizeof head && std::string_view(head, sizeof head) == std::string_view("\0asm", 4);
}

// An image as `wherry pack` makes it without options.
Result<std::unique_ptr<ScratchDirectory>> image_of(const std::string& module, const oci::Reference& reference) {
  oci::Image image;
  image.name = reference;
  const std::string path = "/" + base_name(module);
  image.process.entrypoint = {path};
  image.process.working_dir = "/";
  oci::Tree tree;
  TRY(tree.add(module, path));
  auto scratch = TRY(ScratchDirectory::create());
  (void)TRY(oci::write_image(image, tree, scratch->path() + "/image.tar"));
  return scratch;
}

Result<int> push(const Options& options, const Arguments& arguments) {
  const std::string& source = arguments[0];
  const oci::Reference reference = TRY(oci::parse_reference(arguments[1]));
  if (!options.mount_from.empty()) {
    const auto from = oci::parse_reference("localhost/" + options.mount_from);
    if (!from || from->repository != options.mount_from) return error(ErrorKind::invalid, "--mount-from `" + options.mount_from + "`: expected a repository, without registry and tag");
  }
  std::unique_ptr<ScratchDirectory> made;
  std::string path = source;
  if (is_module(source)) {
    made = TRY(options.artifact ? artifact_of(source, reference) : image_of(source, reference));
    path = made->path() + (options.artifact ? "/artifact" : "/image.tar");
  } else if (options.artifact) {
    return error(ErrorKind::invalid, source + ": not a module, which --artifact is for");
  }
  const auto layout = TRY(Layout::open(path));
  const auto registry = TRY(registry_of(reference, options, true));
  ProgressLine progress(options.quiet);
  const std::string digest = TRY(push_image(*registry, *layout, reference, progress));
  progress.clear();
  print(options, reference, digest, "");
  return 0;
}

Result<std::optional<oci::Platform>> platform_of(const std::string& text) {
  if (text.empty()) return std::optional<oci::Platform>();
  const size_t slash = text.find('/');
  if (slash == text.npos || slash == 0 || slash + 1 == text.size()) return error(ErrorKind::invalid, "--platform " + text + ": expected OS/ARCH, such as linux/amd64");
  return std::optional(oci::Platform{text.substr(0, slash), text.substr(slash + 1)});
}

Result<int> pull(const Options& options, const Arguments& arguments) {
  const oci::Reference reference = TRY(oci::parse_reference(arguments[0]));
  const auto platform = TRY(platform_of(options.platform));
  const auto registry = TRY(registry_of(reference, options, false));
  const auto writer = TRY(LayoutWriter::create());
  ProgressLine progress(options.quiet);
  const PulledImage pulled = TRY(pull_image(*registry, reference, platform, *writer, progress));
  progress.clear();
  std::unique_ptr<ScratchDirectory> scratch;
  std::string output = options.output.empty() ? base_name(reference.repository) + ".tar" : options.output;
  if (!options.module.empty()) {
    scratch = TRY(ScratchDirectory::create());
    output = scratch->path() + "/image";
  }
  TRY(writer->finish(pulled.image, reference.to_string(), reference.tag, output));
  if (!options.module.empty()) {
    TRY(extract_module(*TRY(Layout::open(output)), pulled.manifests.front(), options.module));
    output = options.module;
  }
  print(options, reference, pulled.image.digest, output);
  return 0;
}

}  // namespace

const cli::Command kPush = {
    .name = "push",
    .arguments = "IMAGE.tar | DIRECTORY | MODULE.wasm  NAME",
    .min_arguments = 2,
    .max_arguments = 2,
    .order = cli::Order::any,
    .summary = "sends an image to a registry",
    .details = "an image is a file of `wherry pack` or `docker save`, or an OCI layout; a module is packed first.\n"
               "Whoever logged in with `docker login` or `podman login` is known",
    .options = kPushOptions,
    .examples = {"push app.tar ghcr.io/me/app:v1", "push app.wasm localhost:5000/app:v1"},
    .main = cli::command_main<Options, push>,
};

const cli::Command kPull = {
    .name = "pull",
    .arguments = "NAME",
    .min_arguments = 1,
    .max_arguments = 1,
    .order = cli::Order::any,
    .summary = "fetches an image from a registry",
    .details = "what was fetched before a connection broke is kept, and the next try goes on from there",
    .options = kPullOptions,
    .examples = {"pull ghcr.io/me/app:v1 -o app.tar && ctr image import app.tar", "pull ghcr.io/me/app:v1 --module app.wasm"},
    .main = cli::command_main<Options, pull>,
};

}  // namespace wherry::registry
