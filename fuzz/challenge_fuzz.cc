// SPDX-License-Identifier: Apache-2.0
// Do the parsers of what registries send survive any bytes?
#include <cstdint>
#include <cstdlib>
#include <string>

#include "registry/challenge.h"
#include "registry/http.h"
#include "registry/media_type.h"
#include "registry/ranges.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wherry::registry;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto challenge = parse_challenge(text); challenge && challenge->scheme == Challenge::Scheme::bearer && challenge->realm.empty()) std::abort();
  // Wherever a server leads, it is http, and never from TLS to plain text.
  if (const auto url = resolve_url("https://a.example/v2/", text.substr(0, text.find('\0'))); url && !url->starts_with("https://")) std::abort();
  if (const auto range = parse_content_range(text); range && (range->first > range->last || range->total.value_or(UINT64_MAX) <= range->last)) std::abort();
  (void)parse_upload_range(text);
  if (const auto type = media_type_of(text, ""); !type && type.error().message.find('\n') != std::string::npos) std::abort();
  (void)is_loopback(text.substr(0, text.find('\0')));
  return 0;
}
