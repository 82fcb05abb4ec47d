// SPDX-License-Identifier: Apache-2.0
#include "cli/findings.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "cli/command.h"

namespace wherry::cli {
namespace {

using node::Finding;

const char* name_of(Finding::State state) {
  switch (state) {
    case Finding::State::ok:
      return "ok";
    case Finding::State::note:
      return "note";
    case Finding::State::problem:
      return "problem";
  }
  return "";
}

void print_text(const std::vector<Area>& areas, size_t problems) {
  for (const Area& area : areas) {
    std::printf("%s\n", area.name);
    for (const Finding& finding : area.findings) {
      std::printf("  %-8s %s\n", name_of(finding.state), finding.what.c_str());
      if (!finding.cure.empty()) std::printf("  %-8s   cure: %s\n", "", finding.cure.c_str());
    }
  }
  if (problems == 0) {
    std::puts("no problems");
  } else {
    std::printf("%zu problem%s\n", problems, problems == 1 ? "" : "s");
  }
}

void print_json(const std::vector<Area>& areas, size_t problems) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Area& area : areas) {
    for (const Finding& finding : area.findings) {
      list.push_back({{"area", area.name}, {"state", name_of(finding.state)}, {"what", finding.what}});
      if (!finding.cure.empty()) list.back()["cure"] = finding.cure;
    }
  }
  const nlohmann::ordered_json report = {{"problems", problems}, {"findings", std::move(list)}};
  std::puts(json_text(report, 2).c_str());
}

}  // namespace

int print_findings(const std::vector<Area>& areas, bool json) {
  size_t problems = 0;
  for (const Area& area : areas)
    for (const Finding& finding : area.findings) problems += finding.state == Finding::State::problem;
  json ? print_json(areas, problems) : print_text(areas, problems);
  return problems == 0 ? 0 : kFailure;
}

}  // namespace wherry::cli
