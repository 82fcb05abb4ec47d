# SPDX-License-Identifier: Apache-2.0
"""Terminals: given away on a socket, as conmon takes them, or copied to the caller's."""
import array
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

from bundle import BUSYBOX, HTTPBIN, Bundle
from suite import Skip, equal, guest, wait_until

DEVPTS = {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666", "mode=0620"]}


def with_terminal(args, terminal=True, **spec):
    files = {"httpbin.wasm": HTTPBIN, "bin/c-hello.wasm": guest("c-hello.wasm")}
    if BUSYBOX.is_file():
        files["bin/busybox"] = BUSYBOX
    return Bundle(args, files, terminal=terminal, env=["PORT=3000", "PATH=/bin", "GREETING=hi"], mounts=[DEVPTS], **spec)


@contextlib.contextmanager
def running():
    with with_terminal(["/httpbin.wasm"], terminal=False) as bundle:
        bundle.create()
        bundle.ok("start", "c")
        yield bundle


# A monitor: the parent of what the command leaves behind. Says how the command and then that one ended.
SUBREAPER = """
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
print("exec", subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode)
pid, status = os.wait()
print(pid, os.waitstatus_to_exitcode(status))
"""


class Listener:
    """What conmon does with --console-socket. Use as a context manager."""

    def __init__(self, bundle):
        self.path = bundle.directory / "console"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        self._socket.settimeout(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        os.unlink(self.path)

    def take(self):
        peer, _ = self._socket.accept()
        with peer:
            peer.settimeout(20)
            _, messages, _, _ = peer.recvmsg(4096, socket.CMSG_SPACE(4))
        (level, kind, data), = messages
        equal((level, kind), (socket.SOL_SOCKET, socket.SCM_RIGHTS), "message")
        return array.array("i", data[:4])[0]


def read_until(fd, wanted):
    """What a terminal shows, up to and with `wanted`; None: to its end."""
    text, deadline = "", time.monotonic() + 20
    while wanted is None or wanted not in text:
        assert time.monotonic() < deadline, f"no {wanted!r} in {text!r}"
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(fd, 1 if wanted else 4096)
        except OSError:
            data = b""
        if not data:
            assert wanted is None, f"no {wanted!r} in {text!r}"
            break
        text += data.decode()
    return text


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def size_after_key(master):
    os.write(master, b"key\r")
    read_until(master, "got key\r\n")
    return read_line(master)


def read_line(fd):
    text = ""
    while not text.endswith("\r\n"):
        text += os.read(fd, 1).decode()
    return text[:-2]


@contextlib.contextmanager
def at_terminal(started, *words):
    """A command of which all streams are a terminal's; yields the process, the master and the slave, whose mode is then as at first."""
    master, slave = pty.openpty()
    try:
        set_size(master, 30, 90)
        before = termios.tcgetattr(slave)
        with started(*words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as process:
            yield process, master, slave
        equal(termios.tcgetattr(slave), before, "the caller's terminal afterwards")
    finally:
        os.close(master)
        os.close(slave)


def register(suite):
    @suite.test("terminal: create gives the container's to a socket")
    def _():
        with with_terminal(["/bin/c-hello.wasm", "a"]) as bundle, Listener(bundle) as listener:
            bundle.create("c", "--console-socket", listener.path)
            master = listener.take()
            try:
                assert os.get_blocking(master), "the master is in non-blocking mode"
                bundle.ok("start", "c")
                equal(read_until(master, None), "hello from C, argc=2\r\narg a\r\nGREETING=hi\r\n", "output")
            finally:
                os.close(master)
            bundle.wait_status("stopped")

    @suite.test("terminal: a detached exec's is given to a socket")
    def _():
        if not BUSYBOX.is_file():
            raise Skip("needs busybox-static")
        with running() as bundle, Listener(bundle) as listener:
            with open(os.devnull, "w") as null:
                done = bundle.oci("exec", "-t", "-d", "--console-socket", listener.path, "c", "busybox", "sh", "-c",
                                  "busybox tty && read line && echo got $line", stdout=null, stderr=subprocess.PIPE)
            equal((done.returncode, done.stderr), (0, ""), "exec")
            master = listener.take()
            try:
                read_until(master, "/dev/pts/0\r\n")
                os.write(master, b"typed\r")
                read_until(master, "got typed\r\n")
            finally:
                os.close(master)

    @suite.test("terminal: what conmon says for an exec, all of it in a file")
    def _():
        if not BUSYBOX.is_file():
            raise Skip("needs busybox-static")
        with running() as bundle, Listener(bundle) as listener:
            file, pid_file = bundle.directory / "process.json", bundle.directory / "pid"
            process = {"terminal": True, "consoleSize": {"height": 20, "width": 70}, "args": ["busybox", "sh", "-c", "busybox stty size; exit 3"],
                       "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 5, "gid": 5}}
            file.write_text(json.dumps(process))
            subreaper = [sys.executable, "-c", SUBREAPER, *bundle.command("exec", "--pid-file", pid_file, "--process", file, "--detach", "--tty",
                                                                          "--console-socket", listener.path, "c")]
            with open(os.devnull) as null, subprocess.Popen(subreaper, stdin=null, stdout=subprocess.PIPE, text=True, env=bundle.environment()) as conmon:
                master = listener.take()
                try:
                    equal(read_until(master, None), "20 70\r\n", "what the terminal shows")
                finally:
                    os.close(master)
                output, _ = conmon.communicate(timeout=30)
            equal(output.split(), ["exec", "0", pid_file.read_text(), "3"], "what conmon has reaped")

    @suite.test("terminal: an exec's is copied to the caller's, with its size and raw keys")
    def _():
        if not BUSYBOX.is_file():
            raise Skip("needs busybox-static")
        script = "busybox stty size; while read line; do echo got $line; busybox stty size; done; exit 5"
        with running() as bundle, at_terminal(bundle.started, "exec", "-t", "c", "busybox", "sh", "-c", script) as (process, master, slave):
            read_until(master, "30 90\r\n")
            assert not termios.tcgetattr(slave)[3] & termios.ICANON, "the caller's terminal is not in raw mode"
            os.write(master, b"one\r")
            read_until(master, "got one\r\n30 90\r\n")
            set_size(master, 40, 100)
            process.send_signal(signal.SIGWINCH)
            wait_until(lambda: size_after_key(master) == "40 100", "new size")
            os.write(master, b"\x04")
            equal(process.wait(20), 5, "exit code")

    @suite.test("terminal: the interrupt key reaches the exec's program alone")
    def _():
        if not BUSYBOX.is_file():
            raise Skip("needs busybox-static")
        with running() as bundle, at_terminal(bundle.started, "exec", "-t", "c", "busybox", "sh", "-c", "echo ready; busybox sleep 1000") as (process, master, _):
            read_until(master, "ready\r\n")
            os.write(master, b"\x03")
            equal(process.wait(20), 130, "exit code")

    @suite.test("terminal: run copies, and works with streams that are none")
    def _():
        with with_terminal(["/bin/c-hello.wasm", "a"]) as bundle:
            shown = "hello from C, argc=2\r\narg a\r\nGREETING=hi\r\n"
            with at_terminal(bundle.started, "run", "--bundle", bundle.path, "c") as (process, master, _):
                read_until(master, shown)
                equal(process.wait(20), 42, "exit code")
            done = subprocess.run(bundle.command("run", "--bundle", bundle.path, "c"), stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=60, env=bundle.environment())
            equal((done.returncode, done.stdout.decode(), done.stderr.decode()), (42, shown, ""), "run")

    @suite.test("terminal: the end of an input that is none ends a program that reads lines")
    def _():
        if not BUSYBOX.is_file():
            raise Skip("needs busybox-static")
        with running() as bundle:
            with bundle.started("exec", "-t", "c", "busybox", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                output, _ = process.communicate("line\n", timeout=30)
                equal((process.returncode, output.count("line\n")), (0, 2), f"{output!r}")

    @suite.test("terminal: what does not fit together is one line, and leaves nothing")
    def _():
        socket_path = pathlib.Path("/nonexistent/console")
        with with_terminal(["/httpbin.wasm"]) as bundle:
            done = bundle.oci("create", "--bundle", bundle.path, "c")
            equal(done.stderr, "error: cannot allocate a terminal for a detached process without --console-socket\n", "create")
            done = bundle.oci("create", "--bundle", bundle.path, "--console-socket", socket_path, "c")
            equal((done.returncode, done.stderr), (1, f"error: {socket_path}: No such file or directory\n"), "create")
            equal(bundle.ok("list", "-q"), "", "containers")
        with running() as bundle:
            wait_until(lambda: bundle.state()["status"] == "running", "container")
            for words, message in [
                (("-d", "--console-socket", socket_path), "--console-socket: the process has no terminal (process.terminal)"),
                (("-t", "--console-socket", socket_path), "--console-socket: the terminal of a process in the foreground is this one"),
                (("-t", "-d"), "cannot allocate a terminal for a detached process without --console-socket"),
            ]:
                done = bundle.oci("exec", *words, "c", "c-hello.wasm")
                equal((done.returncode, done.stderr), (255, f"error: {message}\n"), "exec")
