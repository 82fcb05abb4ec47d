#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs random programs with wherry and with a second engine and compares what they write and whether they trap.

    compare.py [--seconds N] [--seed FIRST] [--count N] [--keep FOLDER] -- WHERRY [RUN OPTIONS]
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import generator

BATCH = 20
HERE = pathlib.Path(__file__).resolve().parent


def outcome(done):
    """Of a process that ran one module: like a line of node_engine.js."""
    ended = {0: "ok", 134: "trap"}.get(done.returncode, f"exit {done.returncode}: {done.stderr.decode(errors='replace')[:300]}")
    return f"{done.stdout.hex()} {ended}"


def by_process(command):
    return lambda files: [outcome(subprocess.run([*command, file], capture_output=True, timeout=120)) for file in files]


def by_node(files):
    done = subprocess.run(["node", HERE / "node_engine.js", *files], capture_output=True, text=True, timeout=120)
    return done.stdout.splitlines()


def reference():
    """The second engine: (name, function from files to outcomes), or None."""
    if shutil.which("node"):
        return "node", by_node
    if shutil.which("wasmtime"):
        return "wasmtime", by_process(["wasmtime", "run"])
    return None


def differences(seeds, wherry, other, folder):
    """Yields (seed, wherry's outcome, the other's)."""
    files = []
    for seed in seeds:
        files.append(pathlib.Path(folder, f"{seed}.wasm"))
        files[-1].write_bytes(generator.module(seed))
    ours, theirs = wherry(files), other(files)
    if len(theirs) != len(files):
        raise RuntimeError(f"the second engine ran {len(theirs)} of {len(files)} modules")
    for seed, a, b in zip(seeds, ours, theirs):
        if a != b:
            yield seed, a, b


def place(a, b):
    """Which value differs first."""
    a, b = a.split(" ", 1), b.split(" ", 1)
    for n in range(0, max(len(a[0]), len(b[0])), 16):
        if a[0][n:n + 16] != b[0][n:n + 16]:
            return f"value {n // 16} is {a[0][n:n + 16] or a[1]}, should be {b[0][n:n + 16] or b[1]}"
    return f"ended with {a[1]}, should be {b[1]}"


def compare(command, seconds, first=1, count=10**9, keep=None):
    """(number of programs, list of texts about differences); stops at the first batch with one."""
    _, other = reference()
    deadline, done = time.monotonic() + seconds, 0
    with tempfile.TemporaryDirectory(prefix="wherry-compare-") as scratch:
        while time.monotonic() < deadline and done < count:
            seeds = range(first + done, first + done + min(BATCH, count - done))
            found = list(differences(seeds, by_process(command), other, keep or scratch))
            done += len(seeds)
            if found:
                return done, [" ".join(f"seed {seed}: {place(a, b)}".split()) for seed, a, b in found]
    return done, []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--keep")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if not reference():
        sys.exit("neither node nor wasmtime is installed")
    done, found = compare(options.command, options.seconds, options.seed, options.count, options.keep)
    print("\n".join([*found, f"{done} programs, {len(found)} differ"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
