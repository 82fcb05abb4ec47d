// SPDX-License-Identifier: Apache-2.0
// id, whoami, hostname, uname, date: who and where this is.
#include <algorithm>
#include <cerrno>

#include "core/calendar.h"
#include "core/host.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

// The words after "KEY:" of /proc/self/status.
std::vector<std::string> status_words(std::string_view key) {
  const std::string status = process_file("self/status");
  std::vector<std::string> words;
  for (size_t at = 0; at < status.size();) {
    const size_t end = std::min(status.find('\n', at), status.size());
    if (status.compare(at, key.size(), key) == 0 && status[at + key.size()] == ':') {
      std::string word;
      for (size_t i = at + key.size() + 1; i <= end; i++) {
        if (i < end && status[i] != ' ' && status[i] != '\t') word += status[i];
        else if (!word.empty()) words.push_back(std::exchange(word, {}));
      }
      return words;
    }
    at = end + 1;
  }
  return words;
}

// The name of a number in a file like /etc/passwd, "" if it has none.
std::string name_of(const char* file, const std::string& number) {
  std::unique_ptr<Input> holder;
  Output silent(static_cast<std::string*>(nullptr));
  Input none{std::string()};
  Context context{none, silent, silent, ""};
  Input* const in = context.open(file, holder);
  for (std::string line; in && in->line(line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    if (line.compare(second + 1, line.find(':', second + 1) - second - 1, number) == 0) return line.substr(0, first);
  }
  return {};
}

std::string with_name(const std::string& number, const char* file) {
  const std::string name = name_of(file, number);
  return name.empty() ? number : number + "(" + name + ")";
}

std::string first_line(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

int unknown(Context& context) { return context.fail("not known here: there is no /proc to ask"); }

}  // namespace

int id(Context& context, Arguments arguments) {
  Options options(context, arguments, "ugGn", {{"user", 'u'}, {"group", 'g'}, {"groups", 'G'}, {"name", 'n'}});
  if (!options.ok() || !options.operands.empty()) return usage_error(context);
  const auto uids = status_words("Uid"), gids = status_words("Gid");
  auto groups = status_words("Groups");
  if (uids.size() < 2 || gids.size() < 2) return unknown(context);
  if (std::find(groups.begin(), groups.end(), gids[1]) == groups.end()) groups.insert(groups.begin(), gids[1]);
  const auto show = [&](const std::string& number, const char* file) {
    const std::string name = options.has('n') ? name_of(file, number) : "";
    return name.empty() ? number : name;
  };
  std::string line;
  switch (options.last_of("ugG")) {
    case 'u':
      line = show(uids[1], "/etc/passwd");
      break;
    case 'g':
      line = show(gids[1], "/etc/group");
      break;
    case 'G':
      for (const std::string& group : groups) line += (line.empty() ? "" : " ") + show(group, "/etc/group");
      break;
    default:
      line = "uid=" + with_name(uids[1], "/etc/passwd") + " gid=" + with_name(gids[1], "/etc/group");
      for (size_t i = 0; i < groups.size(); i++) line += (i == 0 ? " groups=" : ",") + with_name(groups[i], "/etc/group");
  }
  context.out.line(line);
  return 0;
}

int whoami(Context& context, Arguments) {
  const auto uids = status_words("Uid");
  if (uids.size() < 2) return unknown(context);
  const std::string name = name_of("/etc/passwd", uids[1]);
  if (name.empty()) return context.fail("unknown uid %s", uids[1].c_str());
  context.out.line(name);
  return 0;
}

int hostname(Context& context, Arguments arguments) {
  Options options(context, arguments, "sf");
  if (!options.ok() || !options.operands.empty()) return usage_error(context, options.operands.empty() ? "" : "a guest can not set it");
  std::string name = first_line(process_file("sys/kernel/hostname"));
  if (name.empty()) return unknown(context);
  if (options.has('s')) name.resize(std::min(name.find('.'), name.size()));
  context.out.line(name);
  return 0;
}

int uname(Context& context, Arguments arguments) {
  Options options(context, arguments, "asnrvmo");
  if (!options.ok() || !options.operands.empty()) return usage_error(context);
  const std::pair<char, std::string> facts[] = {{'s', first_line(process_file("sys/kernel/ostype"))},    {'n', first_line(process_file("sys/kernel/hostname"))},
                                                {'r', first_line(process_file("sys/kernel/osrelease"))}, {'v', first_line(process_file("sys/kernel/version"))},
                                                {'m', "wasm32"},                                         {'o', "WASI"}};
  if (facts[0].second.empty()) return unknown(context);
  const bool none = options.last_of("asnrvmo") == '\0';
  std::string line;
  for (const auto& [letter, fact] : facts) {
    if (options.has('a') || options.has(letter) || (none && letter == 's')) line += (line.empty() ? "" : " ") + fact;
  }
  context.out.line(line);
  return 0;
}

int date(Context& context, Arguments arguments) {
  Options options(context, arguments, "uRd:r:I", {{"date", 'd'}, {"utc", 'u'}, {"reference", 'r'}});
  if (!options.ok() || options.operands.size() > 1) return usage_error(context);
  time_t time = now().tv_sec;
  if (const auto text = options.value('d')) {
    const auto parsed = parse_time(*text);
    if (!parsed) return context.fail("invalid date '%s'", text->c_str());
    time = *parsed;
  }
  if (const auto path = options.value('r')) {
    FileInfo info;
    if (!file_info(*path, Follow::yes, info)) return context.fail_errno(*path);
    time = info.modified.tv_sec;
  }
  std::string format = options.has('R') ? "%a, %d %b %Y %H:%M:%S +0000" : options.has('I') ? "%Y-%m-%d" : "%a %b %e %H:%M:%S UTC %Y";
  if (!options.operands.empty()) {
    if (options.operands[0].substr(0, 1) != "+") return context.fail("a guest can not set the time");
    format = options.operands[0].substr(1);
  }
  if (const size_t at = format.find("%N"); at != format.npos) {
    std::string digits = format_number(static_cast<uint64_t>(now().tv_nsec));
    digits.insert(0, 9 - digits.size(), '0');
    format.replace(at, 2, digits);
  }
  context.out.line(format.empty() ? "" : format_time(time, format.c_str()));
  return 0;
}

}  // namespace toolbox
