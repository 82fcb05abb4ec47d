# SPDX-License-Identifier: Apache-2.0
"""The suite protocol of tests/README.md for Python: PASS, FAIL and SKIP lines."""
import concurrent.futures
import itertools
import os
import pathlib
import signal
import socket
import sys
import time
import traceback

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WHERRY_BUILD", SOURCE / "build")).resolve()
TESTDATA = pathlib.Path(os.environ.get("WHERRY_TESTDATA", SOURCE.parent / "shared" / "testdata"))
GUESTS = pathlib.Path(os.environ.get("WHERRY_GUESTS", SOURCE.parent / "shared" / "guests"))

# Whoever runs the tests in the background, or by nohup, ignores these, which every program started here would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Skip(Exception):
    """The test can not run here; the text says why."""


class Suite:
    """An ordered list of named tests."""

    def __init__(self):
        self._tests = []

    def test(self, name, alone=True):
        """Adds a test. One that is not `alone` may run at the same time as its neighbours that are not."""
        def add(function):
            self._tests.append((name.replace(": ", ", "), function, alone))  # ": " ends the name in a FAIL line
            return function
        return add

    def main(self, workers=1):
        """Runs the tests whose name contains one of the arguments (all without) and exits."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        wanted = sys.argv[1:]
        todo = [t for t in self._tests if not wanted or any(part in t[0] for part in wanted)]
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for together, tests in itertools.groupby(todo, key=lambda t: not t[2]):
                results = (pool.map if together else map)(lambda t: _run(t[0], t[1]), tests)
                for text in results:
                    print(text, flush=True)
                    failed += text.startswith("FAIL")
        sys.exit(1 if failed else 0)


def _run(name, function):
    """The lines of one test's result."""
    try:
        function()
    except Skip as reason:
        return f"SKIP {name}: {_one_line(reason)}"
    except Exception as error:  # an AssertionError or anything else: the test failed
        trace = "".join(f"\n  {line}" for line in traceback.format_exc().rstrip().splitlines())
        return f"FAIL {name}: {_one_line(error) or type(error).__name__}{trace}"
    return f"PASS {name}"


def _one_line(text):
    return " ".join(str(text).split())[:600]


def program(name):
    """The path of a program of ours; skips the test if it was not built."""
    path = BUILD / "bin" / name
    if not path.is_file():
        raise Skip(f"{name} is not built")
    return path


def guest(name):
    """The path of a file in the guests directory; skips the test if there is none."""
    path = GUESTS / name
    if not path.exists():
        raise Skip(f"{name} is not in WHERRY_GUESTS")
    return path


def equal(actual, expected, what="value"):
    assert actual == expected, f"{what} is {actual!r}, expected {expected!r}"


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, timeout=20, alive=None):
    """Polls until condition() is true; alive: a Popen that must not end meanwhile."""
    deadline = time.monotonic() + timeout
    while not condition():
        if alive is not None and alive.poll() is not None:
            raise AssertionError(f"the program ended with {alive.returncode} before {what}")
        assert time.monotonic() < deadline, f"no {what} after {timeout} s"
        time.sleep(0.01)
