#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""WASI preview 1: the modules of wasi-testsuite under `wherry run`, as its specification.md says."""
# timeout: 300
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from suite import TESTDATA, Skip, Suite, equal, guest, program  # noqa: E402

ARCHIVE = TESTDATA / "wasi-testsuite.tar.zst"
LANGUAGES = ("assemblyscript", "c", "rust")
MODULES = 72
TIMEOUT = 60

OWN_GUESTS = pathlib.Path(__file__).resolve().parent / "guests"

# Where guests/probe.wasm gets another answer here than from wasmtime 49, whose
# output is guests/probe.wasmtime49.txt: (what was called, wasmtime's, ours, why).
DIFFERENCES = [
    ("stat link slash", "0", "54", "a slash after a link to a file is an error, as for stat()"),
    ("rmdir link slash", "28", "54", "the kernel's answer"),
    ("rmdir slash", "28", "0", "a slash after a directory is no error"),
    ("standard input: set_flags append", "8", "0", "flags of stdio can be set: a guest may want it not to block"),
    ("standard input: set_flags sync", "8", "28", "likewise"),
    ("standard input: set_flags none", "8", "0", "likewise"),
    ("standard error: set_flags append", "8", "0", "likewise"),
    ("standard error: set_flags sync", "8", "28", "likewise"),
    ("standard error: set_flags none", "8", "0", "likewise"),
    ("preopen: set_times", "8", "0", "a preopened directory is a directory"),
    ("directory: datasync", "8", "0", "a directory can be synced, as databases do"),
    ("directory: sync", "8", "0", "likewise"),
    ("nothing: set_times both", "28", "8", "the descriptor is looked at first"),
]

suite = Suite()
cache = tempfile.TemporaryDirectory()


def wherry_run():
    """The beginning of a command line, with a cache that no other test has a hand in."""
    return [program("wherry"), "run", "--cache", cache.name]


def unpack(directory):
    subprocess.run(["tar", "--zstd", "-xf", ARCHIVE, "-C", directory], check=True)
    return pathlib.Path(directory) / "wasi-testsuite" / "base"


def run_module(module, directory):
    """Runs one module in a copy of its root folder and compares what it did with its .json."""
    spec_file = module.with_suffix(".json")
    spec = json.loads(spec_file.read_text()) if spec_file.exists() else {}
    options = []
    if spec.get("root"):
        root = pathlib.Path(directory) / "root"
        shutil.copytree(module.parent / spec["root"], root, symlinks=True)
        for left in root.rglob("*.cleanup"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        options += ["--dir", f"{root}::/"]
    for name, value in spec.get("env", {}).items():
        options += ["--env", f"{name}={value}"]
    done = subprocess.run([*wherry_run(), *options, module, *spec.get("args", ())],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    stderr = done.stderr.decode(errors="replace")
    equal(done.returncode, spec.get("exit_code", 0), f"exit code (stderr: {stderr.strip()[:400]!r})")
    for name, actual in ("stdout", done.stdout.decode(errors="replace")), ("stderr", stderr):
        if name in spec:
            equal(actual, spec[name], name)


def add_modules(base):
    modules = [file for language in LANGUAGES for file in sorted((base / language / "wasm32-wasip1").glob("*.wasm"))]
    for module in modules:
        @suite.test(f"{module.parent.parent.name}/{module.stem}")
        def _(module=module):
            with tempfile.TemporaryDirectory() as directory:
                run_module(module, directory)

    @suite.test("every module of the suite was run")
    def _():
        equal(len(modules), MODULES, "number of modules")


def answers(text):
    """The lines of the probe as [(what, answer)], a section's name before what is asked in several."""
    section, found = "", []
    for line in text.splitlines():
        if line.startswith("-- "):
            section = line[3:]
            continue
        what, answer = line.split(": ", 1)
        found.append((what if section in ("", "names", "opening") else f"{section}: {what}", answer))
    return found


@suite.test("every call answers as wasmtime 49 does, but for the listed differences")
def _():
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([*wherry_run(), "--dir", f"{directory}::/", OWN_GUESTS / "probe.wasm"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    equal((done.returncode, done.stderr), (0, b""), "exit code and stderr")
    theirs = answers((OWN_GUESTS / "probe.wasmtime49.txt").read_text())
    ours = answers(done.stdout.decode())
    equal([what for what, _ in ours], [what for what, _ in theirs], "the calls")
    found = [(what, a, b) for (what, a), (_, b) in zip(theirs, ours) if a != b]
    equal(found, [(what, a, b) for what, a, b, _ in DIFFERENCES], "the differences")


@suite.test("a closed pipe ends the guest as it ends any program")
def _():
    command = [*wherry_run(), OWN_GUESTS / "yes.wasm"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        equal(child.stdout.readline(), b"y\n", "the first line")
        child.stdout.close()
        errors = child.stderr.read()
        equal((child.wait(TIMEOUT), errors), (141, b""), "exit code and stderr")


@suite.test("the time limit ends a guest that waits")
def _():
    with subprocess.Popen([*wherry_run(), "--timeout", "50ms", OWN_GUESTS / "cat.wasm"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        errors = child.stderr.read()
        equal(child.wait(TIMEOUT), 134, "exit code")
        assert b"time limit" in errors, errors


@suite.test("the time limit ends a guest whose output nobody takes")
def _():
    with subprocess.Popen([*wherry_run(), "--timeout", "50ms", OWN_GUESTS / "yes.wasm"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        equal(child.wait(TIMEOUT), 134, "exit code")
        assert b"time limit" in child.stderr.read()


def run_with_names(*arguments, options=()):
    """Runs the guest that resolves names where names.py knows only host.test."""
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("unshare", "ip", "mount")):
        raise Skip("needs root, unshare and ip")
    if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True).returncode != 0:
        raise Skip("no namespaces here")
    command = [*wherry_run(), *options, guest("sock-udp-dns-s055.wasm"), *arguments]
    return subprocess.run(["unshare", "--net", "--mount", pathlib.Path(__file__).with_name("names.py"), "host.test", *command],
                          capture_output=True, timeout=TIMEOUT)


@suite.test("a name is resolved by the name server of resolv.conf")
def _():
    done = run_with_names("get", "host.test", "8080")
    text = done.stdout.decode(errors="replace")
    equal(done.returncode, 0, f"exit code (stderr: {done.stderr!r})")
    assert text.startswith("addrs [127.0.0.1:8080]\n") and text.endswith("found host.test\n"), text


@suite.test("a name of the hosts file is resolved without asking")
def _():
    done = run_with_names("get", "localhost", "8080")
    equal((done.returncode, done.stdout.decode().splitlines()[0]), (0, "addrs [127.0.0.1:8080]"), "exit code and first line")


@suite.test("a name that does not exist is an error for the guest")
def _():
    done = run_with_names("get", "other.test", "8080")
    equal(done.returncode, 1, "exit code")
    assert b"Os { code: 84" in done.stderr, f"not ainoname: {done.stderr!r}"


@suite.test("the time limit ends the wait for a name server")
def _():
    done = run_with_names("get", "slow.test", "8080", options=["--timeout", "100ms"])
    equal(done.returncode, 134, f"exit code (stderr: {done.stderr!r})")
    assert b"time limit" in done.stderr, done.stderr


def main():
    if not ARCHIVE.exists():
        @suite.test("wasi-testsuite")
        def _():
            raise Skip("wasi-testsuite.tar.zst is not in WHERRY_TESTDATA")
        suite.main()
    with tempfile.TemporaryDirectory() as directory:
        add_modules(unpack(directory))
        suite.main()


main()
