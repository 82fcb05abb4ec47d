// SPDX-License-Identifier: Apache-2.0
// Debian's wasi-libc lacks what Rust's std refers to; its newer releases answer ENOTSUP too.
#include <errno.h>

int pthread_create(void *thread, void *attributes, void *start, void *argument) { return ENOTSUP; }
int pthread_join(void *thread, void *result) { return ENOTSUP; }
int pthread_detach(void *thread) { return ENOTSUP; }
int pthread_attr_init(void *attributes) { return 0; }
int pthread_attr_setstacksize(void *attributes, unsigned long size) { return 0; }
int pthread_attr_destroy(void *attributes) { return 0; }
