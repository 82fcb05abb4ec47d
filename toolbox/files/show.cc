// SPDX-License-Identifier: Apache-2.0
// readlink, stat, basename, dirname, df, du: what is known about files.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>

#include "core/calendar.h"
#include "core/files.h"
#include "core/host.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

constexpr int kMaxDepth = 256, kMaxLinks = 40;

// The absolute path with every link followed; `must_exist`: its last part too.
std::optional<std::string> canonical(const std::string& path, bool must_exist) {
  const WorkingDirectory here;
  std::string rest = path[0] == '/' ? path : join(here.path(), path), done = "/";
  int links = 0;
  while (!rest.empty()) {
    rest.erase(0, std::min(rest.find_first_not_of('/'), rest.size()));
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string part = rest.substr(0, end);
    rest.erase(0, end);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      done = directory_name(done);
      continue;
    }
    const std::string next = join(done, part);
    FileInfo info;
    if (!file_info(next, Follow::no, info)) {
      if (must_exist || rest.find_first_not_of('/') != rest.npos) return std::nullopt;
      done = next;
      continue;
    }
    std::string target;
    if (!info.is_link()) {
      done = next;
    } else if (++links > kMaxLinks || !link_target(next, target)) {
      return std::nullopt;
    } else {
      if (target[0] == '/') done = "/";
      rest.insert(0, target);
    }
  }
  return done;
}

const char* kind_of(const FileInfo& info) {
  switch (info.mode & S_IFMT) {
    case S_IFDIR: return "directory";
    case S_IFLNK: return "symbolic link";
    case S_IFREG: return info.size == 0 ? "regular empty file" : "regular file";
    case S_IFCHR: return "character special file";
    case S_IFBLK: return "block special file";
    case S_IFSOCK: return "socket";
    default: return "unknown";
  }
}

std::string full_time(const timespec& time) {
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%09ld", static_cast<long>(time.tv_nsec));
  return format_time(time.tv_sec, "%Y-%m-%d %H:%M:%S") + fraction + " +0000";
}

// One letter of a format after a %.
std::string stat_field(char letter, const std::string& path, const FileInfo& info) {
  switch (letter) {
    case 'n': return path;
    case 'N': {
      std::string target;
      return "'" + path + "'" + (info.is_link() && link_target(path, target) ? " -> '" + target + "'" : "");
    }
    case 's': return format_number(info.size);
    case 'a': return info.knows_owner ? format_number(info.mode & 07777, 8) : "?";
    case 'A': return mode_text(info);
    case 'F': return kind_of(info);
    case 'u': case 'U': return info.knows_owner ? format_number(info.uid) : "?";
    case 'g': case 'G': return info.knows_owner ? format_number(info.gid) : "?";
    case 'h': return format_number(info.links);
    case 'i': return format_number(info.inode);
    case 'd': return format_number(info.device);
    case 'X': return std::to_string(info.accessed.tv_sec);
    case 'Y': return std::to_string(info.modified.tv_sec);
    case 'Z': return std::to_string(info.changed.tv_sec);
    case 'x': return full_time(info.accessed);
    case 'y': return full_time(info.modified);
    case 'z': return full_time(info.changed);
    case '%': return "%";
    default: return std::string("%") + letter;
  }
}

constexpr char kStatFormat[] =
    "  File: %N\n  Size: %s\t%F\nDevice: %d\tInode: %i\tLinks: %h\nAccess: (%a/%A)  Uid: %u   Gid: %g\nAccess: %x\nModify: %y\nChange: %z";

// What lies below, each file once.
class Usage {
 public:
  Usage(Context& context, const Options& options, int64_t depth) : context_(context), options_(options), depth_(depth) {}

  uint64_t of(const std::string& path, int64_t level) {
    FileInfo info;
    if (!file_info(path, Follow::no, info)) {
      code = context_.fail_errno(path);
      return 0;
    }
    if (info.links > 1 && !info.is_directory() && !seen_.insert({info.device, info.inode}).second) return 0;
    uint64_t total = (info.size + 511) / 512 * 512;
    std::vector<std::string> names;
    if (info.is_directory()) {
      if (level > kMaxDepth) errno = ENAMETOOLONG;
      if (level > kMaxDepth || !directory_names(path, names)) code = context_.fail_errno(path);
      for (const std::string& name : names) total += of(join(path, name), level + 1);
    }
    const bool shown = level == 0 || (!options_.has('s') && level <= depth_ && (info.is_directory() || options_.has('a')));
    if (shown) context_.out.line(size_text(total) + "\t" + path);
    return total;
  }

  std::string size_text(uint64_t bytes) const {
    if (options_.has('b')) return format_number(bytes);
    if (options_.has('h')) return human_size(bytes);
    const uint64_t unit = options_.has('m') ? 1 << 20 : 1024;
    return format_number((bytes + unit - 1) / unit);
  }

  int code = 0;

 private:
  Context& context_;
  const Options& options_;
  const int64_t depth_;
  std::set<std::pair<uint64_t, uint64_t>> seen_;
};

// Spaces are \040 in there.
std::string mount_field(const std::string& line, size_t number) {
  size_t at = 0;
  for (size_t i = 0; i < number; i++) at = std::min(line.find(' ', at), line.size() - 1) + 1;
  std::string text = line.substr(at, line.find(' ', at) - at);
  for (size_t escape; (escape = text.find("\\040")) != text.npos;) text.replace(escape, 4, " ");
  return text;
}

bool print_space(Context& context, const Options& options, const std::string& source, const std::string& place) {
  Space space;
  if (!ask_space(place, space)) return false;
  const auto size = [&](uint64_t bytes) { return options.has('h') ? human_size(bytes) : format_number(bytes >> (options.has('m') ? 20 : 10)); };
  const uint64_t used = space.size - space.free, all = used + space.available;
  const std::string share = all == 0 ? "0%" : format_number((used * 100 + all - 1) / all) + "%";
  context.out.format("%-20s %9s %9s %9s %4s %s\n", source.c_str(), size(space.size).c_str(), size(used).c_str(), size(space.available).c_str(), share.c_str(),
                     place.c_str());
  return true;
}

}  // namespace

int readlink(Context& context, Arguments arguments) {
  Options options(context, arguments, "fenvsq");
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  int code = 0;
  for (const std::string& path : options.operands) {
    std::string target;
    if (options.has('f') || options.has('e')) {
      const auto found = canonical(path, options.has('e'));
      if (found) target = *found;
    } else if (!link_target(path, target)) {
      target.clear();
    }
    if (target.empty()) {
      if (options.has('v')) context.fail_errno(path);
      code = 1;
      continue;
    }
    context.out.write(target);
    if (!options.has('n')) context.out.put('\n');
  }
  return code;
}

int stat_applet(Context& context, Arguments arguments) {
  Options options(context, arguments, "Lc:", {{"format", 'c'}, {"dereference", 'L'}});
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  const std::string format = options.value('c').value_or(kStatFormat);
  int code = 0;
  for (const std::string& path : options.operands) {
    FileInfo info;
    if (!file_info(path, options.has('L') ? Follow::yes : Follow::no, info)) {
      code = context.fail_errno("can't stat '" + path + "'");
      continue;
    }
    for (size_t i = 0; i < format.size(); i++) {
      const bool field = format[i] == '%' && i + 1 < format.size();
      context.out.write(field ? stat_field(format[++i], path, info) : format.substr(i, 1));
    }
    context.out.put('\n');
  }
  return code;
}

int basename(Context& context, Arguments arguments) {
  Options options(context, arguments, "as:");
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  const bool many = options.has('a') || options.has('s');
  if (!many && options.operands.size() > 2) return usage_error(context);
  const std::string suffix = options.value('s').value_or(!many && options.operands.size() == 2 ? options.operands[1] : "");
  if (!many) options.operands.resize(1);
  for (const std::string& path : options.operands) {
    std::string name = base_name(path);
    if (name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0) name.resize(name.size() - suffix.size());
    context.out.line(name);
  }
  return 0;
}

int dirname(Context& context, Arguments arguments) {
  Options options(context, arguments, "");
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  for (const std::string& path : options.operands) context.out.line(directory_name(path));
  return 0;
}

int df(Context& context, Arguments arguments) {
  Options options(context, arguments, "hkmP");
  if (!options.ok()) return usage_error(context);
  context.out.format("%-20s %9s %9s %9s %4s %s\n", "Filesystem", options.has('h') ? "Size" : options.has('m') ? "1M-blocks" : "1K-blocks", "Used", "Available", "Use%",
                     "Mounted on");
  if (options.operands.empty()) {
    const std::string mounts = process_file("self/mounts");
    std::set<std::string> seen;
    for (size_t at = 0; at < mounts.size();) {
      const size_t end = std::min(mounts.find('\n', at), mounts.size());
      const std::string line = mounts.substr(at, end - at), place = mount_field(line, 1);
      at = end + 1;
      Space space;
      const bool of_the_kernel = place.compare(0, 6, "/proc/") == 0 || place.compare(0, 5, "/sys/") == 0;  // what hides files there
      if (!of_the_kernel && seen.insert(place).second && ask_space(place, space) && space.size > 0) print_space(context, options, mount_field(line, 0), place);
    }
    if (mounts.empty() && !print_space(context, options, "-", "/")) return context.fail_errno("/");
  }
  int code = 0;
  for (const std::string& path : options.operands) {
    if (!print_space(context, options, "-", path)) code = context.fail_errno(path);
  }
  return code;
}

int du(Context& context, Arguments arguments) {
  Options options(context, arguments, "ahkmbscd:", {{"max-depth", 'd'}});
  const int64_t depth = options.number('d', INT_MAX);
  if (!options.ok()) return usage_error(context);
  if (options.operands.empty()) options.operands = {"."};
  Usage usage(context, options, depth);
  uint64_t total = 0;
  for (const std::string& path : options.operands) total += usage.of(path, 0);
  if (options.has('c')) context.out.line(usage.size_text(total) + "\ttotal");
  return usage.code;
}

}  // namespace toolbox
