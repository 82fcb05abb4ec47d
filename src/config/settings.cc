// SPDX-License-Identifier: Apache-2.0
#include "config/settings.h"

#include <algorithm>

#include "config/quantity.h"
#include "config/words.h"

namespace wherry::config {
namespace {

constexpr size_t kMaxText = 64 << 10;
constexpr size_t kMaxPaths = 256;
constexpr size_t kMaxPath = 4095;
// Less is no stack to run anything on, more is none that the engine maps.
constexpr uint64_t kLeastStack = 64 << 10, kMostStack = uint64_t{1} << 30;

Error expected(std::string_view what, std::string_view text) {
  return error(ErrorKind::invalid, "expected " + std::string(what) + ", found `" + std::string(text) + "`");
}

Result<bool> parse_permission(std::string_view text) {
  if (text == "allow") return true;
  if (text == "deny") return false;
  return expected("`allow` or `deny`", text);
}

Result<std::string> parse_path(std::string_view text) {
  if (!text.starts_with('/') || text.size() > kMaxPath) return expected("an absolute path", text);
  std::string path;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('/', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    if (part == "..") return error(ErrorKind::invalid, "path `" + std::string(text) + "`: no `..`");
    if (!part.empty() && part != ".") path.append("/").append(part);
    at = end + 1;
  }
  return path.empty() ? "/" : path;
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/" || path == directory) return true;
  return path.starts_with(directory) && path[directory.size()] == '/';
}

Result<std::vector<PreopenPath>> parse_preopens(std::string_view text) {
  constexpr std::string_view kReadOnly = ":ro";
  std::vector<PreopenPath> preopens;
  if (text == "none") return preopens;
  for (std::string_view word : split_words(text)) {
    PreopenPath preopen;
    preopen.read_only = word.ends_with(kReadOnly);
    if (preopen.read_only) word.remove_suffix(kReadOnly.size());
    preopen.path = TRY(parse_path(word));
    preopens.push_back(std::move(preopen));
  }
  if (preopens.size() > kMaxPaths) return error(ErrorKind::invalid, "more than " + std::to_string(kMaxPaths) + " directories");
  return preopens;
}

// Whether one of `outer` has `inner`, which becomes read-only with it.
bool covers(const std::vector<PreopenPath>& outer, PreopenPath& inner) {
  const PreopenPath* best = nullptr;
  for (const PreopenPath& one : outer)
    if (is_below(inner.path, one.path) && (!best || one.path.size() > best->path.size())) best = &one;
  if (best) inner.read_only |= best->read_only;
  return best != nullptr;
}

// Of a list in which a minus takes away, and a name alone means only those.
Result<wasm::FeatureSet> parse_features(std::string_view text) {
  uint64_t only = 0, without = 0;
  const auto bit = [](wasm::Feature feature) { return uint64_t{1} << static_cast<unsigned>(feature); };
  for (const std::string_view word : split_words(text)) {
    const bool minus = word.starts_with('-');
    const std::string_view flag = word.substr(minus);
    const auto* const found = std::find_if(std::begin(wasm::kFeatures), std::end(wasm::kFeatures), [&](const auto& f) { return f.flag == flag; });
    if (found == std::end(wasm::kFeatures)) return error(ErrorKind::invalid, "unknown feature `" + std::string(flag) + "`; see `wherry help features`");
    auto feature = static_cast<wasm::Feature>(found - std::begin(wasm::kFeatures));
    if (!minus && !found->enabled_by_default) return error(ErrorKind::unsupported, "feature `" + std::string(flag) + "` is not supported");
    if (minus) {
      without |= bit(feature);
      continue;
    }
    for (; !(only & bit(feature)); feature = wasm::info(feature).implied) only |= bit(feature);
  }
  if (only == 0) only = ~uint64_t{0};
  without &= ~bit(wasm::Feature::mvp);
  // What needs a feature that is gone is gone too.
  for (size_t i = 0; i < wasm::kFeatureCount; i++) {
    const auto feature = static_cast<wasm::Feature>(i);
    if (without & bit(wasm::info(feature).implied)) without |= bit(feature);
  }
  return wasm::FeatureSet::from_bits(only & ~without);
}

struct DebugWord {
  std::string_view word;
  bool Settings::*flag;
};
constexpr DebugWord kDebugWords[] = {
    {"host-calls", &Settings::trace_host_calls},
    {"summary", &Settings::print_summary},
};

}  // namespace

const Settings::Apply Settings::kApply[kSettingCount] = {
#define SETTING(name, ...) &Settings::apply_##name,
#include "config/setting.def"
#undef SETTING
};

Result<void> Settings::narrow(Setting setting, std::string_view text) {
  if (text.size() > kMaxText) return error(ErrorKind::invalid, "longer than " + std::to_string(kMaxText) + " bytes");
  std::string line(text);  // one line: a YAML block has more
  std::replace(line.begin(), line.end(), '\n', ' ');
  for (const char c : line)
    if (static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r') return error(ErrorKind::invalid, "a control character in the value");
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == line.npos) return error(ErrorKind::invalid, "empty; for example `" + std::string(info(setting).example) + "`");
  line = line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
  const Apply apply = kApply[static_cast<size_t>(setting)];  // not in the call: GCC's sanitizer reads its own index wrong
  TRY((this->*apply)(line));
  applied_.emplace_back(setting, std::move(line));
  return {};
}

Result<void> Settings::apply_memory(std::string_view text) {
  memory = std::min(memory, TRY(parse_bytes(text)));
  return {};
}

Result<void> Settings::apply_oom(std::string_view text) {
  if (text == "report") oom = OnOutOfMemory::report;
  else if (text == "kill") oom = OnOutOfMemory::kill;
  else if (text == "deny") oom = OnOutOfMemory::deny;
  else return expected("`report`, `kill` or `deny`", text);
  return {};
}

Result<void> Settings::apply_stack(std::string_view text) {
  const uint64_t bytes = TRY(parse_bytes(text));
  if (bytes < kLeastStack || bytes > kMostStack) return expected("64Ki to 1Gi", text);
  stack = std::min(stack, bytes);
  return {};
}

Result<void> Settings::apply_cpu(std::string_view text) {
  constexpr uint64_t kLeast = 10;  // the kernel's least quota, 1 ms in 100
  const uint64_t milli = TRY(parse_milli_cpu(text));
  if (milli < kLeast) return expected("10m or more", text);
  milli_cpu = std::min(milli_cpu, milli);
  return {};
}

Result<void> Settings::apply_features(std::string_view text) {
  features = wasm::FeatureSet::from_bits(features.bits() & TRY(parse_features(text)).bits());
  return {};
}

Result<void> Settings::apply_compile_tier(std::string_view text) {
  if (text == "auto" || text == "baseline") return {};
  return expected("`auto` or `baseline`", text);
}

Result<void> Settings::apply_preopens(std::string_view text) {
  std::vector<PreopenPath> wanted = TRY(parse_preopens(text));
  if (!preopens) {
    preopens = std::move(wanted);
    return {};
  }
  for (PreopenPath& preopen : *preopens) {
    if (!covers(wanted, preopen)) return error(ErrorKind::denied, "`" + preopen.path + "` is asked for, and only what is below `" + std::string(text) + "` may be");
  }
  return {};
}

Result<void> Settings::apply_read_only(std::string_view text) {
  for (const std::string_view word : split_words(text)) read_only.push_back(TRY(parse_path(word)));
  if (read_only.size() > kMaxPaths) return error(ErrorKind::invalid, "more than " + std::to_string(kMaxPaths) + " paths");
  return {};
}

Result<void> Settings::apply_egress(std::string_view text) {
  egress.push_back(TRY(NetworkFilter::parse(text, NetworkFilter::Direction::egress)));
  return {};
}

Result<void> Settings::apply_listen(std::string_view text) {
  listen.push_back(TRY(NetworkFilter::parse(text, NetworkFilter::Direction::listen)));
  return {};
}

Result<void> Settings::apply_environment(std::string_view text) {
  environment.push_back(TRY(NameFilter::parse(text)));
  return {};
}

Result<void> Settings::apply_debug(std::string_view text) {
  for (const DebugWord& known : kDebugWords) this->*known.flag = false;
  for (const std::string_view word : split_words(text)) {
    if (word == "none") continue;
    const auto* const found = std::find_if(std::begin(kDebugWords), std::end(kDebugWords), [&](const DebugWord& d) { return d.word == word; });
    if (found == std::end(kDebugWords)) return expected("`host-calls`, `summary` or `none`", word);
    this->*found->flag = true;
  }
  return {};
}

Result<void> Settings::apply_native(std::string_view text) {
  allow_native &= TRY(parse_permission(text));
  return {};
}

Result<void> Settings::apply_toolbox(std::string_view text) {
  allow_toolbox &= TRY(parse_permission(text));
  return {};
}

std::string Settings::to_message() const {
  std::string message;
  for (const auto& [setting, text] : applied_) message.append(info(setting).key).append(" ").append(text).append("\n");
  return message;
}

Result<Settings> Settings::from_message(std::string_view message) {
  Settings settings;
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find('\n'));
    message.remove_prefix(std::min(line.size() + 1, message.size()));
    const size_t space = line.find(' ');
    const auto setting = find_setting(line.substr(0, space));
    if (!setting || space == line.npos) return error(ErrorKind::malformed, "settings: not a line of them");
    TRY(settings.narrow(*setting, line.substr(space + 1)));
  }
  return settings;
}

}  // namespace wherry::config
