# SPDX-License-Identifier: Apache-2.0
"""An API server that knows one node's labels, and fails as it is told."""
import json
import socket
import ssl
import threading


class FakeApi:
    """Use as a context manager. `labels` are the node's, `requests` what came: (line, headers, body). `answer`: bytes in
    the place of an answer, or a function of the connection; `port` may be that of an earlier one."""

    def __init__(self, certificate, key, token="token", port=0):
        self.token, self.labels, self.requests, self.answer = token, {"kept": "yes"}, [], None
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._stopped = threading.Event()
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def trickle(self, connection):
        """An answer that never ends, a byte now and then."""
        while not self._stopped.wait(0.05):
            connection.sendall(b"H")

    def hang(self, connection):
        self._stopped.wait()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    self._serve(self._context.wrap_socket(connection, server_side=True))
                except (OSError, ValueError):
                    pass  # a client that hangs up is no news

    def _serve(self, connection):
        with connection:
            line, headers, body = self._read(connection)
            self.requests.append((line, headers, body))
            if callable(self.answer):
                self.answer(connection)
                return
            connection.sendall(self.answer if self.answer is not None else self._patch(headers, body))
            connection.unwrap()

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        head, _, body = data.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = dict(text.split(": ", 1) for text in lines)
        while len(body) < int(headers["Content-Length"]):
            body += connection.recv(4096)
        return line, headers, body

    def _patch(self, headers, body):
        if headers.get("Authorization") != f"Bearer {self.token}":
            return answer(401, {"kind": "Status", "message": "Unauthorized"})
        for key, value in json.loads(body)["metadata"]["labels"].items():
            if value is None:
                self.labels.pop(key, None)
            else:
                self.labels[key] = value
        return answer(200, {"kind": "Node", "metadata": {"labels": self.labels}}, chunked=True)


def answer(status, document, chunked=False):
    body = json.dumps(document).encode()
    if chunked:
        parts = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 40]), body[i:i + 40]) for i in range(0, len(body), 40))
        return b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % (status, parts)
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
