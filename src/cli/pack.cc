// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/fd.h"
#include "cli/command.h"
#include "cli/values.h"
#include "oci/image.h"

namespace wherry::cli {
namespace {

struct PackOptions {
  std::string tag;
  std::string output;
  std::vector<std::string> entrypoint;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::vector<std::string> labels;
  std::vector<std::string> annotations;
  std::vector<std::string> files;
  std::vector<std::string> directories;
  std::vector<std::string> ports;
  std::string user;
  std::string working_dir;
};

constexpr Option kOptions[] = {
    {"tag", 't', "NAME:TAG", "the image's name", set<&PackOptions::tag>},
    {"output", 'o', "FILE", "where to write it [default: MODULE, .tar for .wasm]", set<&PackOptions::output>},
    {"entrypoint", 0, "WORD", "a word of the entrypoint [default: /MODULE]", set<&PackOptions::entrypoint>},
    {"arg", 0, "WORD", "an argument; a container may have others", set<&PackOptions::args>},
    {"env", 'e', "K=V", "a variable of the environment", set<&PackOptions::env>},
    {"add", 'a', "HOST[::PATH]", "a file or directory, at PATH [default: /NAME]", set<&PackOptions::files>},
    {"mkdir", 0, "PATH", "an empty directory", set<&PackOptions::directories>},
    {"user", 'u', "UID[:GID]", "who runs it, as numbers [default: 0:0]", set<&PackOptions::user>},
    {"workdir", 'w', "PATH", "where it starts [default: /]", set<&PackOptions::working_dir>},
    {"port", 'p', "PORT[/udp]", "a port it listens on", set<&PackOptions::ports>},
    {"label", 'l', "K=V", "a label", set<&PackOptions::labels>},
    {"annotation", 0, "K=V", "an annotation of the manifests", set<&PackOptions::annotations>},
};

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<std::pair<std::string, std::string>> split_pair(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) return error(ErrorKind::invalid, "`" + text + "` is not KEY=VALUE");
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

Result<std::map<std::string, std::string>> split_pairs(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts)
    pairs.insert_or_assign(TRY(split_pair(text)).first, TRY(split_pair(text)).second);
  return pairs;
}

bool is_number_up_to(const std::string& text, uint64_t limit) {
  return !text.empty() && text.size() <= 10 && text.find_first_not_of("0123456789") == text.npos &&
         std::stoull(text) <= limit;
}

// There is no /etc/passwd to look a name up in.
Result<std::string> check_user(const std::string& user) {
  const size_t colon = user.find(':');
  const bool valid = is_number_up_to(user.substr(0, colon), UINT32_MAX - 1) &&
                     (colon == user.npos || is_number_up_to(user.substr(colon + 1), UINT32_MAX - 1));
  if (!user.empty() && !valid) return error(ErrorKind::invalid, "`" + user + "`: a user is UID or UID:GID, as numbers");
  return user;
}

Result<std::string> check_port(const std::string& port) {
  const size_t slash = port.find('/');
  const std::string protocol = slash == port.npos ? "tcp" : port.substr(slash + 1);
  if (!is_number_up_to(port.substr(0, slash), 65535) || (protocol != "tcp" && protocol != "udp"))
    return error(ErrorKind::invalid, "`" + port + "`: a port is 1 to 65535, with /udp or /tcp");
  return port.substr(0, slash) + "/" + protocol;
}

Result<void> check_module(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return os_error(errno, path);
  std::array<char, 4> magic{};
  const ssize_t n = ::read(file.get(), magic.data(), magic.size());
  if (n < 0) return os_error(errno, path);
  if (n != 4 || std::memcmp(magic.data(), "\0asm", 4) != 0)
    return error(ErrorKind::malformed, path + ": not a WebAssembly module");
  return {};
}

Result<oci::Image> image_of(const PackOptions& options, const std::string& module_path) {
  oci::Image image;
  image.name = TRY(oci::parse_reference(options.tag));
  image.annotations = TRY(split_pairs(options.annotations));
  oci::Process& process = image.process;
  process.entrypoint = options.entrypoint;
  if (process.entrypoint.empty()) process.entrypoint = {module_path};
  process.cmd = options.args;
  for (const std::string& variable : options.env) process.env.push_back(TRY(parse_variable(variable)));
  for (const std::string& port : options.ports) process.exposed_ports.push_back(TRY(check_port(port)));
  process.labels = TRY(split_pairs(options.labels));
  process.user = TRY(check_user(options.user));
  process.working_dir = options.working_dir.empty() ? "/" : options.working_dir;
  // The convention of reproducible builds; otherwise equal input gives an equal image too.
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH")) {
    if (!is_number_up_to(epoch, UINT32_MAX))
      return error(ErrorKind::invalid, "SOURCE_DATE_EPOCH: `" + std::string(epoch) + "` is not a time");
    image.created = std::strtoll(epoch, nullptr, 10);
  }
  return image;
}

Result<void> add_files(oci::Tree& tree, const PackOptions& options) {
  for (const std::string& file : options.files) {
    const size_t colons = file.find("::");
    std::string host = file.substr(0, colons);
    while (host.size() > 1 && host.ends_with('/')) host.pop_back();
    TRY(tree.add(host, colons == file.npos ? base_name(host) : file.substr(colons + 2)));
  }
  for (const std::string& directory : options.directories) TRY(tree.add_directory(directory));
  if (!options.working_dir.empty()) TRY(tree.add_directory(options.working_dir));
  return {};
}

Result<int> pack(const PackOptions& options, const Arguments& arguments) {
  const std::string& module = arguments[0];
  if (options.tag.empty()) return error(ErrorKind::invalid, "the image needs a name: give -t NAME:TAG");
  TRY(check_module(module));
  const std::string module_path = "/" + base_name(module);
  const oci::Image image = TRY(image_of(options, module_path));
  oci::Tree tree;
  TRY(tree.add(module, module_path));
  TRY(add_files(tree, options));
  std::string output = options.output;
  if (output.empty())
    output = base_name(module.ends_with(".wasm") ? module.substr(0, module.size() - 5) : module) + ".tar";

  const oci::PackedImage packed = TRY(oci::write_image(image, tree, output));
  std::string platforms;
  for (const oci::Platform& platform : packed.platforms)
    platforms += (platforms.empty() ? "" : ", ") + platform.os + "/" + platform.architecture;
  std::printf("%s\n", image.name.to_string().c_str());
  std::printf("  file       %s, %s\n", output.c_str(), format_size(packed.archive_size).c_str());
  std::printf("  layer      %s\n", format_size(packed.layer_size).c_str());
  std::printf("  digest     %s\n", packed.digest.c_str());
  std::printf("  platforms  %s\n", platforms.c_str());
  return 0;
}

}  // namespace

const Command kPack = {
    .name = "pack",
    .arguments = "MODULE",
    .min_arguments = 1,
    .max_arguments = 1,
    .order = Order::any,
    .summary = "makes a container image for ctr, skopeo, podman and docker",
    .details = "",
    .options = kOptions,
    .examples = {"pack app.wasm -t app:v1 -o app.tar && ctr image import app.tar",
                 "pack app.wasm -t ghcr.io/me/app:v1 -e PORT=80 -p 80 -a site::/srv/www"},
    .main = command_main<PackOptions, pack>,
};

}  // namespace wherry::cli
