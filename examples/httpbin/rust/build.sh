#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh [-o FILE]   httpbin.wasm, or FILE; CARGO_TARGET_DIR is respected
# build.sh --versions  what toolchain.txt records
#
# With rustup's wasm32-wasip1 target cargo does it all. Debian's rustc has no compiled std for it:
# packages rustc-web, rust-web-src and wasi-libc make one.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here/httpbin.wasm
target=wasm32-wasip1
debian_rustc=/usr/bin/rustc

versions() {
  cargo --version
  "$debian_rustc" --version
  wasm-ld-19 --version
  printf 'wasi-libc %s\n' "$(dpkg-query -W -f='${Version}' wasi-libc)"
}

while [ $# -gt 0 ]; do
  case $1 in
    --versions) versions; exit ;;
    -o) out=$2; shift ;;
    *) echo "build.sh: unknown argument $1" >&2; exit 2 ;;
  esac
  shift
done

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$here/target}"
cargo_home=${CARGO_HOME:-$HOME/.cargo}
cd "$here"

# No path of this machine, nor of a registry, is to end up in panic messages.
cargo fetch --locked --quiet
remap="--remap-path-prefix=$here=httpbin"
for crates in "$cargo_home"/registry/src/*; do
  remap="$remap --remap-path-prefix=$crates=crates"
done

if [ -x "$debian_rustc" ] && [ -e /usr/lib/wasm32-wasi/crt1-command.o ]; then
  stubs=$CARGO_TARGET_DIR/pthread_stubs.o
  mkdir -p "$CARGO_TARGET_DIR"
  clang-19 --target=wasm32-wasi -Oz -Wno-unused-parameter -c pthread_stubs.c -o "$stubs"
  sysroot=$("$debian_rustc" --print sysroot)
  export RUSTC="$debian_rustc" RUSTC_BOOTSTRAP=1
  export RUSTFLAGS="-C linker=wasm-ld-19 -C link-self-contained=no -L /usr/lib/wasm32-wasi
    -C link-arg=/usr/lib/wasm32-wasi/crt1-command.o -C link-arg=$stubs
    --remap-path-prefix=$sysroot=rust $remap"
  RUSTFLAGS=$(echo $RUSTFLAGS)
  cargo build --release --locked --target "$target" -Zbuild-std=std,panic_abort
else
  RUSTFLAGS="$remap" cargo build --release --locked --target "$target"
fi
cp "$CARGO_TARGET_DIR/$target/release/httpbin.wasm" "$out"
