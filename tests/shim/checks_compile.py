# SPDX-License-Identifier: Apache-2.0
"""A compilation in Create: it holds nobody up, and its end by force leaves nothing."""
import contextlib
import glob
import os
import pathlib
import signal

import pause_bundle
from checks_start import bundles, invoke, shut_down, socket_of, started
from checks_task import end
from checks_ttrpc import refused
from protocol import Connection, varint
from suite import equal, program, wait_until
from world import SHIM

SIZE = 24 << 20  # compiles for a second or so: long enough to be stopped in the middle


def large_module():
    """A module that no cache has seen, with many instructions."""
    body = b"\0" + b"\x41\0\x1a" * 10000 + b"\x0b"
    count = SIZE // len(body)
    code = varint(count) + (varint(len(body)) + body) * count
    functions = varint(count) + b"\0" * count
    export = b"\x01\x06_start\0\0"
    unique = b"\x02id" + os.urandom(16)
    sections = ((1, b"\x01\x60\0\0"), (3, functions), (7, export), (10, code), (0, unique))
    return b"\0asm\1\0\0\0" + b"".join(bytes([n]) + varint(len(s)) + s for n, s in sections)


def children(pid, name):
    found = []
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        with contextlib.suppress(OSError):
            for child in pathlib.Path(task).read_text().split():
                if pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0] == name.encode():
                    found.append(int(child))
    return found


@contextlib.contextmanager
def stopped_compilation():
    """A shim with a pause container p1 and a Create of p2 whose compiler is stopped.

    Yields (connection, stream of the Create, pid of the compiler, pid of the shim)."""
    program("wherryc")
    config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/w")
    config["annotations"] = {}
    config["process"]["args"] = ["/large.wasm"]
    with bundles(pause_bundle.config(), config) as (address, [pause, wasm]):
        (wasm / "rootfs" / "large.wasm").write_bytes(large_module())
        with started(pause, address, "p1"), Connection(socket_of(address, "p1")) as shim:
            shim.call("Create", {1: "p1", 2: str(pause)})
            shim_pid = shim.call("Connect", {1: "p1"})[1][0]
            creating = shim.send("Create", {1: "p2", 2: str(wasm)})
            wait_until(lambda: children(shim_pid, "wherryc"), "compiler")
            [compiler] = children(shim_pid, "wherryc")
            os.kill(compiler, signal.SIGSTOP)
            try:
                yield shim, creating, compiler, shim_pid
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(compiler, signal.SIGKILL)
                if alive(shim_pid):
                    for container in ("p2", "p1"):
                        end(shim, container)
                else:
                    invoke(pause, address, "p1", "delete")
                pause_bundle.remove_cgroup()


def register(suite):
    @suite.test("a compilation holds up no other call")
    def _():
        with stopped_compilation() as (shim, creating, _, _):
            for method in ("State", "Connect", "Pids", "Stats"):
                shim.call(method, {1: "p1"})
            shim.call("Start", {1: "p1"})
            shim.call("Kill", {1: "p1", 3: 9})
            equal(shim.call("Wait", {1: "p1"})[1], [137], "exit status")
            shim.call("Delete", {1: "p1"})
            assert not shim.has_answer(creating), "Create was over"
            equal(shim.call("State", {1: "p2"})[4], [1], "status of what is being created")
            equal(refused(shim.call, "Kill", {1: "p2", 3: 9})[0], 9, "Kill of what is being created")

    @suite.test("a killed compiler is one clear line and leaves nothing")
    def _():
        with stopped_compilation() as (shim, creating, compiler, shim_pid):
            os.kill(compiler, signal.SIGKILL)
            code, message = refused(shim.answer, creating)
            equal(code, 2, "code")
            assert "large.wasm" in message and "compiler" in message and "\n" not in message, message
            equal(refused(shim.call, "State", {1: "p2"})[0], 5, "State")
            equal(children(shim_pid, "wherryc"), [], "compilers")
            equal(glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}/w"), [], "cgroups")

    @suite.test("a task deleted while it is being created is gone when the compiler is")
    def _():
        with stopped_compilation() as (shim, creating, compiler, _):
            equal(refused(shim.call, "Delete", {1: "p2"})[0], 5, "Delete")
            equal(refused(shim.call, "State", {1: "p2"})[0], 5, "State")
            os.kill(compiler, signal.SIGCONT)
            message = refused(shim.answer, creating)[1]
            assert "deleted while it was being created" in message, message
            equal(glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}/w"), [], "cgroups")

    @suite.test("a compiler does not outlive its shim")
    def _():
        with stopped_compilation() as (_, _, compiler, shim_pid):
            os.kill(shim_pid, signal.SIGKILL)
            wait_until(lambda: not alive(compiler), "end of the compiler")

    @suite.test("a shim goes on compiling after the programs were replaced")
    def _():
        import shutil
        import subprocess
        import tempfile
        from suite import BUILD
        program("wherryc")
        config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/w")
        config["annotations"] = {}
        config["process"]["args"] = ["/new.wasm"]
        with tempfile.TemporaryDirectory(prefix="wherry-upgrade-") as directory, bundles(config) as (address, [bundle]):
            for name in (SHIM, "wherryc"):
                shutil.copy(BUILD / "bin" / name, directory)
            hello = pathlib.Path(__file__).parent / "guests" / "hello.wasm"
            (bundle / "rootfs" / "new.wasm").write_bytes(hello.read_bytes() + b"\0\x13\x02id" + os.urandom(16))
            command = [f"{directory}/{SHIM}", "-namespace", "tests", "-address", address, "-id", "p1", "start"]
            subprocess.run(command, cwd=bundle, stdin=subprocess.DEVNULL, capture_output=True, check=True)
            try:
                with Connection(socket_of(address, "p1")) as shim:
                    shim.call("Connect", {1: "x"})  # now it has everything it needs
                    os.unlink(f"{directory}/wherryc")
                    pathlib.Path(directory, "wherryc").write_text("of another build")
                    shim.call("Create", {1: "p1", 2: str(bundle)})
                    end(shim, "p1")
                    pause_bundle.remove_cgroup()
            finally:
                shut_down(socket_of(address, "p1"))


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
