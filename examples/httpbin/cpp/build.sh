#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh [-o FILE]           httpbin.wasm, or FILE
# build.sh --native [-o FILE]  the same sources as a static native program
# build.sh --versions          what toolchain.txt records
set -eu

here=$(cd "$(dirname "$0")" && pwd)
kind=wasm
out=
while [ $# -gt 0 ]; do
  case $1 in
    --native) kind=native ;;
    --versions) kind=versions ;;
    -o) out=$2; shift ;;
    *) echo "build.sh: unknown argument $1" >&2; exit 2 ;;
  esac
  shift
done

common="-std=c++20 -fno-exceptions -fno-rtti -Wall -Wextra -ffunction-sections -fdata-sections
  -ffile-prefix-map=$here/=  -DNDEBUG"
sources="connection json main request routes"

all() {  # the sources with the socket layer $1
  for name in $sources "socket_$1"; do printf '%s ' "$here/src/$name.cc"; done
}

case $kind in
  versions)
    clang++-19 --version | head -n 1
    wasm-ld-19 --version
    for package in wasi-libc libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32; do
      printf '%s %s\n' "$package" "$(dpkg-query -W -f='${Version}' "$package")"
    done
    ;;
  wasm)
    clang++-19 --target=wasm32-wasi -Oz -flto $common -mbulk-memory -mnontrapping-fptoint -msign-ext \
      $(all wasmedge) -o "${out:-$here/httpbin.wasm}" -Wl,--gc-sections -Wl,--strip-all -Wl,-z,stack-size=131072
    ;;
  native)
    "${CXX:-g++}" -O2 $common -static $(all posix) -o "${out:-$here/httpbin}" -Wl,--gc-sections -s
    ;;
esac
