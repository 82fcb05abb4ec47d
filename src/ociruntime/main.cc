// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/commands.h"

#include "sandbox/init.h"

int main(int argc, char** argv) {
  if (wherry::sandbox::is_init(argc, argv)) return wherry::sandbox::init_main(argc, argv);
  return wherry::ociruntime::main(argc, argv);
}
