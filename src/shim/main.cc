// SPDX-License-Identifier: Apache-2.0
// containerd-shim-wherry-v1: what containerd runs for io.containerd.wherry.v1,
// and, as `init` and `exec`, the processes of containers.
#include <google/protobuf/stubs/logging.h>

#include <cstdio>

#include "sandbox/init.h"
#include "shim/delete.h"
#include "shim/info.h"
#include "shim/start.h"

int main(int argc, char** argv) {
  using namespace wherry;
  if (sandbox::is_init(argc, argv)) return sandbox::init_main(argc, argv);
  // What `start` prints on stderr becomes part of the address.
  google::protobuf::SetLogHandler(nullptr);
  const shim::Flags flags = shim::parse_flags({argv + 1, argv + argc});
  if (flags.version) return shim::print_version();
  if (flags.info) return shim::print_info();
  if (flags.action == "start") return shim::start(flags);
  if (flags.action == "delete") return shim::delete_bundle(flags);
  std::fprintf(stderr, "containerd-shim-wherry-v1: this program is started by containerd, with `start` or `delete`\n");
  return 2;
}
