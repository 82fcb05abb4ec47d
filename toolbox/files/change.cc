// SPDX-License-Identifier: Apache-2.0
// mkdir, rmdir, rm, mv, cp, ln, touch: programs that change a directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "core/calendar.h"
#include "core/files.h"
#include "core/host.h"
#include "core/options.h"

namespace toolbox {
namespace {

constexpr int kMaxDepth = 256;

bool exists(const std::string& path) {
  FileInfo info;
  return file_info(path, Follow::no, info);
}

void copy_times(const std::string& path, const FileInfo& info) {
  const timespec times[2] = {info.accessed, info.modified};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

// What cp does, and mv from one file system to another.
class Copier {
 public:
  struct Choice {
    bool recursive = false, force = false, keep = false, follow = false, keep_links = false, verbose = false, no_clobber = false;
  };
  Copier(Context& context, const Choice& choice) : context_(context), choice_(choice) {}

  bool copy(const std::string& from, const std::string& to, int depth = kMaxDepth) {
    FileInfo info, old;
    const Follow follow = choice_.follow || (depth == kMaxDepth && !choice_.keep_links) ? Follow::yes : Follow::no;
    if (!file_info(from, follow, info)) return failed(from);
    const bool there = file_info(to, Follow::yes, old);
    if (there && old.device == info.device && old.inode == info.inode) return refuse("'" + from + "' and '" + to + "' are the same file");
    if (there && choice_.no_clobber && !info.is_directory()) return true;
    if (choice_.verbose) context_.out.line("'" + from + "' -> '" + to + "'");
    bool done = false;
    if (info.is_directory()) done = copy_directory(from, to, info, there, depth);
    else if (info.is_link()) done = copy_link(from, to);
    else if (info.is_file()) done = copy_file(from, to, info);
    else return refuse("'" + from + "': a special file, which a guest can not copy");
    if (done && choice_.keep) copy_times(to, info);
    return done;
  }

 private:
  bool failed(const std::string& path) {
    context_.fail_errno(path);
    return false;
  }
  bool refuse(const std::string& message) {
    context_.fail("%s", message.c_str());
    return false;
  }

  bool copy_directory(const std::string& from, const std::string& to, const FileInfo& info, bool there, int depth) {
    if (!choice_.recursive) return refuse("omitting directory '" + from + "'");
    std::vector<std::string> names;
    if (depth == 0) errno = ENAMETOOLONG;
    if (depth == 0 || !directory_names(from, names)) return failed(from);
    if (!there && !create_directory(to, info.knows_owner ? info.mode | 0700 : 0755)) return failed(to);
    bool all = true;
    for (const std::string& name : names) all &= copy(join(from, name), join(to, name), depth - 1);
    return all;
  }

  bool copy_link(const std::string& from, const std::string& to) {
    std::string target;
    if (!link_target(from, target)) return failed(from);
    if (choice_.force || exists(to)) ::unlink(to.c_str());
    return ::symlink(target.c_str(), to.c_str()) == 0 || failed(to);
  }

  bool copy_file(const std::string& from, const std::string& to, const FileInfo& info) {
    const int source = ::open(from.c_str(), O_RDONLY);
    if (source < 0) return failed(from);
    Input in(source, true);
    int target = create_file(to, info.knows_owner ? info.mode : 0644);
    if (target < 0 && errno == EEXIST) target = ::open(to.c_str(), O_WRONLY | O_TRUNC);
    if (target < 0 && choice_.force && ::unlink(to.c_str()) == 0) target = create_file(to, info.mode);
    if (target < 0) return failed(to);
    Output out(target, true);
    if (!toolbox::copy(in, out)) return failed(in.failed() ? from : to);
    return out.flush() || failed(to);
  }

  Context& context_;
  const Choice choice_;
};

// The last operand, and where each of the others goes.
std::optional<std::string> take_target(Context& context, Options& options) {
  std::string target = options.value('t').value_or("");
  if (target.empty()) {
    if (options.operands.size() < 2) return usage_error(context), std::nullopt;
    target = options.operands.back();
    options.operands.pop_back();
  }
  FileInfo info;
  const bool is_directory = file_info(target, Follow::yes, info) && info.is_directory();
  if (options.operands.size() > 1 && !is_directory) return context.fail("target '%s' is not a directory", target.c_str()), std::nullopt;
  return target;
}

bool move(Context& context, const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return true;
  if (errno != EXDEV) return context.fail_errno("can't rename '" + from + "'"), false;
  Copier::Choice choice;
  choice.recursive = choice.keep = choice.keep_links = true;
  bool gone = true;
  return Copier(context, choice).copy(from, to) && remove_all(from, [&](const std::string& path) { gone = false, context.fail_errno(path); }) && gone;
}

}  // namespace

int mkdir(Context& context, Arguments arguments) {
  Options options(context, arguments, "pvm:", {{"parents", 'p'}, {"mode", 'm'}});
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  uint32_t mode = 0777;
  if (const auto text = options.value('m')) {
    mode = 0;
    for (const char c : *text) {
      if (c < '0' || c > '7' || mode > 07777) return context.fail("invalid mode '%s': only octal ones are known", text->c_str());
      mode = mode * 8 + static_cast<uint32_t>(c - '0');
    }
  }
  int code = 0;
  for (const std::string& path : options.operands) {
    const bool parents = options.has('p');
    const bool made = parents && !options.has('m') ? make_directories(path)
                      : (parents && (exists(path) || !make_directories(directory_name(path)))) ? exists(path) : create_directory(path, mode);
    if (!made) code = context.fail_errno("can't create directory '" + path + "'");
    else if (options.has('v')) context.out.line("created directory: '" + path + "'");
  }
  return code;
}

int rmdir(Context& context, Arguments arguments) {
  Options options(context, arguments, "p", {{"parents", 'p'}});
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  int code = 0;
  for (std::string path : options.operands) {
    do {
      if (::rmdir(path.c_str()) != 0) {
        code = context.fail_errno("'" + path + "'");
        break;
      }
      path = directory_name(path);
    } while (options.has('p') && path != "." && path != "/");
  }
  return code;
}

int rm(Context& context, Arguments arguments) {
  Options options(context, arguments, "rRfiv", {{"recursive", 'r'}, {"force", 'f'}});
  if (!options.ok()) return usage_error(context);
  if (options.operands.empty()) return options.has('f') ? 0 : usage_error(context);
  if (options.has('i')) return context.fail("-i: it asks nobody here");
  int code = 0;
  for (const std::string& path : options.operands) {
    FileInfo info;
    const std::string name = base_name(path);
    if (name == "." || name == ".." || name == "/") {
      code = context.fail("can't remove '.', '..' or '/'");
    } else if (!file_info(path, Follow::no, info)) {
      if (!options.has('f') || errno != ENOENT) code = context.fail_errno("can't remove '" + path + "'");
    } else if (info.is_directory() && !options.has('r') && !options.has('R')) {
      code = context.fail("'%s' is a directory", path.c_str());
    } else {
      const bool removed = remove_all(path, [&](const std::string& one) { code = context.fail_errno("can't remove '" + one + "'"); });
      if (removed && options.has('v')) context.out.line("removed '" + path + "'");
    }
  }
  return code;
}

int mv(Context& context, Arguments arguments) {
  Options options(context, arguments, "fnvt:T");
  if (!options.ok()) return usage_error(context);
  const auto target = take_target(context, options);
  if (!target) return 1;
  int code = 0;
  for (const std::string& from : options.operands) {
    const std::string to = options.has('T') ? *target : place_in(*target, from);
    if (options.has('n') && exists(to)) continue;
    if (!move(context, from, to)) code = 1;
    else if (options.has('v')) context.out.line("'" + from + "' -> '" + to + "'");
  }
  return code;
}

int cp(Context& context, Arguments arguments) {
  Options options(context, arguments, "arRfpdPLHnvt:T", {{"recursive", 'r'}, {"archive", 'a'}, {"force", 'f'}});
  if (!options.ok()) return usage_error(context);
  const auto target = take_target(context, options);
  if (!target) return 1;
  Copier::Choice choice;
  choice.recursive = options.has('r') || options.has('R') || options.has('a');
  choice.keep = options.has('p') || options.has('a');
  choice.keep_links = options.has('d') || options.has('P') || options.has('a') || (choice.recursive && !options.has('H'));
  choice.follow = options.has('L');
  choice.force = options.has('f');
  choice.verbose = options.has('v');
  choice.no_clobber = options.has('n');
  int code = 0;
  for (const std::string& from : options.operands) {
    if (!Copier(context, choice).copy(from, options.has('T') ? *target : place_in(*target, from))) code = 1;
  }
  return code;
}

int ln(Context& context, Arguments arguments) {
  Options options(context, arguments, "sfnT", {{"symbolic", 's'}, {"force", 'f'}});
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  if (options.operands.size() == 1) options.operands.push_back(".");
  const std::string target = options.operands.back();
  options.operands.pop_back();
  int code = 0;
  for (const std::string& from : options.operands) {
    FileInfo info;
    const bool as_is = options.has('T') || (options.has('n') && file_info(target, Follow::no, info) && info.is_link());
    const std::string to = as_is ? target : place_in(target, from);
    if (options.has('f')) ::unlink(to.c_str());
    const int result = options.has('s') ? ::symlink(from.c_str(), to.c_str()) : ::link(from.c_str(), to.c_str());
    if (result != 0) code = context.fail_errno(to);
  }
  return code;
}

int touch(Context& context, Arguments arguments) {
  Options options(context, arguments, "camd:t:r:h", {{"no-create", 'c'}, {"date", 'd'}, {"reference", 'r'}});
  if (!options.ok() || options.operands.empty()) return usage_error(context);
  timespec times[2] = {now(), now()};
  if (const auto text = options.value(options.last_of("dt"))) {
    const auto time = parse_time(*text);
    if (!time) return context.fail("invalid date '%s'", text->c_str());
    times[0] = times[1] = {*time, 0};
  }
  if (const auto path = options.value('r')) {
    FileInfo info;
    if (!file_info(*path, Follow::yes, info)) return context.fail_errno(*path);
    times[0] = info.accessed;
    times[1] = info.modified;
  }
  const bool one = options.has('a') != options.has('m');
  // Who may write a file may set its times to now, and to no other time.
  const bool is_now = !one && options.last_of("dtr") == '\0';
  int code = 0;
  for (const std::string& path : options.operands) {
    if (!exists(path)) {
      if (options.has('c')) continue;
      const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0666);
      if (fd >= 0) ::close(fd);
      if (fd < 0) {
        code = context.fail_errno(path);
        continue;
      }
    }
    FileInfo info;
    if (one && file_info(path, Follow::yes, info)) (options.has('a') ? times[1] : times[0]) = options.has('a') ? info.modified : info.accessed;
    const bool set = is_now ? set_times_to_now(path, options.has('h') ? Follow::no : Follow::yes)
                            : ::utimensat(AT_FDCWD, path.c_str(), times, options.has('h') ? AT_SYMLINK_NOFOLLOW : 0) == 0;
    if (!set) code = context.fail_errno(path);
  }
  return code;
}

}  // namespace toolbox
