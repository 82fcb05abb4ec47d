#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile speed a core, memory and code size: Wherry's one pass beside wasmtime's compilers, in turns."""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import measure
import peers

MODULES = ("c-sqlite.wasm", "go-hello.wasm", "httpbin-tokio1.25-sock0.5.wasm")


def compilers(directory):
    """{name: function from (module, number of the run) to (argument vector, where the result is)}."""
    found = {}
    wherry = peers.wherry()
    if wherry:
        def ours(module, run):
            cache, out = directory / f"cache{run}", directory / "wherry.out"
            return [wherry.run[0], "compile", "--quiet", "--cache", cache, "-o", out, module], out
        found["wherry"] = ours
    wasmtime = peers.wasmtime()
    for name in ("winch", "cranelift") if wasmtime else ():
        def theirs(module, run, name=name):
            out = directory / f"{name}.out"
            return [wasmtime, "compile", "-C", f"compiler={name}", "-o", out, module], out
        found[name] = theirs
    return found


def cost(command):
    """(seconds, CPU seconds, peak bytes) of a program and those it waited for."""
    start = time.perf_counter()
    process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise RuntimeError(said.decode(errors="replace").strip().splitlines()[0] if said else f"exit code {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def code_bytes(path):
    """Bytes of the executable segments of an ELF file, or of the section .text."""
    text = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True).stdout
    for line in text.splitlines():
        fields = line.replace("[ ", "[").split()
        if len(fields) > 6 and fields[1] == ".text":
            return int(fields[5], 16)
    return 0


def compare(module, found, rounds):
    size = module.stat().st_size
    seen, code = {name: [] for name in found}, {}
    for run in range(rounds):
        for name, command_of in list(found.items()):
            command, out = command_of(module, run)
            try:
                seen[name].append(cost(command))
                code[name] = code_bytes(out)
            except RuntimeError as error:
                print(f"{module.name}: {name}: {error}", file=sys.stderr)
                seen.pop(name), found.pop(name)
    for name, costs in seen.items():
        wall, cpu, memory = (measure.median(column) for column in zip(*costs))
        print(f"{module.stem[:24]:<25}{name:<10}{size / wall / 1e6:8.1f} MB/s{size / cpu / 1e6:8.1f} MB/s a core"
              f"{memory / 1e6:8.0f} MB{code[name] / size:8.2f} code/wasm", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", nargs="*", type=pathlib.Path, help="[default: some of WHERRY_GUESTS]")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="[default: 5]")
    options = parser.parse_args()
    modules = options.module or [peers.GUESTS / name for name in MODULES if (peers.GUESTS / name).exists()]
    if not modules:
        sys.exit("no modules: give some, or set WHERRY_GUESTS")
    for module in modules:
        with tempfile.TemporaryDirectory() as directory:
            compare(module, compilers(pathlib.Path(directory)), options.rounds)


if __name__ == "__main__":
    main()
