// SPDX-License-Identifier: Apache-2.0
#include "node/undo.h"

#include "base/sha256.h"
#include "node/config_change.h"
#include "node/durable_file.h"
#include "node/handler_block.h"
#include "node/target.h"

namespace wherry::node {

namespace {

Result<void> undo_block(const Journal& journal, const Record& record, const std::string& current) {
  const bool ours = to_hex(sha256(current)) == record.after;
  std::optional<std::string> content = TRY(without_block(current));
  if (ours && record.existed) {
    const std::string backup = TRY(journal.backup());
    if (to_hex(sha256(backup)) == record.before) content = backup;
  }
  if (ours && !record.existed) content.reset();
  return content == current ? Result<void>() : write_config(record.file, content);
}

}  // namespace

Result<void> undo_edit(const Journal& journal, const Record& record) {
  if (record.file.empty()) return {};
  TRY(clean_config(record.file));
  const std::optional<std::string> current = TRY(read_optional(record.file));
  if (current) TRY(undo_block(journal, record, *current));
  if (!record.made_directory.empty()) TRY(remove_if_empty(record.made_directory));
  return {};
}

}  // namespace wherry::node
