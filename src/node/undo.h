// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "node/journal.h"

namespace wherry::node {

// Takes our block out of the recorded file: the backup's bytes if nobody else has edited it since, else the
// file without the block. Removes what we made, if nothing else is in it. A second call finds nothing to do.
Result<void> undo_edit(const Journal& journal, const Record& record);

}  // namespace wherry::node
