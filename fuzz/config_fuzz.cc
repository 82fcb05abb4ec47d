// SPDX-License-Identifier: Apache-2.0
// Does reading settings survive any text, and mean the same in the process that
// gets them as a message?
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/sources.h"

namespace {

using namespace wherry::config;

void must(bool condition) {
  if (!condition) std::abort();
}

// The first byte names the setting, the rest is its value.
void narrow(std::string_view text) {
  const auto setting = static_cast<Setting>(static_cast<uint8_t>(text[0]) % kSettingCount);
  Settings settings;
  if (!settings.narrow(setting, text.substr(1))) return;
  const auto again = Settings::from_message(settings.to_message());
  must(again.has_value() && again->applied() == settings.applied());
  must(again->memory == settings.memory && again->features == settings.features && again->read_only == settings.read_only);
  Endpoint endpoint;
  for (const NetworkFilter& filter : settings.egress) must(filter.allows_destination(endpoint, {"a.example"}) == again->egress[0].allows_destination(endpoint, {"a.example"}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  narrow(text);
  (void)Settings::from_message(text);
  if (const auto layer = parse_layer(text, "fuzz")) must(resolve(Source(), {&*layer, 1}).has_value() || layer->ceilings.values.contains(Setting::preopens));
  (void)annotations_source({{"wherry.dev/" + text, "1"}}, text);
  return 0;
}
