# SPDX-License-Identifier: Apache-2.0
"""An image registry that stores in memory, asks for credentials, and fails as it is told."""
import base64
import hashlib
import http.server
import json
import re
import ssl
import threading
import urllib.parse
import uuid

BLOB = re.compile(r"/v2/([\w./-]+)/blobs/(sha256:[0-9a-f]{64})$")
MANIFEST = re.compile(r"/v2/([\w./-]+)/manifests/([\w.:-]+)$")
UPLOADS = re.compile(r"/v2/([\w./-]+)/blobs/uploads/$")
UPLOAD = re.compile(r"/v2/([\w./-]+)/uploads/([0-9a-f-]+)$")


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that hangs up is no news."""


class FakeRegistry:
    """Use as a context manager. auth: None, "basic" or "bearer"; the user is me:secret, the refresh token buys tokens too.

    faults: a dictionary that tests set while it runs: cut_get, cut_put (bytes after which a connection is cut, once each),
    busy (how many requests are answered with 503), redirect (a URL in the place of blobs), lie (bytes instead of any blob),
    no_range, challenge (a header instead of the right one), location (of uploads), status (of every request),
    chunk_min (the least size of a chunk), hook (a function of the request that comes first: true if it has answered).
    """

    def __init__(self, auth=None, tls=None, clients=None):
        self.auth, self.tls = auth, tls
        self.blobs, self.manifests, self.uploads, self.faults = {}, {}, {}, {}
        self.log, self.seen_authorization = [], []
        self.token = "token-" + uuid.uuid4().hex
        self._server = Server(("127.0.0.1", 0), self._handler())
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            if clients:  # whose certificates it wants
                context.load_verify_locations(clients)
                context.verify_mode = ssl.CERT_REQUIRED
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.host = f"localhost:{self.port}" if tls else f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def requests(self, method, part=""):
        return [path for m, path in self.log if m == method and part in path]

    def _handler(registry):  # noqa: N805 - the handler has its own self
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_all(self):
                registry.log.append((self.command, self.path))
                registry.seen_authorization.append(self.headers.get("Authorization"))
                faults = registry.faults
                path, _, query = self.path.partition("?")
                self.query = dict(urllib.parse.parse_qsl(query))
                if "hook" in faults and faults["hook"](self):
                    return None
                if path == "/token":
                    return self.give_token()
                if faults.get("busy", 0) > 0:
                    faults["busy"] -= 1
                    return self.answer(503, headers={"Retry-After": "0"})
                if "status" in faults:
                    return self.answer(faults["status"], b'{"errors":[{"code":"DENIED","message":"no\\u0007 way"}]}')
                if not self.is_authorized():
                    return self.challenge()
                for pattern, method in ((BLOB, self.blob), (MANIFEST, self.manifest), (UPLOADS, self.begin), (UPLOAD, self.upload)):
                    if found := pattern.match(path):
                        return method(*found.groups())
                self.answer(200 if path == "/v2/" else 404)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_all

            # --- who

            def is_authorized(self):
                given = self.headers.get("Authorization", "")
                if registry.auth == "basic":
                    return given == "Basic " + base64.b64encode(b"me:secret").decode()
                return registry.auth is None or given == "Bearer " + registry.token

            def challenge(self):
                header = 'Basic realm="x"' if registry.auth == "basic" else f'Bearer realm="{registry.url}/token",service="fake",scope="repository:x:pull"'
                self.answer(401, headers={"WWW-Authenticate": registry.faults.get("challenge", header)})

            def give_token(self):
                form = dict(urllib.parse.parse_qsl(self.read_body().decode()))
                basic = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:secret").decode()
                refreshed = self.command == "POST" and form.get("refresh_token") == "refresh/+ token"
                if not basic and not refreshed:
                    return self.answer(401)
                self.answer(200, json.dumps({"token": registry.faults.get("token", registry.token)}).encode())

            # --- what

            def manifest(self, repository, name):
                if self.command == "PUT":
                    data = self.read_body()
                    registry.manifests[name] = registry.manifests[digest(data)] = (data, self.headers["Content-Type"])
                    return self.answer(201, headers={"Docker-Content-Digest": digest(data)})
                if name not in registry.manifests:
                    return self.answer(404)
                data, media_type = registry.manifests[name]
                data = registry.faults.get("manifest", data)
                self.answer(200, data, {"Content-Type": media_type})

            def blob(self, repository, name):
                if "redirect" in registry.faults:
                    return self.answer(307, headers={"Location": registry.faults["redirect"].format(digest=name)})
                data = registry.faults.get("lie", registry.blobs.get(name))
                if data is None:
                    return self.answer(404)
                start = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
                if start and "no_range" not in registry.faults:
                    first = int(start[1])
                    return self.answer(206, data[first:], {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"})
                self.answer(200, data)

            def begin(self, repository):
                if self.query.get("mount") in registry.blobs and self.query.get("from"):
                    return self.answer(201)
                identity = str(uuid.uuid4())
                registry.uploads[identity] = b""
                self.read_body()
                headers = {"Location": registry.faults.get("location", f"/v2/{repository}/uploads/{identity}?state=a%2Bb")}
                if "chunk_min" in registry.faults:
                    headers["OCI-Chunk-Min-Length"] = str(registry.faults["chunk_min"])
                self.answer(202, headers=headers)

            def upload(self, repository, identity):
                if identity not in registry.uploads:
                    return self.answer(404)
                if self.command == "GET":
                    return self.answer(204, headers={"Range": f"0-{max(len(registry.uploads[identity]) - 1, 0)}"})
                assert self.query["state"] == "a+b", self.query
                begin = self.headers.get("Content-Range")
                if begin and int(begin.split("-")[0]) != len(registry.uploads[identity]):
                    return self.answer(416)
                cut = registry.faults.get("cut_put", 0) < int(self.headers.get("Content-Length") or 0)
                data = self.read_body(registry.faults.pop("cut_put", None) if cut else None)
                registry.uploads[identity] += data
                if self.close_connection:
                    return None
                if self.command == "PATCH":
                    return self.answer(202, headers={"Location": self.path})
                data = registry.uploads.pop(identity)
                if digest(data) != self.query["digest"]:
                    return self.answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
                registry.blobs[digest(data)] = data
                self.answer(201)

            # --- bytes

            def read_body(self, most=None):
                size = int(self.headers.get("Content-Length") or 0)
                if most is not None and most < size:
                    self.close_connection = True
                    return self.rfile.read(most)
                return self.rfile.read(size)

            def answer(self, status, data=b"", headers=()):
                self.send_response(status)
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command == "HEAD":
                    return
                cut = registry.faults.pop("cut_get", None) if len(data) > 4096 else None
                self.wfile.write(data if cut is None else data[:cut])
                self.close_connection |= cut is not None

        return Handler
