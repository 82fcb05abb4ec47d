# SPDX-License-Identifier: Apache-2.0
"""Check 15: terminals of containers and of execs."""
import contextlib
import fcntl
import functools
import json
import os
import pathlib
import signal
import struct
import termios

from console import Console
from suite import equal, wait_until
from world import IMAGE, WHERRY


def ctr_console(world, *arguments):
    """ctr with a terminal."""
    return Console(functools.partial(world.daemon.popen, *arguments, start_new_session=True))


def size_of(pid):
    """(columns, rows) of a process's terminal."""
    with open(f"/proc/{pid}/fd/0", "rb", buffering=0, opener=lambda path, flags: os.open(path, flags | os.O_NOCTTY)) as terminal:
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
    return columns, rows


def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    @contextlib.contextmanager
    def console(*arguments, options=()):
        """A container of ctr run -t; yields (id, Console)."""
        container = world.new_id("t")
        try:
            with ctr_console(world, "run", "-t", "--runtime", WHERRY, *options, IMAGE, container, "/probe.wasm", *arguments) as user:
                yield container, user
        finally:
            world.daemon.remove(container)

    @test("check 15: ctr run -t gives a terminal")
    def _():
        with console("tty") as (_, user):
            equal(user.wait(), 0, "exit code")
            assert "terminals: 1 1 1\n" in user.text, user.text
        equal(world.run("tty").stdout, "terminals: 0 0 0\n", "without -t")

    @test("check 15: what is typed arrives, an end-of-file character ends it, and all output comes through")
    def _():
        with console("cat") as (_, user):
            user.type("hello\n")
            user.read_until("hello\nhello\n")  # its echo, and what cat says
            user.type("\x04")
            equal(user.wait(), 0, "exit code")
        # Of more than a buffer's worth ctr itself may lose the end, with runc's shim too.
        with console("lines", "50") as (_, user):
            equal(user.wait(), 0, "exit code")
            lines = [line for line in user.text.splitlines() if line.startswith("line ")]
            equal((len(lines), lines[-1]), (50, "line 49 of some output that fills the pipe"), "lines")

    @test("check 15: a terminal is resized with the user's, and Ctrl-C interrupts the guest")
    def _():
        with console("sleep") as (container, user):
            user.read_until("sleeping")
            pid = world.pid(container)
            wait_until(lambda: size_of(pid) == (80, 24), "first size")
            user.resize(132, 50)
            # Again and again: ctr sets the first size before it listens to the signal.
            wait_until(lambda: user.process.send_signal(signal.SIGWINCH) or size_of(pid) == (132, 50), "second size")
            status = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            assert status[4] != "0", "no controlling terminal"
            links = {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
            equal(len(links), 1, f"terminals ({links})")
            assert not any("ptmx" in os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")), "it holds the master"
            user.type("\x03")
            equal(user.wait(), 130, "exit code")

    @test("check 15: an exec with a terminal")
    def _():
        with world.running("sleep") as container:
            def execute(name, *arguments):
                return ctr_console(world, "tasks", "exec", "-t", "--exec-id", name, container, "/probe.wasm", *arguments)
            with execute("t1", "tty") as user:
                equal(user.wait(), 0, "exit code")
                assert "terminals: 1 1 1\n" in user.text, user.text
            with execute("t2", "cat") as user:
                user.type("typed\n")
                user.read_until("typed\ntyped\n")
                user.type("\x04")
                equal(user.wait(), 0, "exit code")
            with execute("t3", "loop") as user:
                user.read_until("looping")
                user.type("\x03")
                equal(user.wait(), 130, "exit code")
            equal(world.daemon.tasks()[container][1], "RUNNING", "status of the container")
        world.check_no_leaks()

    @test("a container without a devpts has no terminal, and says so")
    def _():
        container = world.new_id("n")
        spec = world.spec(container, ["/probe.wasm", "tty"])
        spec["process"]["terminal"] = True
        spec["mounts"] = [mount for mount in spec["mounts"] if mount["destination"] != "/dev/pts"]
        path = world.daemon.directory / f"{container}.json"
        path.write_text(json.dumps(spec))
        try:
            with ctr_console(world, "run", "-t", "--runtime", WHERRY, "--config", path, container) as user:
                assert user.wait() != 0
                assert "needs a devpts at /dev/pts" in user.text, user.text
        finally:
            world.daemon.remove(container)
        world.check_no_leaks()
