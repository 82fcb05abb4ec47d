// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include "oci/digest.h"

namespace wherry::oci {
namespace {

constexpr size_t kMaxNameLength = 255;
constexpr size_t kMaxTagLength = 128;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

Error invalid(std::string_view text, std::string_view why) {
  return error(ErrorKind::invalid, "image name `" + std::string(text) + "`: " + std::string(why));
}

// Lower-case letters and digits, between them single `.`, one or two `_`, or any number of `-`.
bool is_path_component(std::string_view component) {
  if (component.empty() || !is_lower_or_digit(component.front()) || !is_lower_or_digit(component.back())) return false;
  for (size_t i = 0; i < component.size();) {
    size_t end = i;
    while (end < component.size() && !is_lower_or_digit(component[end])) ++end;
    const std::string_view separator = component.substr(i, end - i);
    const bool dashes = separator.find_first_not_of('-') == separator.npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    i = end + 1;
  }
  return true;
}

bool is_repository(std::string_view repository) {
  for (;;) {
    const size_t slash = repository.find('/');
    if (!is_path_component(repository.substr(0, slash))) return false;
    if (slash == repository.npos) return true;
    repository.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > kMaxTagLength || !is_word(tag.front())) return false;
  for (const char c : tag)
    if (!is_word(c) && c != '.' && c != '-') return false;
  return true;
}

bool is_registry(std::string_view registry) {
  const size_t colon = registry.find(':');
  const std::string_view host = registry.substr(0, colon);
  if (host.empty() || !is_word(host.front()) || !is_word(host.back())) return false;
  for (const char c : host)
    if (!(is_word(c) && c != '_') && c != '.' && c != '-') return false;
  if (colon == registry.npos) return true;
  const std::string_view port = registry.substr(colon + 1);
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == port.npos;
}

// The part before the first slash is a host if it looks like one, as in Docker.
bool looks_like_registry(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != first.npos ||
         first.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != first.npos;
}

}  // namespace

std::string Reference::to_string() const {
  std::string text = registry + "/" + repository;
  if (!tag.empty()) text += ":" + tag;
  if (!digest.empty()) text += "@" + digest;
  return text;
}

Result<Reference> parse_reference(std::string_view text) {
  Reference reference;
  std::string_view rest = text;
  if (const size_t at = rest.find('@'); at != rest.npos) {
    reference.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!is_digest(reference.digest)) return invalid(text, "expected `@sha256:` and 64 hexadecimal digits");
  }
  if (const size_t colon = rest.rfind(':'); colon != rest.npos && rest.find('/', colon) == rest.npos) {
    reference.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!is_tag(reference.tag)) return invalid(text, "a tag is up to 128 letters, digits, `_`, `.` and `-`");
  } else if (reference.digest.empty()) {
    reference.tag = "latest";
  }

  const size_t slash = rest.find('/');
  if (slash != rest.npos && looks_like_registry(rest.substr(0, slash))) {
    reference.registry = rest.substr(0, slash);
    reference.repository = rest.substr(slash + 1);
  } else {
    reference.registry = "docker.io";
    reference.repository = rest;
  }
  if (reference.registry == "index.docker.io") reference.registry = "docker.io";
  if (!is_registry(reference.registry)) return invalid(text, "expected a host before the first `/`");
  if (!is_repository(reference.repository))
    return invalid(text, "a name is lower-case letters, digits, and `.`, `_`, `-` between them");
  if (reference.registry == "docker.io" && reference.repository.find('/') == std::string::npos)
    reference.repository.insert(0, "library/");
  if (reference.registry.size() + 1 + reference.repository.size() > kMaxNameLength)
    return invalid(text, "longer than 255 characters");
  return reference;
}

}  // namespace wherry::oci
