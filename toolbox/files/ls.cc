// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>

#include "core/calendar.h"
#include "core/files.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

struct Entry {
  std::string name;  // as it is printed
  std::string path;
  FileInfo info;
};

class Listing {
 public:
  Listing(Context& context, const Options& options) : context_(context), options_(options) {
    const char format = options.last_of("lgn1C");
    long_ = format == 'l' || format == 'n';
    follow_ = options.has('L') ? Follow::yes : Follow::no;
  }

  int run(const Arguments& paths) {
    std::vector<Entry> files, directories;
    for (const std::string& path : paths) {
      Entry entry{path, path, {}};
      const Follow follow = long_ || options_.has('d') ? follow_ : Follow::yes;
      if (!file_info(path, follow, entry.info) && !(follow == Follow::yes && file_info(path, Follow::no, entry.info))) {
        code_ = context_.fail_errno(path);
        continue;
      }
      const bool inside = entry.info.is_directory() && !options_.has('d');
      (inside ? directories : files).push_back(std::move(entry));
    }
    sort(files);
    sort(directories);
    print(files, false);
    bool heading = paths.size() > 1 || options_.has('R');
    bool gap = !files.empty();
    for (const Entry& directory : directories) list(directory.path, heading, gap, 0);
    return code_;
  }

 private:
  void list(const std::string& path, bool heading, bool& gap, int depth) {
    std::vector<std::string> names;
    if (depth > kMaxDepth) errno = ENAMETOOLONG;
    if (depth > kMaxDepth || !directory_names(path, names)) {
      code_ = context_.fail_errno(path);
      return;
    }
    if (gap) context_.out.put('\n');
    gap = true;
    if (heading) context_.out.line(path + ":");
    if (options_.has('a')) names.insert(names.begin(), {".", ".."});
    std::vector<Entry> entries;
    for (std::string& name : names) {
      if (name[0] == '.' && !options_.has('a') && !options_.has('A')) continue;
      Entry entry{name, join(path, name), {}};
      if (!file_info(entry.path, follow_, entry.info) && !file_info(entry.path, Follow::no, entry.info)) {
        entry.info = {};  // refused, as files of the kernel's are
        if (errno == ENOENT) continue;
      }
      entries.push_back(std::move(entry));
    }
    sort(entries);
    print(entries, true);
    if (!options_.has('R')) return;
    for (const Entry& entry : entries) {
      if (entry.info.is_directory() && entry.name != "." && entry.name != "..") list(entry.path, true, gap, depth + 1);
    }
  }

  void sort(std::vector<Entry>& entries) const {
    const auto before = [this](const Entry& a, const Entry& b) {
      if (options_.has('S') && a.info.size != b.info.size) return a.info.size > b.info.size;
      const auto time = [](const Entry& e) { return std::pair(e.info.modified.tv_sec, e.info.modified.tv_nsec); };
      if (options_.has('t') && time(a) != time(b)) return time(a) > time(b);
      return a.name < b.name;
    };
    std::stable_sort(entries.begin(), entries.end(), before);
    if (options_.has('r')) std::reverse(entries.begin(), entries.end());
  }

  void print(const std::vector<Entry>& entries, bool total) {
    if (long_ && total) {
      uint64_t blocks = 0;
      for (const Entry& entry : entries) blocks += (entry.info.size + 1023) / 1024;
      context_.out.format("total %llu\n", static_cast<unsigned long long>(blocks));
    }
    size_t widths[3] = {};
    for (const Entry& entry : entries) {
      const std::string cells[3] = {format_number(entry.info.links), owner(entry.info), size_of(entry.info)};
      for (int i = 0; i < 3; i++) widths[i] = std::max(widths[i], cells[i].size());
    }
    for (const Entry& entry : entries) print(entry, widths);
  }

  void print(const Entry& entry, const size_t widths[3]) {
    Output& out = context_.out;
    if (options_.has('i')) out.format("%7llu ", static_cast<unsigned long long>(entry.info.inode));
    if (long_) {
      const bool old = entry.info.modified.tv_sec < now().tv_sec - 180 * 86400;
      out.format("%s %*llu %*s %*s %s ", mode_text(entry.info).c_str(), static_cast<int>(widths[0]),
                 static_cast<unsigned long long>(entry.info.links), -static_cast<int>(widths[1]), owner(entry.info).c_str(),
                 static_cast<int>(widths[2]), size_of(entry.info).c_str(), format_time(entry.info.modified.tv_sec, old ? "%b %e  %Y" : "%b %e %H:%M").c_str());
    }
    out.write(entry.name);
    if (options_.has('F') && entry.info.is_directory()) out.put('/');
    if (options_.has('F') && entry.info.is_link()) out.put('@');
    if (options_.has('p') && !options_.has('F') && entry.info.is_directory()) out.put('/');
    std::string target;
    if (long_ && entry.info.is_link() && link_target(entry.path, target)) out.write(" -> " + target);
    out.put('\n');
  }

  std::string owner(const FileInfo& info) const {
    if (!info.knows_owner) return "? ?";
    return format_number(info.uid) + " " + format_number(info.gid);
  }

  std::string size_of(const FileInfo& info) const { return options_.has('h') ? human_size(info.size) : format_number(info.size); }

  static constexpr int kMaxDepth = 256;

  Context& context_;
  const Options& options_;
  bool long_ = false;
  Follow follow_ = Follow::no;
  int code_ = 0;
};

}  // namespace

int ls(Context& context, Arguments arguments) {
  Options options(context, arguments, "alA1CdFhiLnprRStg", {{"all", 'a'}, {"almost-all", 'A'}, {"recursive", 'R'}});
  if (!options.ok()) return usage_error(context);
  if (options.operands.empty()) options.operands = {"."};
  return Listing(context, options).run(options.operands);
}

}  // namespace toolbox
