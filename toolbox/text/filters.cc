// SPDX-License-Identifier: Apache-2.0
// wc, tee, uniq, cut, tr: small programs from one text to another.
#include <fcntl.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <limits>

#include "core/escapes.h"
#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

// --- wc

struct Counts {
  uint64_t lines = 0, words = 0, bytes = 0, characters = 0, longest = 0;
};

Counts count(Input& in) {
  Counts counts;
  bool in_word = false;
  uint64_t length = 0;
  for (int c; (c = in.get()) >= 0;) {
    counts.bytes++;
    counts.characters += (c & 0xc0) != 0x80;
    counts.lines += c == '\n';
    length = c == '\n' ? 0 : length + 1;
    counts.longest = std::max(counts.longest, length);
    const bool space = std::isspace(c);
    counts.words += !space && !in_word;
    in_word = !space;
  }
  return counts;
}

void print_counts(Output& out, const Options& options, const Counts& counts, const std::string& name, bool alone) {
  const bool all = options.last_of("lwcmL") == '\0';
  const bool only = options.has('l') + options.has('w') + options.has('c') + options.has('m') + options.has('L') == 1;
  const char* gap = "";
  const auto print = [&](bool wanted, uint64_t value) {
    if (!wanted) return;
    out.format(only && alone ? "%s%llu" : "%s%9llu", gap, static_cast<unsigned long long>(value));
    gap = " ";
  };
  print(all || options.has('l'), counts.lines);
  print(all || options.has('w'), counts.words);
  print(options.has('m'), counts.characters);
  print(all || options.has('c'), counts.bytes);
  print(options.has('L'), counts.longest);
  out.line(name.empty() ? "" : " " + name);
}

// --- cut

constexpr size_t kToTheEnd = std::numeric_limits<size_t>::max();
using Ranges = std::vector<std::pair<size_t, size_t>>;  // from 1

bool parse_ranges(const std::string& text, Ranges& ranges) {
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    at = end + 1;
    const size_t dash = one.find('-');
    const auto first = dash == 0 ? 1 : parse_number(one.substr(0, dash));
    const auto last = dash == one.npos ? first : dash + 1 == one.size() ? std::nullopt : parse_number(one.substr(dash + 1));
    const bool open = dash != one.npos && dash + 1 == one.size();
    if (one == "-" || !first || *first < 1 || (!open && (!last || *last < *first))) return false;
    ranges.emplace_back(static_cast<size_t>(*first), open ? kToTheEnd : static_cast<size_t>(*last));
  }
  return true;
}

bool is_in(const Ranges& ranges, size_t number) {
  return std::any_of(ranges.begin(), ranges.end(), [number](const auto& range) { return number >= range.first && number <= range.second; });
}

std::string cut_characters(const std::string& line, const Ranges& ranges) {
  std::string result;
  for (size_t i = 0; i < line.size(); i++) {
    if (is_in(ranges, i + 1)) result += line[i];
  }
  return result;
}

std::string cut_fields(const std::string& line, const Ranges& ranges, char delimiter) {
  std::string result;
  bool first = true;
  size_t number = 1;
  for (size_t at = 0; at <= line.size(); number++) {
    const size_t end = std::min(line.find(delimiter, at), line.size());
    if (is_in(ranges, number)) {
      if (!first) result += delimiter;
      first = false;
      result.append(line, at, end - at);
    }
    at = end + 1;
  }
  return result;
}

// --- tr

// "a-z", "[:upper:]", escapes.
std::string character_set(const std::string& text) {
  constexpr struct {
    std::string_view name;
    int (*has)(int);
  } kClasses[] = {{"alpha", std::isalpha}, {"digit", std::isdigit}, {"alnum", std::isalnum}, {"upper", std::isupper}, {"lower", std::islower}, {"space", std::isspace},
                  {"blank", std::isblank}, {"punct", std::ispunct}, {"cntrl", std::iscntrl}, {"print", std::isprint}, {"graph", std::isgraph}, {"xdigit", std::isxdigit}};
  std::string set;
  const std::string plain = unescape(text, Escapes::format);
  for (size_t i = 0; i < plain.size(); i++) {
    if (plain.compare(i, 2, "[:") == 0) {
      const size_t end = plain.find(":]", i);
      const std::string name = end == plain.npos ? "" : plain.substr(i + 2, end - i - 2);
      bool known = false;
      for (const auto& one : kClasses) {
        if (one.name != name) continue;
        known = true;
        for (int c = 0; c < 256; c++) {
          if (one.has(c)) set += static_cast<char>(c);
        }
      }
      if (known) {
        i = end + 1;
        continue;
      }
    }
    if (i + 2 < plain.size() && plain[i + 1] == '-' && static_cast<unsigned char>(plain[i]) <= static_cast<unsigned char>(plain[i + 2])) {
      for (int c = static_cast<unsigned char>(plain[i]); c <= static_cast<unsigned char>(plain[i + 2]); c++) set += static_cast<char>(c);
      i += 2;
      continue;
    }
    set += plain[i];
  }
  return set;
}

std::string complement(const std::string& set) {
  std::string result;
  for (int c = 0; c < 256; c++) {
    if (set.find(static_cast<char>(c)) == set.npos) result += static_cast<char>(c);
  }
  return result;
}

}  // namespace

int wc(Context& context, Arguments arguments) {
  Options options(context, arguments, "lwcmL");
  if (!options.ok()) return usage_error(context);
  Counts total;
  int code = 0;
  if (options.operands.empty()) {
    print_counts(context.out, options, count(context.in), "", true);
    return 0;
  }
  for (const std::string& path : options.operands) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(path, holder);
    if (!in) {
      code = 1;
      continue;
    }
    const Counts counts = count(*in);
    if (in->failed()) errno = in->error(), code = context.fail_errno(path);
    print_counts(context.out, options, counts, path, options.operands.size() == 1);
    total.lines += counts.lines, total.words += counts.words, total.bytes += counts.bytes, total.characters += counts.characters;
    total.longest = std::max(total.longest, counts.longest);
  }
  if (options.operands.size() > 1) print_counts(context.out, options, total, "total", false);
  return code;
}

int tee(Context& context, Arguments arguments) {
  Options options(context, arguments, "ai");
  if (!options.ok()) return usage_error(context);
  std::vector<std::unique_ptr<Output>> files;
  int code = 0;
  for (const std::string& path : options.operands) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | (options.has('a') ? O_APPEND : O_TRUNC), 0666);
    if (fd < 0) code = context.fail_errno(path);
    else files.push_back(std::make_unique<Output>(fd, true));
  }
  char buffer[16 << 10];
  while (const size_t n = context.in.read(buffer, sizeof buffer)) {
    context.out.write({buffer, n});
    context.out.flush();
    for (auto& file : files) file->write({buffer, n});
  }
  for (auto& file : files) {
    if (!file->flush()) code = context.fail_errno("write error");
  }
  return code;
}

int uniq(Context& context, Arguments arguments) {
  Options options(context, arguments, "cdui");
  if (!options.ok() || options.operands.size() > 2) return usage_error(context);
  std::unique_ptr<Input> holder;
  Input* const in = context.open(options.operands.empty() ? "-" : options.operands[0], holder);
  if (!in) return 1;
  std::unique_ptr<Output> file;
  if (options.operands.size() == 2) {
    const int fd = ::open(options.operands[1].c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return context.fail_errno(options.operands[1]);
    file = std::make_unique<Output>(fd, true);
  }
  Output& out = file ? *file : context.out;
  const auto same = [&](const std::string& a, const std::string& b) {
    if (!options.has('i')) return a == b;
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
  };
  std::string line, last;
  unsigned count = 0;
  const auto print = [&] {
    if (count == 0 || (options.has('d') && count == 1) || (options.has('u') && count > 1)) return;
    if (options.has('c')) out.format("%7u ", count);
    out.line(last);
  };
  while (in->line(line)) {
    if (count > 0 && same(line, last)) {
      count++;
      continue;
    }
    print();
    last = line;
    count = 1;
  }
  print();
  return 0;
}

int cut(Context& context, Arguments arguments) {
  Options options(context, arguments, "b:c:f:d:sn");
  if (!options.ok()) return usage_error(context);
  const char kind = options.last_of("bcf");
  Ranges ranges;
  if (kind == '\0') return usage_error(context, "expected a list of bytes, characters, or fields");
  if (!parse_ranges(*options.value(kind), ranges)) return context.fail("invalid range '%s'", options.value(kind)->c_str());
  const std::string delimiter = options.value('d').value_or("\t");
  if (delimiter.size() != 1) return usage_error(context, "the delimiter must be one character");
  if (options.operands.empty()) options.operands = {"-"};
  int code = 0;
  for (const std::string& path : options.operands) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(path, holder);
    if (!in) code = 1;
    std::string line;
    while (in && in->line(line)) {
      if (kind != 'f') context.out.line(cut_characters(line, ranges));
      else if (line.find(delimiter[0]) != line.npos) context.out.line(cut_fields(line, ranges, delimiter[0]));
      else if (!options.has('s')) context.out.line(line);
    }
  }
  return code;
}

int tr(Context& context, Arguments arguments) {
  Options options(context, arguments, "+cCdst");
  const size_t most = options.has('d') && !options.has('s') ? 1 : 2;
  if (!options.ok() || options.operands.empty() || options.operands.size() > most) return usage_error(context);
  if (options.operands.size() == 1 && !options.has('d') && !options.has('s')) return usage_error(context);
  std::string from = character_set(options.operands[0]);
  if (options.has('c') || options.has('C')) from = complement(from);
  std::string to = options.operands.size() > 1 ? character_set(options.operands[1]) : "";
  const std::string squeezed = options.operands.size() > 1 ? to : from;
  const bool translates = options.operands.size() > 1 && !options.has('d');
  if (translates && to.empty()) return usage_error(context, "the second set is empty");
  if (translates && to.size() < from.size()) to.resize(from.size(), to.back());
  int last = -1;
  for (int c; (c = context.in.get()) >= 0;) {
    const size_t at = from.rfind(static_cast<char>(c));
    if (options.has('d') && at != from.npos) continue;
    const char result = translates && at != from.npos ? to[at] : static_cast<char>(c);
    if (options.has('s') && last == static_cast<unsigned char>(result) && squeezed.find(result) != squeezed.npos) continue;
    last = static_cast<unsigned char>(result);
    context.out.put(result);
  }
  return 0;
}

}  // namespace toolbox
