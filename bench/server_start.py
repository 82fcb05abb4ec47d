#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From exec to the first 200 of examples/httpbin: native, Wherry with a warm cache, and with an empty one."""
import argparse
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import measure
import peers

EXAMPLE = peers.SOURCE / "examples" / "httpbin" / "cpp"
REQUEST = b"GET /healthz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n"
PATIENCE = 30
TARGETS = {"wherry, cached": "3", "wherry, empty cache": "15"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def first_answer(command, port, environment):
    """Seconds from exec to a 200; ends the server."""
    start = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - start < PATIENCE:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                    connection.sendall(REQUEST)
                    if b" 200 " in connection.recv(64):
                        return time.perf_counter() - start
            except ConnectionError:
                if child.poll() is not None:
                    break
        raise RuntimeError(f"{command[0]}: no answer, exit code {child.poll()}")
    finally:
        child.kill()
        child.wait()


def actions(directory):
    native, module = directory / "httpbin", EXAMPLE / "httpbin.wasm"
    subprocess.run([EXAMPLE / "build.sh", "--native", "-o", native], check=True)

    def start_native():
        port = free_port()
        return first_answer([native], port, {**os.environ, "PORT": str(port)})

    def start_wherry(cache):
        port = free_port()
        return first_answer([*peers.wherry().run[:2], "--cache", cache, "--env", f"PORT={port}", module], port, os.environ)

    def start_empty():
        with tempfile.TemporaryDirectory(dir=directory) as fresh:
            return start_wherry(pathlib.Path(fresh) / "cache")

    return {"native": start_native, "wherry, cached": lambda: start_wherry(directory / "cache"), "wherry, empty cache": start_empty}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, metavar="N", help="[default: 30]")
    options = parser.parse_args()
    if not peers.wherry():
        sys.exit("wherry is not built")
    with tempfile.TemporaryDirectory() as directory:
        todo = actions(pathlib.Path(directory))
        measure.interleaved(todo, 2)
        times = {name: measure.median(t) * 1000 for name, t in measure.interleaved(todo, options.rounds).items()}
    print(f"{'httpbin: exec -> 200':<22}{'median':>12}{'/ native':>10}{'target':>12}")
    for name, ms in times.items():
        target = f"{TARGETS[name]} ms" if name in TARGETS else ""
        print(f"{name:<22}{ms:9.2f} ms{ms / times['native']:10.2f}{target:>12}")


if __name__ == "__main__":
    main()
