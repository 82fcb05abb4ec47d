// SPDX-License-Identifier: Apache-2.0
#include "shim/toolbox.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/leb128.h"

namespace wherry::shim {
namespace {

constexpr const char* kPlaces[] = {"/../libexec/wherry/toolbox.wasm", "/toolbox.wasm"};
constexpr size_t kMaxModule = 16 << 20;
constexpr std::string_view kSection = "wherry.applets";

// A vector of bytes, with its length before it.
std::string_view next_vector(ByteCursor<>& in) {
  const size_t size = in.u32();
  const uint8_t* const start = in.bytes(size);
  return start ? std::string_view(reinterpret_cast<const char*>(start), size) : std::string_view();
}

ByteCursor<> cursor(std::string_view bytes) {
  const auto* const begin = reinterpret_cast<const uint8_t*>(bytes.data());
  return {begin, begin + bytes.size()};
}

// The content of a module's custom section, "" if there is none of that name.
std::string_view custom_section(std::string_view module, std::string_view name) {
  ByteCursor<> in = cursor(module);
  in.fixed<uint64_t>();  // magic and version
  while (!in.failure() && !in.at_end()) {
    const uint8_t id = in.byte();
    const std::string_view section = next_vector(in);
    if (id != 0) continue;
    ByteCursor<> inside = cursor(section);
    if (next_vector(inside) == name && !inside.failure()) return section.substr(section.size() - inside.left());
  }
  return {};
}

bool has_line(std::string_view text, std::string_view line) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (text.substr(0, end) == line) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

}  // namespace

std::string program_directory() {
  char self[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
  if (length <= 0) return {};
  const std::string_view path(self, static_cast<size_t>(length));
  return std::string(path.substr(0, path.rfind('/')));
}

bool is_toolbox(const std::string& directory, int file) {
  struct stat own, given;
  if (::fstat(file, &given) != 0) return false;
  for (const char* const place : kPlaces) {
    if (::stat((directory + place).c_str(), &own) == 0) return own.st_dev == given.st_dev && own.st_ino == given.st_ino;
  }
  return false;
}

std::optional<sandbox::Entrypoint> open_toolbox(const std::string& directory, std::string_view name) {
  if (name.empty()) return std::nullopt;
  for (const char* const place : kPlaces) {
    sandbox::Entrypoint program;
    program.path = directory + place;
    program.file.reset(::open(program.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!program.file) continue;
    const auto module = read_all(program.file.get(), kMaxModule, program.path);
    if (!module || !has_line(custom_section(*module, kSection), name)) return std::nullopt;
    program.kind = sandbox::ProgramKind::wasm_module;
    program.is_toolbox = true;
    return program;
  }
  return std::nullopt;
}

}  // namespace wherry::shim
