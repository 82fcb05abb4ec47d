// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "archive/header.h"
#include "core/calendar.h"
#include "core/files.h"
#include "core/host.h"
#include "core/options.h"

namespace toolbox {
namespace {

constexpr int kMaxDepth = 256;
constexpr size_t kRecord = 20 * kTarBlock;

struct Choice {
  bool verbose, keep_time, to_output, keep_old, dereference;
  uint32_t permissions;  // that survive
  size_t strip;
};

// What archives of others could mean by a path: never above where it is unpacked.
std::string harmless(std::string name) {
  for (size_t up; (up = ("/" + name + "/").rfind("/../")) != std::string::npos;) name.erase(0, up + 3);
  return name.erase(0, std::min(name.find_first_not_of('/'), name.size()));
}

std::string stripped(std::string name, size_t count) {
  for (; count > 0 && !name.empty(); count--) {
    const size_t slash = name.find('/');
    name.erase(0, slash == name.npos ? slash : slash + 1);
  }
  return name;
}

std::string listing(const Member& member) {
  FileInfo info;
  info.knows_owner = true;
  info.mode = member.mode | (member.type == '5' ? S_IFDIR : member.type == '2' ? S_IFLNK : S_IFREG);
  return mode_text(info) + " " + format_time(static_cast<time_t>(member.modified), "%Y-%m-%d %H:%M:%S ") + member.name +
         (member.type == '2' ? " -> " + member.target : member.type == '1' ? " link to " + member.target : "");
}

bool is_wanted(const std::string& name, const Arguments& wanted) {
  if (wanted.empty()) return true;
  for (std::string one : wanted) {
    while (one.size() > 1 && one.back() == '/') one.pop_back();
    if (name.substr(0, one.size()) == one && (name.size() == one.size() || name[one.size()] == '/')) return true;
  }
  return false;
}

class Extractor {
 public:
  Extractor(Context& context, TarReader& archive, const Choice& choice) : context_(context), archive_(archive), choice_(choice) {}

  int run(const Arguments& wanted) {
    while (auto member = archive_.next()) {
      if (!is_wanted(member->name, wanted)) continue;
      if (choice_.verbose) context_.out.line(member->name);
      member->name = stripped(harmless(member->name), choice_.strip);
      if (!member->name.empty()) extract(*member);
      // An error on the way does not keep the rest from being unpacked.
      if (!archive_.problem().empty()) break;
    }
    if (!archive_.problem().empty()) return context_.fail("%s", archive_.problem().c_str());
    for (const auto& [path, time] : directories_) set_time(path, time);
    return code_;
  }

 private:
  void extract(Member& member) {
    while (member.name.size() > 1 && member.name.back() == '/') member.name.pop_back();
    if (choice_.to_output) return write_content(member, context_.out);
    const std::string parent = directory_name(member.name);
    if (parent != "." && !make_directories(parent)) return failed(parent);
    if (member.type == '5') return make_directory(member);
    FileInfo old;
    const bool exists = file_info(member.name, Follow::no, old);
    if (exists && choice_.keep_old) return;
    if (exists && !old.is_directory() && ::unlink(member.name.c_str()) != 0) return failed(member.name);
    make(member);
  }

  void make(const Member& member) {
    switch (member.type) {
      case '0':
        return make_file(member);
      case '1':
        if (::link(harmless(member.target).c_str(), member.name.c_str()) != 0) failed(member.name);
        return;
      case '2':
        if (::symlink(member.target.c_str(), member.name.c_str()) != 0) return failed(member.name);
        if (!choice_.keep_time) set_time(member.name, member.modified);
        return;
      default:
        context_.fail("%s: a special file, which a guest can not make: skipped", member.name.c_str());
        code_ = 1;
    }
  }

  void make_directory(const Member& member) {
    if (!create_directory(member.name, (member.mode & choice_.permissions) | 0700) && errno != EEXIST) return failed(member.name);
    FileInfo info;
    if (!file_info(member.name, Follow::yes, info) || !info.is_directory()) {
      errno = ENOTDIR;
      return failed(member.name);
    }
    if (!choice_.keep_time) directories_.emplace_back(member.name, member.modified);
  }

  void make_file(const Member& member) {
    const int fd = create_file(member.name, member.mode & choice_.permissions);
    if (fd < 0) return failed(member.name);
    {
      Output file(fd, true);
      write_content(member, file);
    }
    if (!choice_.keep_time) set_time(member.name, member.modified);
  }

  void write_content(const Member& member, Output& out) {
    std::string buffer(16 << 10, '\0');
    while (const size_t n = archive_.read(buffer.data(), buffer.size())) out.write({buffer.data(), n});
    if (!out.flush()) failed(member.name);
  }

  static void set_time(const std::string& path, int64_t time) {
    const timespec both[2] = {{static_cast<time_t>(time), 0}, {static_cast<time_t>(time), 0}};
    ::utimensat(AT_FDCWD, path.c_str(), both, AT_SYMLINK_NOFOLLOW);
  }

  void failed(const std::string& path) { code_ = context_.fail_errno(path); }

  Context& context_;
  TarReader& archive_;
  const Choice& choice_;
  std::vector<std::pair<std::string, int64_t>> directories_;  // which get their times at last
  int code_ = 0;
};

class Creator {
 public:
  Creator(Context& context, Output& archive, const Choice& choice, Output* names)
      : context_(context), archive_(archive), choice_(choice), names_(names) {}

  int run(const Arguments& paths) {
    for (const std::string& path : paths) add(path, kMaxDepth);
    size_ += 2 * kTarBlock;
    archive_.write(std::string(2 * kTarBlock + (kRecord - size_ % kRecord) % kRecord, '\0'));
    if (!archive_.flush()) return context_.fail_errno("write error");
    return code_;
  }

 private:
  void add(const std::string& path, int depth) {
    FileInfo info;
    if (!file_info(path, choice_.dereference ? Follow::yes : Follow::no, info)) return failed(path);
    Member member;
    member.name = harmless(path);
    if (member.name.empty()) member.name = ".";
    if (member.name.size() != path.size() && !std::exchange(told_, true)) context_.fail("removing leading '%s' from member names", path.substr(0, path.size() - member.name.size()).c_str());
    member.mode = info.knows_owner ? info.mode & 07777 : info.is_directory() ? 0755 : 0644;
    member.uid = info.uid;
    member.gid = info.gid;
    member.modified = info.modified.tv_sec;
    if (info.is_file()) return add_file(path, member);
    if (info.is_directory()) return add_directory(path, member, depth);
    member.type = '2';
    if (!info.is_link() || !link_target(path, member.target)) return void(context_.fail("%s: not a file, directory or link: skipped", path.c_str()));
    put(member);
  }

  void add_directory(const std::string& path, Member& member, int depth) {
    member.type = '5';
    if (member.name.back() != '/') member.name += '/';
    put(member);
    std::vector<std::string> names;
    if (depth == 0) errno = ENAMETOOLONG;
    if (depth == 0 || !directory_names(path, names)) return failed(path);
    for (const std::string& name : names) add(join(path, name), depth - 1);
  }

  void add_file(const std::string& path, Member& member) {
    const int fd = ::open(path.c_str(), O_RDONLY);
    struct stat info;
    if (fd < 0) return failed(path);
    Input file(fd, true);
    if (::fstat(fd, &info) != 0) return failed(path);
    member.size = static_cast<uint64_t>(info.st_size);
    put(member);
    std::string buffer(16 << 10, '\0');
    uint64_t left = member.size;
    while (left > 0) {
      size_t n = file.read(buffer.data(), static_cast<size_t>(std::min<uint64_t>(left, buffer.size())));
      if (n == 0) {  // the header has promised more: nulls, so that what follows stays readable
        if (!std::exchange(shrunk_, true)) code_ = context_.fail("%s: it became shorter while it was read", path.c_str());
        n = static_cast<size_t>(std::min<uint64_t>(left, buffer.size()));
        std::memset(buffer.data(), 0, n);
      }
      write({buffer.data(), n});
      left -= n;
    }
    shrunk_ = false;
    write(std::string((kTarBlock - member.size % kTarBlock) % kTarBlock, '\0'));
  }

  void put(const Member& member) {
    if (names_) names_->line(member.name);
    write(tar_header(member));
  }
  void write(std::string_view bytes) {
    size_ += bytes.size();
    archive_.write(bytes);
  }
  void failed(const std::string& path) { code_ = context_.fail_errno(path); }

  Context& context_;
  Output& archive_;
  const Choice& choice_;
  Output* const names_;
  uint64_t size_ = 0;
  bool told_ = false, shrunk_ = false;
  int code_ = 0;
};

int list(Context& context, TarReader& archive, const Arguments& wanted, bool verbose) {
  while (const auto member = archive.next()) {
    if (is_wanted(member->name, wanted)) context.out.line(verbose ? listing(*member) : member->name);
  }
  if (!archive.problem().empty()) return context.fail("%s", archive.problem().c_str());
  return 0;
}

int create(Context& context, const std::string& file, const Arguments& paths, const Choice& choice) {
  if (paths.empty()) return context.fail("empty archive");
  if (file == "-") {
    if (context.out.is_terminal()) return context.fail("an archive is not for a terminal: name a file with -f");
    return Creator(context, context.out, choice, choice.verbose ? &context.err : nullptr).run(paths);
  }
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) return context.fail_errno(file);
  Output archive(fd, true);
  return Creator(context, archive, choice, choice.verbose ? &context.out : nullptr).run(paths);
}

}  // namespace

int tar(Context& context, Arguments arguments) {
  // "tar xf FILE": the first word may go without its dash.
  if (arguments.size() > 1 && arguments[1].substr(0, 1) != "-") arguments[1].insert(0, "-");
  Options options(context, arguments, "cxtf:C:vmpOkhozjJZNs:",
                  {{"create", 'c'}, {"extract", 'x'}, {"list", 't'}, {"file", 'f'}, {"directory", 'C'}, {"verbose", 'v'}, {"touch", 'm'},
                   {"no-same-owner", 'o'}, {"same-permissions", 'p'}, {"preserve-permissions", 'p'}, {"no-same-permissions", 'N'}, {"dereference", 'h'},
                   {"to-stdout", 'O'}, {"keep-old-files", 'k'}, {"strip-components", 's'}, {"gzip", 'z'}});
  if (!options.ok()) return usage_error(context);
  const char action = options.last_of("cxt");
  if (action == '\0') return usage_error(context, "one of -c, -x and -t is needed");
  if (options.last_of("zjJZ") != '\0') return context.fail("compressed archives are not for this tar");
  const int64_t strip = options.number('s', 0);
  if (!options.ok() || strip < 0) return usage_error(context);
  const Choice choice{options.has('v'), options.has('m'), options.has('O'), options.has('k'), options.has('h'), options.has('N') ? 0755u : 0777u,
                      static_cast<size_t>(strip)};
  std::string file = options.value('f').value_or("-");
  std::unique_ptr<Input> holder;
  Input* const in = action == 'c' ? nullptr : context.open(file, holder);
  if (action != 'c' && !in) return 1;
  const WorkingDirectory back;
  if (file != "-" && file[0] != '/') file = join(back.path(), file);
  for (const std::string& directory : options.values('C')) {
    if (::chdir(directory.c_str()) != 0) return context.fail_errno("can't change directory to '" + directory + "'");
  }
  if (action == 'c') return create(context, file, options.operands, choice);
  TarReader archive(*in);
  if (action == 't') return list(context, archive, options.operands, choice.verbose);
  return Extractor(context, archive, choice).run(options.operands);
}

}  // namespace toolbox
