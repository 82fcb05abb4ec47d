// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "core/numbers.h"
#include "core/options.h"

namespace toolbox {
namespace {

// How a key is compared; of -k the letters after it, else of the command line.
struct Order {
  bool numeric = false, reversed = false, folds = false, skips_blanks = false, human = false;

  bool take(char letter) {
    switch (letter) {
      case 'n': return numeric = true;
      case 'r': return reversed = true;
      case 'f': return folds = true;
      case 'b': return skips_blanks = true;
      case 'h': return human = numeric = true;
      default: return false;
    }
  }
};

// "2", "2,3", "1.2n,1": fields from 1, ends included.
struct Key {
  size_t first = 1, first_character = 1, last = 0, last_character = 0;
  std::optional<Order> order;
};

std::optional<Key> parse_key(const std::string& text) {
  Key key;
  size_t at = 0;
  const auto number = [&](size_t& into) {
    const size_t start = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) at++;
    const auto value = parse_number(std::string_view(text).substr(start, at - start));
    if (value) into = static_cast<size_t>(*value);
    return value.has_value();
  };
  const auto letters = [&] {
    for (; at < text.size() && text[at] != ','; at++) {
      if (!key.order) key.order.emplace();
      if (!key.order->take(text[at])) return false;
    }
    return true;
  };
  if (!number(key.first) || key.first == 0) return std::nullopt;
  if (at < text.size() && text[at] == '.' && (at++, !number(key.first_character))) return std::nullopt;
  if (!letters()) return std::nullopt;
  if (at == text.size()) return key;
  at++;
  if (!number(key.last) || key.last == 0) return std::nullopt;
  if (at < text.size() && text[at] == '.' && (at++, !number(key.last_character))) return std::nullopt;
  if (!letters()) return std::nullopt;
  return key;
}

class Sorter {
 public:
  Sorter(Order order, std::vector<Key> keys, std::optional<char> separator) : order_(order), keys_(std::move(keys)), separator_(separator) {}

  int compare(const std::string& a, const std::string& b, bool whole) const {
    for (const Key& key : keys_) {
      const Order& order = key.order ? *key.order : order_;
      const int result = compare(part(a, key), part(b, key), order);
      if (result != 0) return order.reversed ? -result : result;
    }
    if (keys_.empty()) {
      const int result = compare(std::string_view(a), std::string_view(b), order_);
      if (result != 0) return order_.reversed ? -result : result;
    }
    if (!whole) return 0;
    return order_.reversed ? b.compare(a) : a.compare(b);
  }

 private:
  static double number_of(std::string_view text, bool human) {
    char* end = nullptr;
    const std::string copy(text);
    const double value = std::strtod(copy.c_str(), &end);
    const size_t unit = human && *end != '\0' ? std::string_view("KMGTPE").find(*end) : std::string_view::npos;
    double factor = 1;
    if (unit != std::string_view::npos) {
      for (size_t i = 0; i <= unit; i++) factor *= 1024;
    }
    return value * factor;
  }

  static std::string_view without_blanks(std::string_view text) {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
    return text;
  }

  static int compare(std::string_view a, std::string_view b, const Order& order) {
    if (order.skips_blanks || order.numeric) a = without_blanks(a), b = without_blanks(b);
    if (order.numeric) {
      const double x = number_of(a, order.human), y = number_of(b, order.human);
      return x < y ? -1 : x > y;
    }
    if (!order.folds) return a.compare(b);
    const auto fold = [](std::string_view text) {
      std::string upper(text);
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      return upper;
    };
    return fold(a).compare(fold(b));
  }

  // Where the field begins, or ends; fields are apart by a separator, or by blanks, which belong to the next one.
  size_t field(const std::string& line, size_t number, bool end) const {
    size_t at = 0;
    for (size_t i = 1;; i++) {
      size_t stop;
      if (separator_) {
        stop = std::min(line.find(*separator_, at), line.size());
      } else {
        stop = line.find_first_not_of(" \t", at);
        stop = stop == line.npos ? line.size() : std::min(line.find_first_of(" \t", stop), line.size());
      }
      if (i == number) return end ? stop : at;
      if (stop == line.size()) return line.size();
      at = separator_ ? stop + 1 : stop;
    }
  }

  std::string_view part(const std::string& line, const Key& key) const {
    const size_t start = std::min(field(line, key.first, false) + key.first_character - 1, line.size());
    size_t end = line.size();
    if (key.last > 0) end = key.last_character > 0 ? std::min(field(line, key.last, false) + key.last_character, line.size()) : field(line, key.last, true);
    return std::string_view(line).substr(start, end > start ? end - start : 0);
  }

  const Order order_;
  const std::vector<Key> keys_;
  const std::optional<char> separator_;
};

}  // namespace

int sort(Context& context, Arguments arguments) {
  Options options(context, arguments, "nrfbhucst:k:o:");
  if (!options.ok()) return usage_error(context);
  Order order;
  for (const char letter : {'n', 'r', 'f', 'b', 'h'}) {
    if (options.has(letter)) order.take(letter);
  }
  std::vector<Key> keys;
  for (const std::string& text : options.values('k')) {
    const auto key = parse_key(text);
    if (!key) return context.fail("bad key '%s'", text.c_str()), 2;
    keys.push_back(*key);
  }
  const auto separator = options.value('t');
  if (separator && separator->size() != 1) return context.fail("bad -t parameter"), 2;
  const Sorter sorter(order, std::move(keys), separator ? std::optional((*separator)[0]) : std::nullopt);
  if (options.operands.empty()) options.operands = {"-"};
  std::vector<std::string> lines;
  for (const std::string& path : options.operands) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(path, holder);
    if (!in) return 2;
    for (std::string line; in->line(line);) lines.push_back(line);
  }
  const bool whole = !options.has('u') && !options.has('s');
  if (options.has('c')) {
    for (size_t i = 1; i < lines.size(); i++) {
      const int result = sorter.compare(lines[i - 1], lines[i], whole);
      if (result > 0 || (result == 0 && options.has('u'))) return context.fail("-c:%u: %s", static_cast<unsigned>(i + 1), lines[i].c_str());
    }
    return 0;
  }
  std::stable_sort(lines.begin(), lines.end(), [&](const std::string& a, const std::string& b) { return sorter.compare(a, b, whole) < 0; });
  std::unique_ptr<Output> file;
  if (const auto path = options.value('o')) {
    const int fd = ::open(path->c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return context.fail_errno(*path), 2;
    file = std::make_unique<Output>(fd, true);
  }
  Output& out = file ? *file : context.out;
  for (size_t i = 0; i < lines.size(); i++) {
    if (options.has('u') && i > 0 && sorter.compare(lines[i - 1], lines[i], false) == 0) continue;
    out.line(lines[i]);
  }
  return 0;
}

}  // namespace toolbox
