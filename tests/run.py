#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds, then runs every test. The last line is `N passed, N failed, N skipped`. See tests/README.md."""
import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE / "tests" / "lib"))

import parts  # noqa: E402
from results import FAIL, PASS, SKIP, Result, Results, last_lines  # noqa: E402

# Unit tests that do not run under AddressSanitizer, each with the reason.
WITHOUT_ASAN = {
    "sandbox": "its processes re-execute themselves behind a system call filter that the sanitizers do not fit through",
    "llvm_contract": "runs LLVM's code",
}

# Suites that want programs which take long to build: they come last, and the programs are built meanwhile.
LATE = ("cgroup2", "lsm", "critest", "k8s", "sandbox_api", "forms")
TOOLS = ("containerd-2.4", "cni", "cri", "runc", "etcd", "kubernetes", "containerd-1.7")

# Unit tests under ThreadSanitizer: those of code with threads, and which of their cases.
UNDER_TSAN = {"ttrpc": "*", "grpc": "*", "task": "*", "shim": "*", "engine": "*", "codegen": "Parallel.*", "runtime": "TypeRegistry.*"}
# Code with threads that does not run there, each with the reason.
WITHOUT_TSAN = {
    "runtime": "an interrupt is a signal, which the sanitizer holds back until the thread calls into libc: a guest's loop never does",
    "wasi": "its watcher interrupts guests, see runtime",
    "sandbox": WITHOUT_ASAN["sandbox"],
}

TSAN_ENVIRONMENT = {"TSAN_OPTIONS": "halt_on_error=1:history_size=4"}

ASAN_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:handle_segv=0:allow_user_segv_handler=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


def build(tree, preset, wants=None):
    """Configures and builds a tree, with `wants` only the unit tests that it is true for; returns one result."""
    configure = ["cmake", "--preset", preset, "-B", str(tree), "-DCMAKE_CXX_FLAGS_DEBUG=-g1"]
    targets = []
    done = subprocess.run(configure, cwd=SOURCE, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0 and wants:
        listing = subprocess.run(["ninja", "-C", str(tree), "-t", "targets", "all"], capture_output=True, text=True)
        names = [line.removesuffix(": phony") for line in listing.stdout.splitlines() if line.endswith("_test: phony")]
        targets = [n for n in names if "/" not in n and not n.startswith("cmake_") and wants(n.removesuffix("_test"))]
    if done.returncode == 0:
        done = subprocess.run(["nice", "ninja", "-C", str(tree), *targets], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
    if done.returncode == 0:
        return [Result(PASS, f"{preset} tree")]
    return [Result(FAIL, f"{preset} tree", "does not build", last_lines(done.stdout + done.stderr, 60))]


def environment_of(tree):
    shared = SOURCE.parent / "shared"
    defaults = {"WHERRY_TESTDATA": str(shared / "testdata"), "WHERRY_GUESTS": str(shared / "guests")}
    return {**defaults, **os.environ, "WHERRY_BUILD": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}


def plan(options):
    """The parts of this run in order: (name, function that returns results)."""
    tree, asan, tsan = options.build, SOURCE / "build-asan", SOURCE / "build-tsan"
    environment = environment_of(tree)
    yield "build", lambda: build(tree, "release")
    yield "checks", lambda: parts.checks(SOURCE)
    yield "unit", lambda: parts.unit_tests(tree, environment)
    suites = {name: lambda file=file: parts.suite(file, SOURCE, environment) for name, file in parts.suites(SOURCE).items()}
    yield from ((name, function) for name, function in suites.items() if name not in LATE)
    yield "build-asan", lambda: build(asan, "asan", lambda name: name not in WITHOUT_ASAN)
    yield "unit-asan", lambda: [
        *parts.unit_tests(asan, {**environment_of(asan), **ASAN_ENVIRONMENT}, WITHOUT_ASAN),
        *(Result(SKIP, name, reason) for name, reason in WITHOUT_ASAN.items())]
    yield "build-tsan", lambda: build(tsan, "tsan", lambda name: name in UNDER_TSAN)
    yield "unit-tsan", lambda: [
        *parts.unit_tests(tsan, {**environment_of(tsan), **TSAN_ENVIRONMENT}, only=UNDER_TSAN),
        *(Result(SKIP, name, reason) for name, reason in WITHOUT_TSAN.items())]
    yield from ((name, suites[name]) for name in LATE)


@contextlib.contextmanager
def tools_in_the_background(wanted):
    """Builds what suites would build when it is their turn, if they are wanted, with what the processors have to spare."""
    if not wanted:
        yield
        return
    command = ["nice", "-n", "19", sys.executable, SOURCE / "tests" / "lib" / "tools.py", *TOOLS]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def run_parts(chosen, results):
    for name, function in chosen:
        start = time.monotonic()
        found = list(function())
        results.add_part(name, found, time.monotonic() - start)
        if name.startswith("build") and found[0].state == FAIL:
            break


def main():
    parser = argparse.ArgumentParser(description="runs the tests")
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these parts; see --list")
    parser.add_argument("--list", action="store_true", help="print the parts")
    parser.add_argument("--build", type=lambda p: pathlib.Path(p).resolve(), default=SOURCE / "build",
                        metavar="DIR", help="the release tree [default: build]")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # progress, also into a file
    todo = list(plan(options))
    if options.list:
        print("\n".join(name for name, _ in todo))
        return 0
    unknown = set(options.parts) - {name for name, _ in todo}
    if unknown:
        parser.error(f"no part named {', '.join(sorted(unknown))}; see --list")

    results = Results()
    chosen = [(name, function) for name, function in todo if not options.parts or name in options.parts]
    with tools_in_the_background(wanted=any(name in LATE for name, _ in chosen) and len(chosen) > 1):
        run_parts(chosen, results)
    line = results.summary()
    options.build.mkdir(exist_ok=True)
    (options.build / "test-summary").write_text(line + "\n")
    print(line)
    return 1 if results.count(FAIL) or not results.count(PASS) else 0


if __name__ == "__main__":
    sys.exit(main())
