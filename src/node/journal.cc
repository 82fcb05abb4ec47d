// SPDX-License-Identifier: Apache-2.0
#include "node/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "node/binaries.h"
#include "node/durable_file.h"

namespace wherry::node {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kFileLimit = 4 << 20;
constexpr std::string_view kPhases[] = {"changing", "installed", "rolled back", "removing"};

// The members that are text, for reading and writing alike.
constexpr struct {
  const char* name;
  std::string Record::*member;
} kTexts[] = {
    {"problem", &Record::problem},       {"refused", &Record::refused},
    {"file", &Record::file},
    {"before", &Record::before},         {"after", &Record::after},
    {"made_directory", &Record::made_directory}, {"bin_directory", &Record::bin_directory},
    {"handler", &Record::handler},       {"address", &Record::address},
};
// Not in every record.
constexpr char kDistribution[] = "distribution";

std::string record_path(const std::string& directory) { return directory + "/record.json"; }
std::string backup_path(const std::string& directory) { return directory + "/backup"; }

std::string to_json(const Record& record) {
  Json json = {{"phase", kPhases[static_cast<size_t>(record.phase)]}, {"existed", record.existed}};
  for (const auto& text : kTexts) json[text.name] = record.*text.member;
  json[kDistribution] = record.distribution;
  json["binaries"] = record.binaries;
  return json_text(json, 2) + "\n";
}

Result<Record> from_json(const std::string& text, const std::string& path) {
  const Json json = Json::parse(text, nullptr, false);
  const Error broken = error(ErrorKind::malformed, path + ": not a record of ours");
  if (!json.is_object() || !json.contains("phase") || !json["phase"].is_string()) return broken;
  Record record;
  size_t phase = 0;
  while (phase < std::size(kPhases) && json["phase"].get_ref<const std::string&>() != kPhases[phase]) ++phase;
  if (phase == std::size(kPhases)) return broken;
  record.phase = static_cast<Record::Phase>(phase);
  record.existed = json.contains("existed") && json["existed"].is_boolean() && json["existed"].get<bool>();
  for (const auto& member : kTexts) {
    if (!json.contains(member.name) || !json[member.name].is_string()) return broken;
    record.*member.member = json[member.name].get_ref<const std::string&>();
  }
  if (json.contains(kDistribution) && json[kDistribution].is_string())
    record.distribution = json[kDistribution].get_ref<const std::string&>();
  if (!json.contains("binaries") || !json["binaries"].is_array()) return broken;
  for (const Json& name : json["binaries"]) {
    // They are removed by name: nothing that leads out of the directory.
    if (!name.is_string() || name.get_ref<const std::string&>().find('/') != std::string::npos) return broken;
    record.binaries.push_back(name.get<std::string>());
  }
  return record;
}

Result<void> make_directory(const std::string& path) {
  TRY(check_trusted_directory(path));
  for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1))
    if (::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) return os_error(errno, path);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return os_error(errno, path);
  return {};
}

}  // namespace

Result<std::optional<Record>> read_record(const std::string& directory) {
  const std::string path = record_path(directory);
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::optional<Record>();
  return std::optional<Record>(TRY(from_json(TRY(read_file(path, kFileLimit)), path)));
}

Result<std::unique_ptr<Journal>> Journal::create(const std::string& directory) {
  TRY(make_directory(directory));
  const std::string path = directory + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return os_error(errno, path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return os_error(errno, path);
    return error(ErrorKind::unavailable, "another `wherry node` is at work here (" + path + ")");
  }
  // An uninstallation removes the file while it holds it: then this is no longer the lock.
  struct stat ours, there;
  if (::fstat(lock.get(), &ours) != 0 || ::stat(path.c_str(), &there) != 0 || ours.st_ino != there.st_ino)
    return error(ErrorKind::unavailable, "another `wherry node` has just uninstalled; try again");
  std::unique_ptr<Journal> journal(new Journal(directory, std::move(lock)));
  journal->record_ = TRY(read_record(directory));
  return journal;
}

Result<void> Journal::write(const Record& record) {
  TRY(replace_durably(record_path(directory_), to_json(record), {.mode = 0600}));
  record_ = record;
  return {};
}

Result<void> Journal::write_backup(const std::string& content) {
  return replace_durably(backup_path(directory_), content, {.mode = 0600});
}

Result<std::string> Journal::backup() const { return read_file(backup_path(directory_), kFileLimit); }

Result<void> Journal::clear() {
  for (const std::string& path : {record_path(directory_), backup_path(directory_), directory_ + "/lock"})
    TRY(remove_durably(path));
  const std::string above = directory_.substr(0, directory_.rfind('/'));
  if (TRY(remove_if_empty(directory_)) && above.ends_with("/wherry")) TRY(remove_if_empty(above));
  record_.reset();
  return {};
}

}  // namespace wherry::node
