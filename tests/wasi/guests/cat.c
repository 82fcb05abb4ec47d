// SPDX-License-Identifier: Apache-2.0
// Copies standard input to standard output.
//
//   clang-19 --target=wasm32-wasi -Os -s -nostartfiles -o cat.wasm cat.c
#include <wasi/api.h>

void _start(void) {
  static uint8_t bytes[4096];
  for (;;) {
    const __wasi_iovec_t in = {bytes, sizeof bytes};
    __wasi_size_t size, written;
    if (__wasi_fd_read(0, &in, 1, &size) != 0) __wasi_proc_exit(1);
    if (size == 0) __wasi_proc_exit(0);
    const __wasi_ciovec_t out = {bytes, size};
    if (__wasi_fd_write(1, &out, 1, &written) != 0) __wasi_proc_exit(2);
  }
}
