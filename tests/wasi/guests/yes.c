// SPDX-License-Identifier: Apache-2.0
// Writes "y" for ever, one line a call.
//
//   clang-19 --target=wasm32-wasi -Os -s -nostartfiles -o yes.wasm yes.c
#include <wasi/api.h>

void _start(void) {
  const __wasi_ciovec_t line = {(const uint8_t *)"y\n", 2};
  __wasi_size_t size;
  for (;;) {
    if (__wasi_fd_write(1, &line, 1, &size) != 0) __wasi_proc_exit(1);
  }
}
