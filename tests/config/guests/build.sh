#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the guest again. Needs clang-19, lld-19, wasi-libc and libclang-rt-19-dev-wasm32.
set -eu
cd "$(dirname "$0")"
clang-19 --target=wasm32-wasi -Os -s -Wall -Wextra -o terms.wasm terms.c
