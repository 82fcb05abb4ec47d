// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::node {

struct FileOwner {
  mode_t mode = 0600;
  uid_t user = 0;
  gid_t group = 0;
};

// Replaces a file's content so that it is the old or the new one whenever the process is killed or the power fails, and
// the new one once this has returned. For one process at a time; what a killed one leaves beside the file goes with the next.
Result<void> replace_durably(const std::string& path, std::string_view content, const FileOwner& owner);

// Removes the file, and what a killed replacement has left beside it. It need not be there.
Result<void> remove_durably(const std::string& path);

// Removes what a killed replacement has left beside the file.
void remove_unfinished(const std::string& path);

// Removes a directory unless something is in it. Whether there is none now.
Result<bool> remove_if_empty(const std::string& directory);

}  // namespace wherry::node
