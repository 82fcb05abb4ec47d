// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <optional>

#include "core/calendar.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

constexpr int64_t kFollowPause = 250'000'000;  // ns
constexpr size_t kMaxKept = 64 << 20;           // what tail holds of a stream

// How much of a file: "5", "+5" from the fifth on, "-5" all but the last five.
struct Amount {
  bool bytes = false;
  bool from_start = false;  // tail: from there on; head: all but the last
  uint64_t count = 10;
};

std::optional<Amount> parse_amount(Context& context, std::string text, bool bytes, char sign) {
  Amount amount;
  amount.bytes = bytes;
  amount.from_start = !text.empty() && text[0] == sign;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.erase(0, 1);
  uint64_t unit = 1;
  if (!text.empty() && (text.back() == 'k' || text.back() == 'K')) unit = 1024;
  if (!text.empty() && (text.back() == 'm' || text.back() == 'M')) unit = 1 << 20;
  if (unit != 1) text.pop_back();
  const auto number = parse_number(text);
  if (!number || *number < 0) return context.fail("invalid number '%s'", text.c_str()), std::nullopt;
  amount.count = static_cast<uint64_t>(*number) * unit;
  return amount;
}

// "-5" stands for "-n 5".
void allow_old_form(Arguments& arguments) {
  if (arguments.size() < 2 || arguments[1].size() < 2) return;
  if ((arguments[1][0] == '-' || arguments[1][0] == '+') && arguments[1][1] >= '0' && arguments[1][1] <= '9') {
    arguments[1].insert(0, arguments[1][0] == '-' ? "-n" : "-n");
    if (arguments[1][2] == '-') arguments[1].erase(2, 1);
  }
}

std::optional<Amount> amount_of(Context& context, const Options& options, char sign) {
  const char which = options.last_of("nc");
  if (which == '\0') return Amount();
  return parse_amount(context, *options.value(which), which == 'c', sign);
}

void head_of(Input& in, Output& out, const Amount& amount) {
  std::string line;
  bool ended = false;
  if (amount.from_start) {  // what is kept back is known only at the end
    std::deque<std::string> kept;
    const auto pass = [&](std::string part) {
      kept.push_back(std::move(part));
      if (kept.size() <= amount.count) return;
      out.write(kept.front());
      kept.pop_front();
    };
    if (amount.bytes) {
      for (int c; (c = in.get()) >= 0;) pass(std::string(1, static_cast<char>(c)));
    } else {
      while (in.line(line, '\n', &ended)) pass(line + (ended ? "\n" : ""));
    }
    return;
  }
  for (uint64_t i = 0; i < amount.count; i++) {
    if (amount.bytes) {
      const int c = in.get();
      if (c < 0) return;
      out.put(static_cast<char>(c));
    } else {
      if (!in.line(line, '\n', &ended)) return;
      out.write(line);
      if (ended) out.put('\n');
    }
  }
}

// Where the last lines or bytes of a text begin.
size_t last_start(const std::string& text, const Amount& amount) {
  if (amount.bytes) return text.size() - static_cast<size_t>(std::min<uint64_t>(amount.count, text.size()));
  uint64_t left = amount.count;
  if (left == 0) return text.size();
  for (size_t at = text.size(); at-- > 0;) {
    if (text[at] == '\n' && at + 1 != text.size() && --left == 0) return at + 1;
  }
  return 0;
}

void skip_start(Input& in, const Amount& amount) {
  std::string line;
  for (uint64_t i = 1; i < amount.count; i++) {
    if (amount.bytes ? in.get() < 0 : !in.line(line)) return;
  }
}

void tail_of(Input& in, Output& out, const Amount& amount) {
  if (amount.from_start) {
    skip_start(in, amount);
    copy(in, out);
    return;
  }
  std::string kept;
  char buffer[16 << 10];
  while (const size_t n = in.read(buffer, sizeof buffer)) {
    kept.append(buffer, n);
    if (kept.size() > kMaxKept) kept.erase(0, std::max(last_start(kept, amount), kept.size() - kMaxKept / 2));
  }
  out.write(std::string_view(kept).substr(last_start(kept, amount)));
}

struct Followed {
  std::string path;
  int fd;
  bool by_name;
};

// A file that a program has begun anew: shorter, or another of that name.
void look_again(Followed& file, Context& context) {
  struct stat own, named;
  if (::fstat(file.fd, &own) != 0) return;
  if (::lseek(file.fd, 0, SEEK_CUR) > own.st_size) ::lseek(file.fd, 0, SEEK_SET);
  if (!file.by_name || ::stat(file.path.c_str(), &named) != 0 || (named.st_dev == own.st_dev && named.st_ino == own.st_ino)) return;
  const int fresh = ::open(file.path.c_str(), O_RDONLY);
  if (fresh < 0) return;
  context.fail("%s has been replaced; following the new one", file.path.c_str());
  ::close(file.fd);
  file.fd = fresh;
}

// Until somebody ends the guest.
int follow(Context& context, std::vector<Followed>& files, int64_t pause) {
  const Followed* last = files.empty() ? nullptr : &files.back();
  for (;;) {
    for (Followed& file : files) {
      char buffer[16 << 10];
      ssize_t n;
      while ((n = ::read(file.fd, buffer, sizeof buffer)) > 0) {
        if (files.size() > 1 && last != &file) context.out.format("\n==> %s <==\n", file.path.c_str());
        last = &file;
        context.out.write({buffer, static_cast<size_t>(n)});
      }
      look_again(file, context);
    }
    if (!context.out.flush()) return 1;
    sleep_for(pause);
  }
}

int each_file(Context& context, const Options& options, Arguments paths, const std::function<void(Input&)>& show) {
  int code = 0;
  bool first = true;
  const bool titles = (paths.size() > 1 || options.has('v')) && !options.has('q');
  for (const std::string& path : paths) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(path, holder);
    if (!in) {
      code = 1;
      continue;
    }
    if (titles) context.out.format("%s==> %s <==\n", first ? "" : "\n", path == "-" ? "standard input" : path.c_str());
    first = false;
    show(*in);
    if (in->failed()) errno = in->error(), code = context.fail_errno(path);
  }
  return code;
}

}  // namespace

int head(Context& context, Arguments arguments) {
  allow_old_form(arguments);
  Options options(context, arguments, "n:c:qv");
  if (!options.ok()) return usage_error(context);
  const auto amount = amount_of(context, options, '-');
  if (!amount) return 1;
  if (options.operands.empty()) options.operands = {"-"};
  return each_file(context, options, options.operands, [&](Input& in) { head_of(in, context.out, *amount); });
}

int tail(Context& context, Arguments arguments) {
  allow_old_form(arguments);
  Options options(context, arguments, "n:c:qvfFs:");
  if (!options.ok()) return usage_error(context);
  const auto amount = amount_of(context, options, '+');
  const auto pause = options.has('s') ? parse_duration(*options.value('s')) : kFollowPause;
  if (!amount) return 1;
  if (!pause) return usage_error(context, "invalid number of seconds");
  if (options.operands.empty()) options.operands = {"-"};
  int code = each_file(context, options, options.operands, [&](Input& in) { tail_of(in, context.out, *amount); });
  if (!options.has('f') && !options.has('F')) return code;
  std::vector<Followed> files;
  for (const std::string& path : options.operands) {
    const int fd = path == "-" ? -1 : ::open(path.c_str(), O_RDONLY);
    if (fd < 0) continue;
    ::lseek(fd, 0, SEEK_END);
    files.push_back({path, fd, options.has('F')});
  }
  return files.empty() ? code : follow(context, files, *pause);
}

}  // namespace toolbox
