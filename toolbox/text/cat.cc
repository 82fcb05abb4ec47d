// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "core/options.h"

namespace toolbox {
namespace {

struct Numbering {
  bool all = false, nonblank = false, ends = false;
  int next = 1;
};

bool number_lines(Input& in, Output& out, Numbering& numbering) {
  std::string line;
  bool ended;
  while (in.line(line, '\n', &ended)) {
    const bool counts = numbering.nonblank ? !line.empty() : numbering.all;
    if (counts) out.format("%6d\t", numbering.next++);
    out.write(line);
    if (ended) out.write(numbering.ends ? "$\n" : "\n");
  }
  return !in.failed();
}

}  // namespace

int cat(Context& context, Arguments arguments) {
  Options options(context, arguments, "unbeE");
  if (!options.ok()) return usage_error(context);
  Numbering numbering{options.has('n'), options.has('b'), options.has('e') || options.has('E')};
  const bool plain = !numbering.all && !numbering.nonblank && !numbering.ends;
  if (options.operands.empty()) options.operands = {"-"};
  int code = 0;
  for (const std::string& path : options.operands) {
    std::unique_ptr<Input> holder;
    Input* const in = context.open(path, holder);
    if (!in) {
      code = 1;
      continue;
    }
    const bool done = plain ? copy(*in, context.out) : number_lines(*in, context.out, numbering);
    if (context.out.failed()) return context.fail_errno("write error");
    if (!done) errno = in->error(), code = context.fail_errno(path);
  }
  return code;
}

}  // namespace toolbox
