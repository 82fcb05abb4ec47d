# SPDX-License-Identifier: Apache-2.0
"""What a server like examples/httpbin must do, asked over a real connection."""
import http.client
import json
import socket

from suite import equal


def request(port, method, target, body=None, headers=None, timeout=20):
    """(status, headers with lower-case names, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def raw(port, data, timeout=20, end=True):
    """Sends bytes, perhaps ends the sending side, and returns all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


def answers(port):
    """True once something accepts connections on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def check_get(port):
    status, headers, body = request(port, "GET", "/get?a=b&c=d%20e+f&empty", headers={"X-Test": "yes"})
    equal(status, 200, "status")
    assert headers["content-type"].startswith("application/json"), headers
    document = json.loads(body)
    equal(document["args"], {"a": "b", "c": "d e f", "empty": ""}, "args")
    equal(document["headers"]["x-test"], "yes", "header x-test")
    equal(document["headers"]["host"], f"127.0.0.1:{port}", "header host")
    equal(document["url"], f"http://127.0.0.1:{port}/get?a=b&c=d%20e+f&empty", "url")


def check_echo(port):
    for size in (0, 5, 300_000):
        body = bytes(i * 7 % 256 for i in range(size))
        equal(request(port, "POST", "/echo", body)[0::2], (200, body), f"echo of {size} bytes")


def check_chunked_echo(port):
    pieces = [b"one", b"two" * 2000, b"3"]
    status, _, body = request(port, "POST", "/echo", iter(pieces))
    equal((status, body), (200, b"".join(pieces)), "echo of a chunked body")


def check_other(port):
    equal(request(port, "GET", "/healthz")[0::2], (200, b"ok\n"), "/healthz")
    equal(request(port, "GET", "/nothing")[0], 404, "status of an unknown path")
    equal(request(port, "POST", "/get", b"x")[0], 404, "status of POST /get")


def check_keep_alive(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    first = connection.sock
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    assert connection.sock is first and first is not None, "the connection was closed between requests"
    connection.close()


def check_pipeline(port):
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    equal(raw(port, one * 20 + last, end=False).count(b"200 OK"), 21, "answers to 21 pipelined requests")


def check_bad_request(port):
    answer = raw(port, b"NONSENSE\r\n\r\n")
    assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0], answer[:100]
    equal(request(port, "GET", "/healthz")[0], 200, "status after a bad request")


def check_many(port, count=40):
    """Open connections do not stop each other."""
    idle = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(count)]
    equal(request(port, "GET", "/healthz")[0], 200, f"status beside {count} idle connections")
    for connection in idle:
        connection.close()


ALL = (check_get, check_echo, check_chunked_echo, check_other, check_keep_alive, check_pipeline,
       check_bad_request, check_many)
