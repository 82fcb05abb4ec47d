// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor/finding.h"
#include "config/sources.h"

namespace wherry::cli {

std::vector<Finding> check_settings(const std::string& file) {
  Findings findings;
  const std::string name = file.empty() ? config::kNodeFile : file;
  const auto layer = config::read_layer(file);
  if (!layer) {
    findings.problem(layer.error().message, "mend it: until then no container of a module can be created here");
    return findings.take();
  }
  const size_t values = layer->defaults.values.size() + layer->ceilings.values.size();
  findings.ok(values == 0 ? "nothing is restricted by " + name : name + ", " + std::to_string(values) + (values == 1 ? " value" : " values"));
  return findings.take();
}

}  // namespace wherry::cli
