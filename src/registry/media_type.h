// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::registry {

// What kind of document `text` is: an index or an image manifest of OCI's or Docker's. `said` is the media type that came
// with it, "" if none did. A document that could be read as both, or whose own mediaType is not the one that was said, is
// refused: others would see another image in it than we do.
Result<std::string> media_type_of(std::string_view text, std::string_view said);

}  // namespace wherry::registry
