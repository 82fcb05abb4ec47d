// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init/process_title.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cstring>

namespace wherry::sandbox {

ProcessTitle::ProcessTitle(int argc, char** argv) {
  char* const last = argv[argc - 1];
  area_ = {argv[0], last + std::strlen(last) + 1};
}

void ProcessTitle::set(const std::vector<std::string>& args) {
  std::string title;
  for (const std::string& arg : args) title.append(arg.c_str(), arg.size() + 1);
  title.resize(std::min(title.size(), area_.size() - 1));
  std::fill(std::copy(title.begin(), title.end(), area_.begin()), area_.end(), '\0');
  // The start stays: moving it elsewhere would show, for a moment, all that lies between.
  const char* const end = area_.data() + title.size() + (title.ends_with('\0') ? 0 : 1);
  ::prctl(PR_SET_MM, PR_SET_MM_ARG_END, end, 0, 0);
}

}  // namespace wherry::sandbox
