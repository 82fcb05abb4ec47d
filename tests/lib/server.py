# SPDX-License-Identifier: Apache-2.0
"""A server program in the background for the time of a `with` block."""
import contextlib
import os
import subprocess
import tempfile

from http_checks import answers
from suite import free_port, program, wait_until


def wherry_run(module, *arguments, options=()):
    """The argument vector of `wherry run`."""
    return [str(program("wherry")), "run", *options, str(module), *arguments]


@contextlib.contextmanager
def running(command, port=None, env=None, says=None):
    """Yields the Popen once the port accepts connections or it has printed `says`; kills it at the end.

    `said()` of the Popen is what it printed so far.
    """
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 env={**os.environ, **(env or {})})

        def said():
            return os.pread(output.fileno(), 1 << 20, 0).decode(errors="replace")

        child.said = said
        try:
            try:
                if port:
                    wait_until(lambda: answers(port), "listening server", alive=child)
                if says:
                    wait_until(lambda: says in said(), repr(says), alive=child)
            except AssertionError as error:
                raise AssertionError(f"{error}: {said().strip()[-400:]}") from None
            yield child
        finally:
            child.kill()
            child.wait()


@contextlib.contextmanager
def wherry_server(module, *arguments, options=()):
    """A guest that listens on $PORT; yields the port."""
    port = free_port()
    with running(wherry_run(module, *arguments, options=["--env", f"PORT={port}", *options]), port):
        yield port

