#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tests' own tools: that failures are seen, and that a private containerd leaves nothing."""
# timeout: 600
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

LIB = pathlib.Path(__file__).resolve().parents[1] / "lib"
sys.path.insert(0, str(LIB))
import parts  # noqa: E402
import tools  # noqa: E402
from containerd import RUNC, Containerd  # noqa: E402
from image import write_image  # noqa: E402
from remains import Remains  # noqa: E402
from suite import SOURCE, Skip, Suite, equal, wait_until  # noqa: E402
from wasm_module import interface  # noqa: E402

HELLO = b"""#include <stdio.h>
#include <unistd.h>
int main(int argc, char** argv) { puts("hello"); fflush(stdout); return argc > 1 ? pause() : 3; }
"""
DAEMON = """import sys; sys.path.insert(0, {lib!r})
from containerd import Containerd
with Containerd() as daemon:
    print(daemon.directory, flush=True)
    sys.stdin.readline()
    raise KeyError("as a broken test would")
"""

suite = Suite()


def need_containerd():
    if os.geteuid() != 0:
        raise Skip("needs root")
    for name in ("containerd", "ctr", "runc"):
        if not shutil.which(name):
            raise Skip(f"no {name}")


def hello_image(directory):
    source = pathlib.Path(directory) / "hello.c"
    source.write_bytes(HELLO)
    subprocess.run(["cc", "-static", "-O1", source, "-o", source.with_suffix("")], check=True)
    return write_image(source.with_suffix(".tar"), "wherry.test/hello:1", {"bin/hello": source.with_suffix("")},
                       ["/bin/hello"])


def runs_and_leaks(daemon, image):
    """A container runs; one that still runs is a leak, removed it is none."""
    equal(daemon.import_image(image), ["wherry.test/hello:1"], "imported images")
    done = daemon.run("wherry.test/hello:1", "c1", runtime=RUNC)
    equal((done.returncode, done.stdout), (3, "hello\n"), f"exit code and stdout ({done.stderr.strip()})")
    equal(daemon.leaks(), [], "leaks after a container")
    daemon.ctr("run", "--detach", "--runtime", RUNC, "wherry.test/hello:1", "c2", "/bin/hello", "wait")
    daemon.wait_status("c2", "RUNNING")
    kinds = {line.split()[0] for line in daemon.leaks(timeout=0)}
    assert {"process", "mount", "cgroup", "bundle"} <= kinds, f"of a running container only these are found: {kinds}"
    daemon.restart()
    daemon.wait_status("c2", "RUNNING")
    daemon.remove("c2")
    equal(daemon.leaks(), [], "leaks after removal")


@suite.test("containerd of the distribution: container, restart, leak check")
def _():
    need_containerd()
    with tempfile.TemporaryDirectory() as directory, Containerd() as daemon:
        runs_and_leaks(daemon, hello_image(directory))


@suite.test("containerd 2.4: container, restart, leak check")
def _():
    need_containerd()
    where, reason = tools.containerd("2.4", timeout=280)
    if not where:
        raise Skip(reason)
    with tempfile.TemporaryDirectory() as directory, Containerd(where / "containerd") as daemon:
        runs_and_leaks(daemon, hello_image(directory))


def started_daemon():
    need_containerd()
    child = subprocess.Popen([sys.executable, "-c", DAEMON.format(lib=str(LIB))], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return child, pathlib.Path(child.stdout.readline().strip())


def expect_gone(child, directory):
    child.wait(20)
    child.stdin.close()
    child.stdout.close()
    assert not directory.exists(), f"{directory} is still there"
    equal(Remains(directory).found(), [], "remains")


for _name, _signal in (("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT)):
    @suite.test(f"a harness ended by {_name} leaves nothing")
    def _(number=_signal):
        child, directory = started_daemon()
        child.send_signal(number)
        expect_gone(child, directory)


@suite.test("a harness ended by an exception leaves nothing")
def _():
    child, directory = started_daemon()
    child.stdin.write("go on\n")
    child.stdin.flush()
    expect_gone(child, directory)


@suite.test("what a killed harness left is removed by the next")
def _():
    child, directory = started_daemon()
    child.kill()
    child.wait()
    assert directory.exists(), "nothing was left to remove"
    with Containerd():
        expect_gone(child, directory)


@suite.test("GoogleTest output: passed, failed with detail, skipped with reason")
def _():
    output = "\n".join((
        "[ RUN      ] A.works", "[       OK ] A.works (0 ms)",
        "[ RUN      ] A.breaks", "a.cc:3: Failure", "[  FAILED  ] A.breaks, where GetParam() = 1 (0 ms)",
        "[ RUN      ] A.cannot", "a.cc:9: Skipped", "no such machine", "[  SKIPPED ] A.cannot (0 ms)",
        "[  FAILED  ] A.breaks"))
    equal([(r.state, r.name, r.reason) for r in parts.gtest_results(output)],
          [("PASS", "A.works", ""), ("FAIL", "A.breaks", "see below"), ("SKIP", "A.cannot", "no such machine")], "results")


@suite.test("suite output: detail belongs to the failure above it")
def _():
    output = "noise\nPASS one: with a colon\nFAIL two: why\n  detail\nSKIP three: reason\n  not detail\n"
    equal([(r.state, r.name, r.reason, r.detail) for r in parts.suite_results(output)],
          [("PASS", "one: with a colon", "", ""), ("FAIL", "two", "why", "detail\n"), ("SKIP", "three", "reason", "")],
          "results")


def suite_of(script, **environment):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "run"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return [(r.state, r.name, r.reason) for r in parts.suite(file, SOURCE, {**os.environ, **environment})]


@suite.test("a suite that crashes, hangs or says nothing fails")
def _():
    itself = "the suite itself"
    equal(suite_of("echo PASS one; exit 3"), [("PASS", "one", ""), ("FAIL", itself, "exit code 3")], "crash")
    equal(suite_of("exit 0"), [("FAIL", itself, "printed no result")], "silence")
    equal(suite_of("# timeout: 1\necho PASS one; sleep 100"),
          [("PASS", "one", ""), ("FAIL", itself, "ran longer than 1 s")], "hang")
    equal(suite_of("echo PASS one; kill -SEGV $$")[-1], ("FAIL", itself, "killed by SIGSEGV"), "signal")


@suite.test("the layer check names the include that goes upward")
def _():
    with tempfile.TemporaryDirectory() as directory:
        top = pathlib.Path(directory)
        for folder in ("tools", "src/base", "src/wasm"):
            (top / folder).mkdir(parents=True)
        check = shutil.copy(SOURCE / "tools" / "check_layers.py", top / "tools")
        (top / "src/LAYERS").write_text("# comment\nbase:\nwasm: base\n")
        (top / "src/wasm/a.h").write_text('#include "base/b.h"\n')
        (top / "src/base/b.h").write_text("#pragma once\n")
        done = subprocess.run([sys.executable, check], capture_output=True, text=True)
        equal((done.returncode, done.stdout), (0, ""), "result for a good tree")
        (top / "src/base/b.h").write_text('#pragma once\n#include "wasm/a.h"\n')
        done = subprocess.run([sys.executable, check], capture_output=True, text=True)
        equal((done.returncode, done.stdout), (1, "base/b.h:2: base/ may not include wasm/\n"), "result for a bad one")


@suite.test("imports and exports are read from a module")
def _():
    module = bytes.fromhex("0061736d01000000"      # header
                           "0108" "02" "60017f00" "600000"  # types: (i32) -> (), () -> ()
                           "0207" "01" "0161" "0162" "00" "00"  # import a.b
                           "0302" "01" "01"
                           "0705" "01" "0178" "00" "01"      # export x
                           "0a04" "01" "02000b")
    with tempfile.NamedTemporaryFile(suffix=".wasm") as file:
        file.write(module)
        file.flush()
        equal(interface(file.name), (["a b (i32) -> ()"], ["func x"]), "interface")


suite.main()
