#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From exec to exit of hello: Wherry with its cache warm, beside a static native program and the peers that are here."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import measure
import peers

HELLO = '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n'


def programs(directory):
    """(static native program, module)."""
    source = directory / "hello.c"
    source.write_text(HELLO)
    native, wasm = directory / "hello", directory / "hello.wasm"
    subprocess.run([peers.clang(), "-O2", "-static", source, "-o", native], check=True)
    subprocess.run([peers.clang(), "--target=wasm32-wasi", "-O2", source, "-o", wasm], check=True)
    return native, wasm


def commands(directory):
    native, wasm = programs(directory)
    found = {"native": [str(native)]}
    for runner in peers.runners():
        found[runner.name] = runner.prepare(wasm)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, metavar="N", help="[default: 200]")
    options = parser.parse_args()
    if not peers.clang():
        sys.exit("clang-19 is not installed")
    with tempfile.TemporaryDirectory() as directory:
        found = commands(pathlib.Path(directory))
        actions = {name: (lambda c=c: measure.spawn_seconds(c)) for name, c in found.items()}
        measure.interleaved(actions, 5)
        times = {n: measure.median(t) * 1000 for n, t in measure.interleaved(actions, options.rounds).items()}
        memory = {name: measure.peak_memory(c) for name, c in found.items()}
    print(f"{'hello: exec -> exit':<22}{'median':>12}{'/ native':>10}{'peak memory':>14}")
    for name, ms in times.items():
        print(f"{name:<22}{ms:9.2f} ms{ms / times['native']:10.2f}{memory[name] / 1e6:11.1f} MB")
    print(f"{'target of wherry':<22}{'1.50 ms':>12}{'3.30':>10}{'4.0 MB':>14}")


if __name__ == "__main__":
    main()
