#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real programs of many toolchains run as cases.json, or their row in guests.md, says."""
# timeout: 600
import hashlib
import http.server
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import http_checks  # noqa: E402
from server import running, wherry_run, wherry_server  # noqa: E402
from suite import GUESTS, Suite, equal, free_port, guest, wait_until  # noqa: E402

TIMEOUT = 120

suite = Suite()


def run(module, arguments=(), options=(), stdin=""):
    return subprocess.run(wherry_run(guest(module), *arguments, options=options), input=stdin.encode(),
                          capture_output=True, timeout=TIMEOUT)


def run_case(case, directory):
    options = []
    for target, source in case.get("dirs", {}).items():
        assert source == "TMP", f"cases.json: unknown directory {source}"
        options += ["--dir", f"{directory}::{target}"]
    for name, value in case.get("env", {}).items():
        options += ["--env", f"{name}={value}"]
    done = run(case["file"], case.get("args", ()), options, case.get("stdin", ""))
    errors = done.stderr.decode(errors="replace").strip()
    equal(done.stdout.decode(errors="replace"), case["stdout"], f"stdout (stderr: {errors[:300]!r})")
    equal(done.returncode, case["exit"], f"exit code (stderr: {errors[:300]!r})")
    for name, digest in case.get("files", {}).items():
        equal(hashlib.sha256((directory / name).read_bytes()).hexdigest(), digest, f"SHA-256 of {name}")


def one_line_refusal(module, word):
    """The program needs what is not there yet: a failure in one line that says what."""
    done = run(module)
    lines = done.stderr.decode(errors="replace").splitlines()
    assert done.returncode not in (0, 134) and done.returncode > 0, f"exit code {done.returncode}"
    equal(len(lines), 1, f"number of lines on stderr ({lines})")
    assert re.search(word, lines[0], re.IGNORECASE), f"the line does not name what is missing: {lines[0]}"
    equal(done.stdout, b"", "stdout")


def add_cases():
    file = GUESTS / "cases.json"
    for case in json.loads(file.read_text()) if file.exists() else []:
        @suite.test(case["name"])
        def _(case=case):
            with tempfile.TemporaryDirectory() as directory:
                run_case(case, pathlib.Path(directory))


add_cases()


@suite.test("exit-unstable")
def _():
    done = run("exit-unstable.wasm")
    equal((done.returncode, done.stdout, done.stderr), (2, b"", b""), "exit code and output")


for _check in http_checks.ALL:
    @suite.test(f"httpbin-tokio1.25-sock0.5: {_check.__name__.replace('_', ' ')}")
    def _(check=_check):
        with wherry_server(guest("httpbin-tokio1.25-sock0.5.wasm")) as port:
            check(port)


for _module in ("sock-http-sync-s055", "sock-http-sync-s020"):
    @suite.test(_module)
    def _(module=_module):
        port, count = free_port(), 5
        command = wherry_run(guest(f"{module}.wasm"), str(count), options=["--env", f"PORT={port}"])
        with running(command, says=f"listening {port}") as server:
            for i in range(count):
                answer = http_checks.raw(port, f"GET /x{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                equal(answer.partition(b"\r\n\r\n")[2], f"sync GET /x{i} HTTP/1.1\n".encode(), "body")
            equal(server.wait(20), 0, "exit code after the last request")


@suite.test("sock-udp-dns-s055: udp")
def _():
    port = free_port(socket.SOCK_DGRAM)
    command = wherry_run(guest("sock-udp-dns-s055.wasm"), "udp", "3", options=["--env", f"PORT={port}"])
    with running(command, says=f"udp {port}") as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        for text in (b"abc", b"x", b"0123456789" * 100):
            client.sendto(text, ("127.0.0.1", port))
            equal(client.recv(2000), text[::-1], "answer")
        equal(server.wait(20), 0, "exit code after the last datagram")


def ask_once_there(port, data, server):
    """As raw(), repeated while nobody listens: each connection counts, so none is made to probe."""
    answers = []

    def asked():
        try:
            answers.append(http_checks.raw(port, data))
            return True
        except ConnectionRefusedError:
            return False
    wait_until(asked, "listener", alive=server)
    return answers[0]


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello over tcp\n")

    def log_message(self, *_):
        pass


for _host in ("localhost", "127.0.0.1"):
    @suite.test(f"sock-udp-dns-s055: get from {_host}")
    def _(host=_host):
        server = http.server.HTTPServer(("127.0.0.1", 0), Hello)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            done = run("sock-udp-dns-s055.wasm", ["get", host, str(server.server_port)])
        finally:
            server.shutdown()
            server.server_close()
        text = done.stdout.decode(errors="replace")
        equal(done.returncode, 0, f"exit code (stderr: {done.stderr[-300:]!r})")
        assert f"addrs [127.0.0.1:{server.server_port}" in text and text.endswith("hello over tcp\n"), text


@suite.test("rust-tcpfd")
def _():
    port, count = free_port(), 3
    command = wherry_run(guest("rust-tcpfd.wasm"), str(count), options=["--tcplisten", f"127.0.0.1:{port}"])
    with running(command) as server:
        for i in range(count):
            answer = ask_once_there(port, f"GET /y{i} HTTP/1.0\r\n\r\n".encode(), server)
            equal(answer.partition(b"\r\n\r\n")[2], f"rust-p1 GET /y{i} HTTP/1.0\n".encode(), "body")
        equal(server.wait(20), 0, "exit code after the last request")


@suite.test("c-wasi-threads is refused in one line")
def _():
    one_line_refusal("c-wasi-threads.wasm", "thread|shared")


for _component in ("p2cli", "p2http", "p3cli"):
    @suite.test(f"{_component} is refused in one line")
    def _(component=_component):
        one_line_refusal(f"{component}.component.wasm", "component")


suite.main()
