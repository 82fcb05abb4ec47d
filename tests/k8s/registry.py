#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A read-only image registry over plain HTTP: registry.py DIRECTORY PORT [BYTES-A-SECOND], the directory as in store.py.

What is below private/ is for USER with PASSWORD only."""
import base64
import http.server
import json
import pathlib
import re
import sys
import time

CHUNK = 1 << 16
MANIFEST = re.compile(r"/v2/([\w./-]+)/manifests/([\w.:-]+)$")
BLOB = re.compile(r"/v2/[\w./-]+/blobs/sha256:([0-9a-f]{64})$")
USER, PASSWORD = "somebody", "secret words"
PRIVATE = "/v2/private/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    directory = pathlib.Path()
    rate = 0

    def do_GET(self):
        self._answer(body=True)

    def do_HEAD(self):
        self._answer(body=False)

    def log_message(self, *_):
        pass

    def _answer(self, body):
        path = self.path.partition("?")[0]
        if path.startswith(PRIVATE) and self.headers["Authorization"] != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            return self._refuse(401, ("WWW-Authenticate", 'Basic realm="private"'))
        if path == "/v2/":
            return self._send(b"{}", "application/json", body)
        if named := MANIFEST.match(path):
            digest = self._digest(*named.groups())
            data = self._blob(digest)
            if data is not None:
                return self._send(data, json.loads(data)["mediaType"], body, digest)
        elif blob := BLOB.match(path):
            data = self._blob(f"sha256:{blob[1]}")
            if data is not None:
                return self._send(data, "application/octet-stream", body, f"sha256:{blob[1]}")
        return self._refuse(404)

    def _refuse(self, code, *headers):
        self.send_response(code)
        for name, value in (*headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()

    def _digest(self, repository, reference):
        if reference.startswith("sha256:"):
            return reference
        return json.loads((self.directory / "names.json").read_text()).get(f"{repository}:{reference}", "")

    def _blob(self, digest):
        path = self.directory / "blobs" / "sha256" / digest.removeprefix("sha256:")
        return path.read_bytes() if digest and path.is_file() else None

    def _send(self, data, media_type, body, digest=None):
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        for start in range(0, len(data) if body else 0, CHUNK):
            part = data[start:start + CHUNK]
            self.wfile.write(part)
            if self.rate:
                time.sleep(len(part) / self.rate)


def main():
    Handler.directory = pathlib.Path(sys.argv[1])
    Handler.rate = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
