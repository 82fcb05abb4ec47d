// SPDX-License-Identifier: Apache-2.0
// Does whatever stands in an API server's place get no more than one line printed?
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "label/http_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wherry;
  const auto answer = label::parse_answer({reinterpret_cast<const char*>(data), size});
  const std::string line = answer ? label::message_of(*answer) : answer.error().message;
  if (line.find('\n') != std::string::npos || line.size() > 1000) std::abort();
  if (answer && (answer->body.size() > size || answer->status < 100 || answer->status > 999)) std::abort();
  return 0;
}
