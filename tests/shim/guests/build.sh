#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the guests again. Needs clang-19, lld-19, wasi-libc, libclang-rt-19-dev-wasm32 and wabt.
set -eu
cd "$(dirname "$0")"
clang-19 --target=wasm32-wasi -Os -s -Wall -Wextra -o probe.wasm probe.c
wat2wasm hello.wat -o hello.wasm
