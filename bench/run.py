#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: everything that is measured, a table for each question; ratios come from interleaved runs."""
import argparse
import os
import pathlib
import subprocess
import sys

import peers

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ("validate_bench", "calls_bench", "instance_bench")


def parts():
    """{name: (title, argument vector)} in order."""
    modules = [peers.GUESTS / name for name in ("c-sqlite.wasm", "go-hello.wasm")]
    found = {
        "kernels": ("time of kernels / native clang -O3", [HERE / "kernels.py"]),
        "compile": ("compile speed, memory, code size", [HERE / "compile.py"]),
        "validate": ("decoding and validation, one core", [_program("validate_bench"), *modules]),
        "calls": ("calls between host and guest", [_program("calls_bench")]),
        "instances": ("instances, with and without a pool", [HERE / "instances.py"]),
        "start": ("start of a program", [HERE / "start.py"]),
        "server": ("start of a server", [HERE / "server_start.py"]),
        "containers": ("containers", [HERE / "containers.py"]),
        "pods": ("pods on a one-node Kubernetes", [HERE / "pods.py"]),
    }
    return {name: part for name, part in found.items() if all(pathlib.Path(p).exists() for p in part[1])}


def _program(name):
    return next(peers.BUILD.glob(f"**/{name}"), peers.BUILD / name)


def about_the_machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} x {model}, Linux {os.uname().release}, load {load:.1f}"
          f", peers: {', '.join(r.name for r in peers.runners()[1:]) or 'none'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these [default: all]")
    options = parser.parse_args()
    subprocess.run(["ninja", "-C", peers.BUILD, "--quiet", *PROGRAMS], check=True)
    todo = parts()
    unknown = set(options.parts) - todo.keys()
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(todo)}")
    about_the_machine()
    failed = []
    for name, (title, command) in todo.items():
        if options.parts and name not in options.parts:
            continue
        print(f"\n== {title}", flush=True)
        if subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL).returncode != 0:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
