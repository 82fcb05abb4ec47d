// SPDX-License-Identifier: Apache-2.0
// What a process is confined by may forbid all that an init does and has: so this
// comes last. Files that are open stay open, and nothing here opens any.
#include "sandbox/init/steps.h"

namespace wherry::sandbox {

Result<void> apply_label(InitContext& context) {
  if (!context.label) return {};
  if (!context.label_file) return error(ErrorKind::invalid, "no file came to set the label by");
  const UniqueFd file = std::move(context.label_file);
  return set_label(file.get(), *context.label, context.is_native());
}

void label_files(const InitContext& context, MountOptions& options) {
  const std::string& label = context.spec.linux_.mountLabel;
  if (!label.empty()) options.file_system.push_back("context=" + label);
}

}  // namespace wherry::sandbox
