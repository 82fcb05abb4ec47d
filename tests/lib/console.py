# SPDX-License-Identifier: Apache-2.0
"""A terminal for ctr or kubectl."""
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from suite import wait_until

DEADLINE = 30


class Console:
    """A client with a terminal of its own, as a user has it. start: Popen with all but the streams."""

    def __init__(self, start):
        self._master, slave = pty.openpty()
        self.resize(80, 24)
        self.process = start(stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def resize(self, columns, rows):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        """To the client, once it has switched its own terminal's echo off."""
        wait_until(lambda: not termios.tcgetattr(self._master)[3] & termios.ECHO, "raw mode of the client's terminal")
        os.write(self._master, text.encode())

    def read_until(self, wanted):
        deadline = time.monotonic() + DEADLINE
        while not re.search(wanted, self.text):
            assert time.monotonic() < deadline, f"no {wanted!r} in {self.text!r}"
            if not select.select([self._master], [], [], 0.1)[0]:
                continue
            try:
                more = os.read(self._master, 65536)
            except OSError:  # EIO: the client is gone
                more = b""
            assert more or re.search(wanted, self.text), f"the end, and no {wanted!r} in {self.text!r}"
            self.text += more.decode(errors="replace").replace("\r", "")

    def wait(self):
        """The exit code, after all output."""
        with contextlib.suppress(OSError):
            while more := os.read(self._master, 65536):
                self.text += more.decode(errors="replace").replace("\r", "")
        return self.process.wait(DEADLINE)
