// SPDX-License-Identifier: Apache-2.0
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "core/escapes.h"
#include "core/options.h"

namespace toolbox {
namespace {

// One run through the format with the arguments that it uses up.
class Printf {
 public:
  Printf(Context& context, const Arguments& arguments) : context_(context), arguments_(arguments) {}

  int run() {
    const std::string& format = arguments_[1];
    do {
      used_ = false;
      once(format);
    } while (!stopped_ && used_ && at_ < arguments_.size());
    return code_;
  }

 private:
  const char* next() {
    used_ = true;
    return at_ < arguments_.size() ? arguments_[at_++].c_str() : nullptr;
  }

  void once(const std::string& format) {
    for (size_t i = 0; i < format.size() && !stopped_;) {
      if (format[i] != '%') {
        const size_t end = std::min(format.find('%', i), format.size());
        context_.out.write(unescape(std::string_view(format).substr(i, end - i), Escapes::format, &stopped_));
        i = end;
      } else if (format.compare(i, 2, "%%") == 0) {
        context_.out.put('%');
        i += 2;
      } else {
        i = directive(format, i);
      }
    }
  }

  size_t directive(const std::string& format, size_t at) {
    std::string one = "%";
    for (at++; at < format.size() && std::string_view("-+ #0").find(format[at]) != std::string_view::npos; at++) one += format[at];
    for (; at < format.size() && (std::isdigit(static_cast<unsigned char>(format[at])) || format[at] == '.' || format[at] == '*'); at++) {
      if (format[at] == '*') one += std::to_string(number(next()));
      else one += format[at];
    }
    const char kind = at < format.size() ? format[at] : '\0';
    if (one.size() > 32) return refuse(format);
    print(one, kind, format);
    return at + 1;
  }

  size_t refuse(const std::string& format) {
    code_ = context_.fail("%s: invalid format", format.c_str());
    stopped_ = true;
    return format.size();
  }

  void print(const std::string& one, char kind, const std::string& format) {
    Output& out = context_.out;
    switch (kind) {
      case 's':
      case 'b':
      case 'c': {
        const char* const text = next();
        std::string value = text ? text : "";
        if (kind == 'b') value = unescape(value, Escapes::echo, &stopped_);
        if (kind == 'c') value.resize(value.empty() ? 0 : 1);
        return out.format((one + "s").c_str(), value.c_str());
      }
      case 'd':
      case 'i':
        return out.format((one + "lld").c_str(), number(next()));
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        return out.format((one + "ll" + kind).c_str(), number(next()));
      case 'f':
      case 'e':
      case 'g':
        return out.format((one + kind).c_str(), real(next()));
      default:
        refuse(format);
    }
  }

  // "'A" is the number of the character.
  long long number(const char* text) {
    if (!text || *text == '\0') return 0;
    if (*text == '\'' || *text == '"') return static_cast<unsigned char>(text[1]);
    char* end = nullptr;
    const long long value = std::strtoll(text, &end, 0);
    if (*end != '\0') code_ = context_.fail("invalid number '%s'", text);
    return value;
  }
  double real(const char* text) {
    char* end = nullptr;
    const double value = text ? std::strtod(text, &end) : 0;
    if (text && *end != '\0') code_ = context_.fail("invalid number '%s'", text);
    return value;
  }

  Context& context_;
  const Arguments& arguments_;
  size_t at_ = 2;
  bool used_ = false, stopped_ = false;
  int code_ = 0;
};

}  // namespace

int printf_applet(Context& context, Arguments arguments) {
  if (arguments.size() < 2) return usage_error(context);
  return Printf(context, arguments).run();
}

}  // namespace toolbox
