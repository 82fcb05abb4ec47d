// SPDX-License-Identifier: Apache-2.0
#include "registry/credentials.h"

#include <nettle/base64.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "node/program.h"

namespace wherry::registry {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxFile = 4 << 20;
constexpr auto kHelperTime = std::chrono::minutes(2);  // it may ask the user
constexpr const char* kDockerHub = "https://index.docker.io/v1/";

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

// Under which names a registry may be known, the most particular first.
std::vector<std::string> keys_of(const std::string& registry, const std::string& repository) {
  std::vector<std::string> keys;
  std::string path = registry + "/" + repository;
  for (size_t slash = path.size(); slash != std::string::npos && slash > registry.size(); slash = path.rfind('/', slash - 1)) keys.push_back(path.substr(0, slash));
  for (const char* before : {"", "https://", "http://"})
    for (const char* after : {"", "/", "/v1/", "/v2/"}) keys.push_back(before + registry + after);
  if (registry == "docker.io") keys.insert(keys.end(), {kDockerHub, "index.docker.io"});
  return keys;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<std::string> decode_base64(const std::string& text) {
  base64_decode_ctx context;
  base64_decode_init(&context);
  std::string out(BASE64_DECODE_LENGTH(text.size()), '\0');
  size_t size = out.size();
  const bool valid = base64_decode_update(&context, &size, reinterpret_cast<uint8_t*>(out.data()), text.size(), text.data()) == 1 && base64_decode_final(&context) == 1;
  if (!valid) return error(ErrorKind::malformed, "`auth` is not base64");
  out.resize(size);
  return out;
}

Result<Credentials> of_entry(const Json& entry) {
  Credentials found;
  if (!entry.is_object()) return found;
  found.identity_token = text_of(entry, "identitytoken");
  found.registry_token = text_of(entry, "registrytoken");
  found.user = text_of(entry, "username");
  found.password = text_of(entry, "password");
  const std::string encoded = text_of(entry, "auth");
  if (encoded.empty()) return found;
  const std::string pair = TRY(decode_base64(encoded));
  const size_t colon = pair.find(':');
  if (colon == pair.npos) return error(ErrorKind::malformed, "`auth` has no colon");
  found.user = pair.substr(0, colon);
  found.password = pair.substr(colon + 1);
  found.password.resize(std::min(found.password.size(), found.password.find('\0')));
  return found;
}

Result<UniqueFd> file_with(const std::string& text) {
  UniqueFd file(::memfd_create("wherry-helper", MFD_CLOEXEC));
  if (!file) return os_error(errno, "memfd_create");
  TRY(write_all(file.get(), text, "memfd"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return os_error(errno, "memfd");
  return file;
}

// What it printed; "" if it knows none. Standard error is the user's.
Result<std::string> run_helper(const std::string& program, const std::string& server) {
  const std::string path = node::find_on_path(program, variable("PATH"));
  if (path.empty()) return error(ErrorKind::not_found, program + ": it is configured, but not on the PATH");
  const UniqueFd question = TRY(file_with(server));
  node::Ended ended = TRY(node::run_program({path, "get"}, kHelperTime, node::Stderr::inherited, question.get()));
  if (ended.code == 0) return std::move(ended.output);
  // The one message of the protocol that is no failure.
  if (ended.output.find("credentials not found") != std::string::npos) return std::string();
  return error(ErrorKind::failed_precondition, program + " ended with " + std::to_string(ended.code));
}

Result<Credentials> ask_helper(const std::string& name, const std::string& server) {
  const bool valid = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
  if (!valid) return error(ErrorKind::malformed, "a credential helper with a name that is none");
  const std::string program = "docker-credential-" + name;
  const std::string answer = TRY(run_helper(program, server));
  if (answer.empty()) return Credentials();
  const Json json = Json::parse(answer, nullptr, false);
  if (!json.is_object()) return error(ErrorKind::malformed, program + ": its answer is not JSON");
  Credentials found;
  const std::string user = text_of(json, "Username"), secret = text_of(json, "Secret");
  if (user == "<token>") {
    found.identity_token = secret;
  } else {
    found.user = user;
    found.password = secret;
  }
  return found;
}

Result<Credentials> of_file(const Json& file, const std::string& registry, const std::string& repository) {
  const std::string server = registry == "docker.io" ? kDockerHub : registry;
  const auto helpers = file.find("credHelpers");
  if (helpers != file.end() && helpers->is_object()) {
    if (const std::string helper = text_of(*helpers, registry.c_str()); !helper.empty()) return ask_helper(helper, server);
  }
  const auto auths = file.find("auths");
  if (auths != file.end() && auths->is_object()) {
    for (const std::string& key : keys_of(registry, repository)) {
      const auto entry = auths->find(key);
      if (entry == auths->end()) continue;
      const Credentials found = TRY(of_entry(*entry));
      if (!found.empty()) return found;
    }
  }
  if (const std::string store = text_of(file, "credsStore"); !store.empty()) return ask_helper(store, server);
  return Credentials();
}

}  // namespace

std::vector<std::string> credential_files() {
  if (const std::string file = variable("REGISTRY_AUTH_FILE"); !file.empty()) return {file};
  std::vector<std::string> files;
  if (const std::string run = variable("XDG_RUNTIME_DIR"); !run.empty()) files.push_back(run + "/containers/auth.json");
  const std::string home = variable("HOME");
  if (const std::string docker = variable("DOCKER_CONFIG"); !docker.empty()) {
    files.push_back(docker + "/config.json");
  } else if (!home.empty()) {
    files.push_back(home + "/.docker/config.json");
  }
  if (!home.empty()) files.push_back(home + "/.config/containers/auth.json");
  return files;
}

Result<Credentials> find_credentials(const std::vector<std::string>& files, const std::string& registry, const std::string& repository) {
  for (const std::string& path : files) {
    const auto text = read_file(path, kMaxFile);
    if (!text && text.error().kind == ErrorKind::not_found) continue;
    if (!text) return text.error();
    const Json json = Json::parse(*text, nullptr, false);
    if (!json.is_object()) return error(ErrorKind::malformed, path + ": not a JSON object");
    auto found = of_file(json, registry, repository);
    if (!found) return error(found.error().kind, path + ": " + found.error().message);
    if (!found->empty()) return found;
  }
  return Credentials();
}

}  // namespace wherry::registry
