# SPDX-License-Identifier: Apache-2.0
"""wget, nc and nslookup against servers of this process."""
import contextlib
import http.server
import socket
import subprocess
import threading

from suite import equal, free_port, wait_until


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        plain = {"/file.txt": b"content\n", "/empty": b"", "/agent": self.headers.get("User-Agent", "").encode(), "/x": self.headers.get("X-Test", "none").encode()}
        if self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"first ", b"second\n", b""):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        elif self.path in ("/moved", "/loop"):
            self.answer(302, b"", Location="/file.txt" if self.path == "/moved" else "/loop")
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"less")
            self.close_connection = True
        elif self.path in plain:
            self.answer(200, plain[self.path])
        else:
            self.answer(404, b"no such page\n")

    do_HEAD = do_GET

    def do_POST(self):
        self.answer(200, b"got " + self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, code, body, **headers):
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_address[1]}"
        finally:
            made.shutdown()
            thread.join()


def add_tests(suite, toolbox, popen, directory):
    @suite.test("wget fetches, follows, and says what went wrong")
    def _():
        cases = [
            (["-qO", "-", "{}/file.txt"], 0, b"content\n"), (["-qO", "-", "{}/chunked"], 0, b"first second\n"), (["-qO", "-", "{}/moved"], 0, b"content\n"),
            (["-qO", "-", "{}/empty"], 0, b""), (["-qO", "-", "-U", "me", "{}/agent"], 0, b"me"), (["-qO", "-", "--header", "X-Test: yes", "{}/x"], 0, b"yes"),
            (["-qO", "-", "--post-data", "a=1", "{}/form"], 0, b"got a=1"), (["-q", "--spider", "{}/file.txt"], 0, b""), (["-q", "--spider", "{}/nope"], 1, b""),
            (["-qO", "-", "{}/nope"], 1, b""), (["-qO", "-", "{}/loop"], 1, b""), (["-qO", "-", "{}/short"], 1, b"less"), (["-q", "https://127.0.0.1/"], 1, b""),
            (["-q", "http://no.such.name.invalid/"], 1, b""), (["-q", f"http://127.0.0.1:{free_port()}/"], 1, b""), (["-q"], 1, b""),
        ]
        with server() as address, directory() as root:
            for words, code, output in cases:
                done = toolbox(root, ["wget", *(word.format(address) for word in words)])
                equal((done.returncode, done.stdout), (code, output), f"what wget {words} does ({done.stderr})")
                assert done.stderr or code == 0, f"wget {words} fails in silence"
            equal(toolbox(root, ["wget", f"{address}/file.txt"]).returncode, 0, "exit code")
            equal((root / "file.txt").read_bytes(), b"content\n", "the file that it has saved")

    @suite.test("wget does not wait for longer than -T")
    def _():
        with socket.create_server(("127.0.0.1", 0)) as silent, directory() as root:
            done = toolbox(root, ["wget", "-q", "-T", "0.2", f"http://127.0.0.1:{silent.getsockname()[1]}/"])
            assert done.returncode == 1 and b"timed out" in done.stderr, done

    @suite.test("nc connects, listens and tries ports")
    def _():
        port = free_port()
        with directory() as root:
            listener = popen(root, ["nc", "-l", "-p", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            with listener:
                listener.stdin.write(b"from the listener\n")
                listener.stdin.close()

                def reached():
                    done = toolbox(root, ["nc", "-w", "5", "127.0.0.1", str(port)], input=b"from the client\n")
                    return done.stdout == b"from the listener\n"
                wait_until(reached, "answer of nc -l")
                equal(listener.stdout.read(), b"from the client\n", "what the listener has heard")
            equal(listener.returncode, 0, "exit code of the listener")
            with socket.create_server(("127.0.0.1", 0)) as open_port:
                taken = open_port.getsockname()[1]
                done = toolbox(root, ["nc", "-zv", "127.0.0.1", str(taken)])
                assert done.returncode == 0 and b"open" in done.stderr, done
                silent = toolbox(root, ["nc", "-w", "0.2", "127.0.0.1", str(taken)])
                assert silent.returncode == 1 and b"timed out" in silent.stderr, silent
            equal(toolbox(root, ["nc", "-z", "127.0.0.1", str(port)]).returncode, 1, "exit code for a closed port")

    @suite.test("nslookup finds addresses, or says that there are none")
    def _():
        with directory() as root:
            done = toolbox(root, ["nslookup", "localhost"])
            assert done.returncode == 0 and b"127.0.0.1" in done.stdout or b"::1" in done.stdout, done
            done = toolbox(root, ["nslookup", "no.such.name.invalid"])
            assert done.returncode == 1 and b"can't resolve" in done.stderr, done
