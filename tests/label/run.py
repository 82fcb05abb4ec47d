#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wherry-label, with an API server that may be anything."""
# timeout: 120
import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name) for name in ("lib", "k8s", "label")]
from fake_api import FakeApi, answer  # noqa: E402
from keys import Keys  # noqa: E402
from suite import Skip, Suite, equal, free_port, program, wait_until  # noqa: E402

suite = Suite()


class Place:
    """An authority, a token, and the program with both."""

    def __init__(self, directory):
        self.path = pathlib.Path(directory)
        self.keys = Keys(self.path / "keys")
        self.keys.make("server", "/CN=x", "IP:127.0.0.1")
        (self.path / "token").write_text("token\n")

    def api(self, name="server", **more):
        return FakeApi(self.keys.path(f"{name}.crt"), self.keys.path(f"{name}.key"), **more)

    def command(self, port, *words):
        return [program("wherry-label"), "--server", f"127.0.0.1:{port}", "--token", self.path / "token", "--ca-file", self.keys.path("ca.crt"),
                "--node", "n1", *words]

    def run(self, port, *words):
        return subprocess.run(self.command(port, *words), capture_output=True, text=True, timeout=30)

    def fails(self, port, reason, *words):
        done = self.run(port, *(words or ["a=b"]))
        equal((done.returncode, done.stdout), (1, ""), f"a failure ({done.stderr})")
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1 and reason in done.stderr, f"{done.stderr} is not {reason}"

    @contextlib.contextmanager
    def following(self, port):
        command = self.command(port, "wherry.dev/installed=true", "--follow", self.path / "ready", "--timeout", "2s")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


@contextlib.contextmanager
def place():
    program("wherry-label")
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    with tempfile.TemporaryDirectory(prefix="wherry-label-") as directory:
        yield Place(directory)


@suite.test("labels are set and removed by one patch")
def _():
    with place() as here, here.api() as api:
        done = here.run(api.port, "wherry.dev/installed=true", "wherry.dev/version=1.0", "old-")
        equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "the program")
        equal(api.labels, {"kept": "yes", "wherry.dev/installed": "true", "wherry.dev/version": "1.0"}, "labels")
        line, headers, body = api.requests[0]
        equal(line, "PATCH /api/v1/nodes/n1?fieldManager=wherry-label HTTP/1.1", "the request")
        equal((headers["Content-Type"], headers["Host"]), ("application/merge-patch+json", f"127.0.0.1:{api.port}"), "headers")
        equal(json.loads(body), {"metadata": {"labels": {"old": None, "wherry.dev/installed": "true", "wherry.dev/version": "1.0"}}}, "body")


@suite.test("a pod's environment and files are the defaults")
def _():
    with place() as here, here.api() as api:
        words = [program("wherry-label"), "--token", here.path / "token", "--ca-file", here.keys.path("ca.crt"), "a=b"]
        environment = {"NODE_NAME": "n2", "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
        subprocess.run(words, env=environment, check=True, timeout=30)
        assert api.requests[0][0].startswith("PATCH /api/v1/nodes/n2?"), api.requests
        done = subprocess.run([program("wherry-label"), "--node", "n", "a=b"], env=environment, capture_output=True, text=True, timeout=30)
        equal(done.stderr, "error: /var/run/secrets/kubernetes.io/serviceaccount/token: No such file or directory\n", "no token")
        done = subprocess.run([*words, "--node", "n"], env={}, capture_output=True, text=True, timeout=30)
        equal(done.stderr, "error: no API server: not in a pod, and no --server\n", "no server")


@suite.test("wrong words are one line")
def _():
    with place() as here:
        for words, code, reason in ((["a"], 1, "neither KEY=VALUE nor KEY-"), ([], 2, "expected KEY=VALUE|KEY- ..."), (["--no", "a=b"], 2, "--no"),
                                    (["a=b", "--node", "../pods/x"], 1, "is not the name of a node"), (["a=b", "--server", "host"], 1, "not IP:PORT"),
                                    (["a=b", "--server", "host:1"], 1, "is not an IP address"), (["a=b", "--server", "[::1]:70000"], 1, "not IP:PORT"),
                                    (["a=b", "--ca-file", "/no/such"], 1, "/no/such: "), (["a=b", "--timeout", "x"], 2, "timeout")):
            with here.api() as api:
                done = here.run(api.port, *words)
                equal((done.returncode, done.stderr.count("\n"), len(api.requests)), (code, 1, 0), f"{words}: {done.stderr}")
                assert reason in done.stderr, done.stderr


@suite.test("what the server refuses is told in its words")
def _():
    with place() as here, here.api() as api:
        for status, message in ((403, 'nodes "n1" is forbidden: User "x" cannot patch'), (404, 'nodes "n1" not found'), (409, "conflict"), (500, "etcd\nis away")):
            for chunked in (False, True):
                api.answer = answer(status, {"kind": "Status", "message": message}, chunked)
                here.fails(api.port, f"the API server answers {status}: {message}".replace("\n", "?"))
        (here.path / "token").write_text("another")
        api.answer = None
        here.fails(api.port, "the API server answers 401: Unauthorized")


@suite.test("a server that is another is not spoken to")
def _():
    with place() as here:
        here.keys.make("elsewhere", "/CN=127.0.0.1", "IP:127.0.0.2,DNS:127.0.0.1")
        with here.api("elsewhere") as api:
            here.fails(api.port, "the server's certificate: IP address mismatch")
            equal(api.requests, [], "requests")
        other = Keys(here.path / "other")
        other.make("server", "/CN=x", "IP:127.0.0.1")
        with FakeApi(other.path("server.crt"), other.path("server.key")) as api:
            here.fails(api.port, "the server's certificate: ")
            equal(api.requests, [], "requests")


@suite.test("no answer of any kind makes more of it than an error")
def _():
    with place() as here, here.api() as api:
        for raw, reason in ((b"", "is not HTTP/1.1"), (b"\0\xff" * 1000, "is not HTTP/1.1"), (b"HTTP/1.1 200 OK\r\n", "ends within its headers"),
                            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "ends within its body"),
                            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "chunk"),
                            (b"HTTP/1.1 500 X\r\n\r\n\x1b[2J" + b"x" * 5000, "answers 500: ?[2Jxxx"),
                            (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (5 << 20), "more than 4194304 bytes")):
            api.answer = raw
            here.fails(api.port, reason)


@suite.test("a server that does not answer is waited for as long as asked")
def _():
    with place() as here, here.api() as api:
        for api.answer in (api.hang, api.trickle):
            start = time.monotonic()
            here.fails(api.port, "no answer in time", "a=b", "--timeout", "500ms")
            assert time.monotonic() - start >= 0.5
    with place() as here:
        here.fails(free_port(), "connect: Connection refused")


@suite.test("labels follow a file, and a server that is away gets them later")
def _():
    with place() as here, contextlib.ExitStack() as stack:
        port, ready = free_port(), here.path / "ready"
        before = {"kept": "yes", "wherry.dev/installed": "true"}
        with here.api(port=port) as api:
            api.labels.update(before)
            process = stack.enter_context(here.following(port))
            ready.write_text("no\n")
            wait_until(lambda: api.labels == {"kept": "yes"}, "no label")
            ready.write_text("yes\n")
            wait_until(lambda: api.labels == before, "the label")
        ready.write_text("no\n")
        equal([process.stdout.readline() for _ in range(3)],
              ["node n1: labels removed\n", "node n1: labels set\n", "error: connect: Connection refused\n"], "what it says")
        with here.api(port=port, token="renewed") as api:
            api.labels.update(before)
            wait_until(lambda: api.requests, "a request with the old token")
            equal(api.labels, before, "labels without one that counts")
            (here.path / "token").write_text("renewed")
            wait_until(lambda: api.labels == {"kept": "yes"}, "no label")
            ready.write_text("yes\n")
            wait_until(lambda: api.labels == before, "the label again")
            ready.unlink()  # unknown: as it is
            process.send_signal(signal.SIGTERM)
            equal(process.wait(10), 0, "its end")
            equal(api.labels, before, "labels after its end")


suite.main()
