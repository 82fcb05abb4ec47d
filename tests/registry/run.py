#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wherry push` and `wherry pull` against a registry that fails, lies and asks for passwords, and beside skopeo."""
# timeout: 600
import base64
import contextlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import real  # noqa: E402
from fake_registry import FakeRegistry, digest  # noqa: E402
from suite import SOURCE, Skip, Suite, equal, program  # noqa: E402

MODULE = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
suite = Suite()


class Place:
    """A scratch directory with a home, a cache and an image."""

    def __init__(self, stack):
        self.path = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wherry-registry-")))
        (self.path / "tmp").mkdir()
        self.environment = {**{k: v for k, v in os.environ.items() if "proxy" not in k.lower()}, "HOME": str(self.path), "TMPDIR": str(self.path / "tmp"),
                            "XDG_CACHE_HOME": str(self.path / "cache"), "DOCKER_CONFIG": str(self.path / "docker")}
        self.environment.pop("REGISTRY_AUTH_FILE", None)
        self.environment.pop("XDG_RUNTIME_DIR", None)

    def run(self, *words, code=0):
        done = subprocess.run([program("wherry"), *words], cwd=self.path, env=self.environment, capture_output=True, text=True, timeout=120)
        if code is not None:
            equal(done.returncode, code, f"exit code of {words} ({done.stdout}{done.stderr})")
        equal(list((self.path / "tmp").iterdir()), [], "scratch files")
        return done

    def image(self, **more):
        program("wherry-registry")
        self.run("pack", str(MODULE), "-t", "app:v1", "-o", "app.tar", *(f"--{k}={v}" for k, v in more.items()))
        return "app.tar"

    def log_in(self, registry, **entry):
        (self.path / "docker").mkdir(exist_ok=True)
        (self.path / "docker" / "config.json").write_text(json.dumps({"auths": {registry.host: entry}}))

    def blobs(self, archive):
        with tarfile.open(self.path / archive) as tar:
            return {m.name: tar.extractfile(m).read() for m in tar if m.name.startswith("blobs/")}


@contextlib.contextmanager
def world(**options):
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        yield place, stack.enter_context(FakeRegistry(**options))


def one_line(done, *texts):
    equal(done.returncode, 1, f"exit code ({done.stdout}{done.stderr})")
    equal((done.stderr.count("\n"), done.stderr[:7]), (1, "error: "), f"error ({done.stderr})")
    for text in texts:
        assert text in done.stderr, (text, done.stderr)


@suite.test("an image goes there and comes back, bit for bit, with all its platforms")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/me/app:v1"
        pushed = place.run("push", place.image(), name).stdout
        assert pushed.startswith(name + "@sha256:"), pushed
        place.run("pull", name, "-o", "back.tar")
        equal(place.blobs("back.tar"), place.blobs("app.tar"), "blobs")
        place.run("pull", pushed.strip(), "-o", "directory")
        equal(sorted(p.name for p in (place.path / "directory").iterdir()), ["blobs", "index.json", "oci-layout"], "layout")
        again = len(registry.requests("POST"))
        place.run("push", "directory", name)
        equal(len(registry.requests("POST")), again, "uploads of what is there")
        place.run("pull", name, "--module", "m.wasm")
        equal((place.path / "m.wasm").read_bytes(), MODULE.read_bytes(), "module")
        place.run("pull", name, "--platform", "linux/arm64", "-o", "one.tar")
        equal(len(place.blobs("one.tar")), 3, "blobs of one platform")
        one_line(place.run("pull", name, "--platform", "plan9/vax", code=None), "the image is not for plan9/vax; it is for linux/amd64, linux/arm64, wasip1/wasm")


@suite.test("a module is packed on the way, as an image or as an artifact")
def _():
    with world() as (place, registry):
        program("wherry-registry")
        for options, layers in ((["--artifact"], "application/wasm"), ([], "application/vnd.oci.image.layer.v1.tar+gzip")):
            name = f"{registry.host}/app:{'a' if options else 'b'}"
            place.run("push", *options, str(MODULE), name)
            place.run("pull", name, "--module", "m.wasm")
            equal((place.path / "m.wasm").read_bytes(), MODULE.read_bytes(), f"module {options}")
            types = {layer["mediaType"] for data, _ in registry.manifests.values() for layer in json.loads(data).get("layers", [])}
            assert layers in types, types


@suite.test("skopeo reads what we push, and we what skopeo pushes")
def _():
    if not shutil.which("skopeo"):
        raise Skip("needs skopeo")
    with world() as (place, registry):
        ours, theirs = f"{registry.host}/ours:1", f"{registry.host}/theirs:1"
        place.run("push", place.image(), ours)
        subprocess.run(["skopeo", "copy", "--all", "--src-tls-verify=false", f"docker://{ours}", "oci:skopeo:1"], cwd=place.path, check=True, capture_output=True)
        subprocess.run(["skopeo", "copy", "--all", "--dest-tls-verify=false", "oci:skopeo:1", f"docker://{theirs}"], cwd=place.path, check=True, capture_output=True)
        place.run("pull", theirs, "-o", "theirs.tar")
        equal(place.blobs("theirs.tar"), place.blobs("app.tar"), "blobs")


@suite.test("credentials of docker login open basic and bearer registries, and go nowhere else")
def _():
    for auth in ("basic", "bearer"):
        with world(auth=auth) as (place, registry), FakeRegistry() as elsewhere:
            name = f"{registry.host}/me/app:v1"
            image = place.image()
            one_line(place.run("push", image, name, code=None), f"{registry.host}/me/app: ", "log in with `docker login` or `podman login` first")
            place.log_in(registry, auth=base64.b64encode(b"me:wrong").decode())
            one_line(place.run("push", image, name, code=None), f"{registry.host}/me/app: ")
            place.log_in(registry, auth=base64.b64encode(b"me:secret").decode())
            place.run("push", image, name)
            elsewhere.blobs.update(registry.blobs)
            registry.faults["redirect"] = elsewhere.url + "/v2/cdn/blobs/{digest}"
            place.run("pull", name, "-o", "back.tar")
            assert elsewhere.log and set(elsewhere.seen_authorization) == {None}, elsewhere.seen_authorization


@suite.test("identity tokens, helpers and podman's file are credentials too")
def _():
    with world(auth="bearer") as (place, registry):
        name = f"{registry.host}/app:v1"
        image = place.image()
        place.log_in(registry, identitytoken="refresh/+ token")
        place.run("push", image, name)
        equal(len(registry.requests("POST", "/token")), 1, "refreshed tokens")
        place.log_in(registry, registrytoken=registry.token)
        place.run("pull", name, "-o", "a.tar")

        helper = place.path / "bin" / "docker-credential-test"
        helper.parent.mkdir()
        helper.write_text(f'#!/bin/sh\nread server\n[ "$1 $server" = "get {registry.host}" ] || exit 1\necho \'{{"Username":"me","Secret":"secret"}}\'\n')
        helper.chmod(0o755)
        place.environment["PATH"] = f"{helper.parent}:{os.environ['PATH']}"
        config = place.path / "docker" / "config.json"
        for text in ({"credsStore": "test"}, {"credHelpers": {registry.host: "test"}}):
            config.write_text(json.dumps(text))
            place.run("pull", name, "-o", "a.tar")
        config.write_text(json.dumps({"credsStore": "../../bin/sh"}))
        one_line(place.run("pull", name, code=None), "config.json: a credential helper with a name that is none")
        config.write_text("{")
        one_line(place.run("pull", name, code=None), "config.json: not a JSON object")
        config.unlink()
        place.environment["REGISTRY_AUTH_FILE"] = str(place.path / "auth.json")
        (place.path / "auth.json").write_text(json.dumps({"auths": {f"{registry.host}/app": {"auth": base64.b64encode(b"me:secret").decode()}}}))
        place.run("pull", name, "-o", "a.tar")


@suite.test("what breaks in the middle goes on from there")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/app:v1"
        image = place.image(add=str(pathlib.Path(shutil.which("wherry") or program("wherry"))))
        registry.faults["cut_put"] = 100_000
        place.run("push", image, name)
        equal(len(registry.requests("PATCH")), 1, "resumed uploads")
        registry.faults["cut_get"] = 100_000
        place.run("pull", name, "-o", "back.tar")
        equal(place.blobs("back.tar"), place.blobs("app.tar"), "blobs")
        registry.faults.update(cut_get=100_000, no_range=True)
        place.run("pull", name, "-o", "back.tar")
        equal(place.blobs("back.tar"), place.blobs("app.tar"), "blobs from a registry without ranges")
        registry.faults.clear()
        registry.faults["busy"] = 3
        place.run("pull", name, "-o", "back.tar")


@suite.test("what a pull had when it was killed is not fetched again")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/app:v1"
        place.run("push", place.image(), name)
        layer = max(registry.blobs.values(), key=len)
        partial = place.path / "cache" / "wherry" / "pull" / f"{digest(layer)[7:]}.partial"
        partial.parent.mkdir(parents=True)
        partial.write_bytes(layer[:10_000])
        registry.log.clear()
        place.run("pull", name, "-o", "back.tar")
        equal(place.blobs("back.tar"), place.blobs("app.tar"), "blobs")
        assert not partial.exists(), "the partial file stays"
        partial.write_bytes(b"x" * 10_000)  # somebody else's beginning
        one_line(place.run("pull", name, "-o", "back.tar", code=None), "the registry sent something else")
        place.run("pull", name, "-o", "back.tar")


@suite.test("layers of another repository are mounted")
def _():
    with world() as (place, registry):
        image = place.image()
        place.run("push", image, f"{registry.host}/first:1")
        # Only who asks for them sees them: the registry's HEAD knows all repositories here.
        puts = len(registry.requests("PUT", "/uploads/"))
        place.run("push", image, f"{registry.host}/second:1", "--mount-from", "first")
        equal(len(registry.requests("PUT", "/uploads/")), puts, "uploads")


@suite.test("TLS is trusted by its certificate and not without, and never given up")
def _():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        keys = place.path / "keys"
        keys.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keys / "key", "-out", keys / "cert",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        registry = stack.enter_context(FakeRegistry(tls=(keys / "cert", keys / "key"), auth="bearer"))
        name = f"{registry.host}/app:v1"
        image = place.image()
        place.log_in(registry, auth=base64.b64encode(b"me:secret").decode())
        one_line(place.run("push", image, name, code=None), f"{registry.host}/app: ", "certificate")
        equal([a for a in registry.seen_authorization if a], [], "credentials before there is trust")
        place.run("push", image, name, "--ca-file", "keys/cert")
        place.run("pull", name, "--ca-file", "keys/cert", "-o", "back.tar")
        equal(place.blobs("back.tar"), place.blobs("app.tar"), "blobs")
        plain = stack.enter_context(FakeRegistry())
        registry.faults["redirect"] = plain.url + "/v2/x/blobs/{digest}"
        one_line(place.run("pull", name, "--ca-file", "keys/cert", "-o", "back.tar", code=None), "the server leads from https to http")
        registry.faults = {"challenge": f'Bearer realm="{plain.url}/token"'}
        registry.token = "changed"
        one_line(place.run("pull", name, "--ca-file", "keys/cert", code=None), "the server leads from https to http")
        equal(plain.log, [], "requests without TLS")
        one_line(place.run("pull", name, "--ca-file", "keys/none", code=None), "keys/none: No such file or directory")


@suite.test("a registry that lies or leads astray is found out")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/app:v1"
        place.run("push", place.image(), name)
        layer = max(registry.blobs.values(), key=len)
        secret = place.path / "secret"
        secret.write_text("s")
        cases = [
            ({"lie": b"x" * len(layer)}, "longer than it should be"),
            ({"lie": b"x"}, "sent something else"),
            ({"redirect": f"file://{secret}"}, "names a URL of `file`"),
            ({"redirect": "ftp://127.0.0.1/x"}, "names a URL of `ftp`"),
            ({"redirect": registry.url + "/v2/x/blobs/{digest}"}, "redirects in a circle"),
            ({"redirect": "http://[::1"}, "not a URL"),
            ({"manifest": b"x" * (5 << 20)}, "an answer of more than 4194304 bytes"),
            ({"manifest": b"{}"}, "neither an index nor an image's, or both"),
            ({"manifest": json.dumps({"manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:../../../etc/passwd", "size": 3}]}).encode()}, "is not a digest of SHA-256"),
            ({"manifest": b"[" * 200_000}, "the manifest is not a JSON object"),
            ({"manifest": b'{"config":{},"layers":[],"manifests":[]}'}, "neither an index nor an image's, or both"),
            ({"manifest": b'{"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}'}, "the registry that it is"),
            ({"manifest": b'{"schemaVersion":1,"fsLayers":[]}'}, "Docker's first schema"),
            ({"status": 403}, "GET /v2/ is answered with 403"),
            ({"status": 500}, "the registry answers 500"),
        ]
        for faults, text in cases:
            registry.faults = dict(faults)
            one_line(place.run("pull", name, "-o", "bad.tar", code=None), text)
            assert not (place.path / "bad.tar").exists()
        registry.faults = {"location": f"file://{secret}"}
        registry.blobs.clear()
        one_line(place.run("push", "app.tar", name, code=None), "names a URL of `file`")
        by_digest = next(d for d in registry.manifests if d.startswith("sha256:"))
        registry.faults = {"manifest": b"{}"}
        one_line(place.run("pull", f"{registry.host}/app@{by_digest}", code=None), "sent something else")


@suite.test("challenges and tokens that are none are refused, and no header is smuggled in")
def _():
    with world(auth="bearer") as (place, registry):
        name = f"{registry.host}/app:v1"
        program("wherry-registry")
        place.log_in(registry, auth=base64.b64encode(b"me:secret").decode())
        for challenge in ("", "Negotiate", "Bearer", 'Bearer realm="', "Bearer realm=\"file:///etc/passwd\"", "Bearer " + "x" * 9000, 'Bearer realm="http://203.0.113.1/token"'):
            registry.faults = {"challenge": challenge}
            one_line(place.run("pull", name, code=None), f"{registry.host}/app: ")
        registry.faults = {"token": "a\r\nX-Evil: 1"}
        one_line(place.run("pull", name, code=None), "its token service gave no token")


@suite.test("what is no image, and what is missing, is one clear error")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/app:v1"
        program("wherry-registry")
        (place.path / "text").write_text("hello")
        one_line(place.run("push", "text", name, code=None), "text: neither a module nor an image's archive")
        one_line(place.run("push", "nothing.tar", name, code=None), "nothing.tar: No such file or directory")
        (place.path / "empty").mkdir()
        one_line(place.run("push", "empty", name, code=None), "not an image: it has no index.json")
        one_line(place.run("push", "--artifact", place.image(), name, code=None), "not a module")
        strange = os.fsdecode(b"b\xff.wasm")
        (place.path / strange).write_bytes(b"\0asm\1\0\0\0")
        for options in ([], ["--artifact"]):
            done = subprocess.run([program("wherry"), "push", *options, strange, name], cwd=place.path, capture_output=True)
            equal((done.returncode, done.stderr), (1, b"error: /b\xff.wasm: not UTF-8, which names in an image are\n"), str(options))
        one_line(place.run("pull", name, code=None), f"{registry.host}/app: v1: the registry answers 404")
        one_line(place.run("pull", "127.0.0.1:1/app", code=None), "127.0.0.1:1/app: ")
        one_line(place.run("pull", "me/UPPER", code=None), "image name")
        equal(place.run("push", code=None).returncode, 2, "exit code without arguments")
        assert "--plain-http" in place.run("push", "--help").stdout
        place.run("push", "app.tar", name)
        (place.path / "full").mkdir()
        (place.path / "full" / "x").write_text("x")
        one_line(place.run("pull", name, "-o", "full", code=None), "the directory is not empty")


def hooked(registry, condition, answer, times=1):
    """The next requests for which the condition holds are answered by the function."""
    left = [times]

    def hook(handler):
        if left[0] == 0 or not condition(handler):
            return False
        left[0] -= 1
        answer(handler)
        return True
    registry.faults["hook"] = hook


@suite.test("a large blob goes in chunks, of the size that the registry wants, and on from what it took")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/app:v1"
        image = place.image(add=str(program("wherry-registry")))
        layer = max(place.blobs(image).values(), key=len)
        quarter = str(len(layer) // 4 + 1)
        place.run("push", image, name, "--chunk-size", quarter)
        equal(registry.blobs[digest(layer)], layer, "blob")
        equal(len(registry.requests("PATCH")), 4, "chunks")
        # less than was sent
        registry.blobs.clear()

        def less(handler):
            identity = handler.path.partition("?")[0].rpartition("/")[2]
            registry.uploads[identity] += handler.read_body()[:1000]
            handler.answer(202, headers={"Location": handler.path, "Range": f"0-{len(registry.uploads[identity]) - 1}"})
        hooked(registry, lambda h: h.command == "PATCH", less, 2)
        place.run("push", image, name, "--chunk-size", quarter)
        equal(registry.blobs[digest(layer)], layer, "blob")
        # a connection that breaks within one
        registry.blobs.clear()
        registry.faults = {"cut_put": len(layer) // 8}
        place.run("push", image, name, "--chunk-size", quarter)
        equal(registry.blobs[digest(layer)], layer, "blob")
        # the least size is the registry's
        registry.blobs.clear()
        registry.log.clear()
        registry.faults = {"chunk_min": len(layer) // 2 + 1}
        place.run("push", image, name, "--chunk-size", "10000")
        equal(len(registry.requests("PATCH")), 2, "chunks")
        for text in ("0-99999999", "x", "0-0"):
            registry.blobs.clear()
            registry.faults = {}
            hooked(registry, lambda h: h.command == "PATCH", lambda h, text=text: (h.read_body(), h.answer(202, headers={"Location": h.path, "Range": text})))
            one_line(place.run("push", image, name, "--chunk-size", quarter, code=None), "does not say how much of a chunk it has")


@suite.test("an answer that was lost, and an upload that was forgotten, are no failures")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/app:v1"
        image = place.image()
        layer = max(place.blobs(image).values(), key=len)

        def store(handler):
            registry.blobs[handler.query["digest"]] = handler.read_body()
            registry.uploads.clear()
            handler.close_connection = True

        def forget(handler):
            handler.read_body()
            registry.uploads.clear()
            handler.close_connection = True
        for answer in (store, forget):
            registry.blobs.clear()
            hooked(registry, lambda h: h.command == "PUT" and "/uploads/" in h.path and int(h.headers["Content-Length"]) == len(layer), answer)
            place.run("push", image, name)
            equal(registry.blobs[digest(layer)], layer, "blob")


@suite.test("an upload over TLS goes on too, however often it breaks, as long as it gets on")
def _():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key", "-out", "cert",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], cwd=place.path, check=True, capture_output=True)
        registry = stack.enter_context(FakeRegistry(tls=(place.path / "cert", place.path / "key")))
        image = place.image(add=str(program("wherry-registry")))
        layer = max(place.blobs(image).values(), key=len)
        cuts = []

        def cut(handler):  # more often than an upload that stands still is tried
            if handler.command in ("PUT", "PATCH") and int(handler.headers["Content-Length"]) > len(layer) // 4 and len(cuts) < 7:
                cuts.append(handler.path)
                registry.faults["cut_put"] = len(layer) // 16
            return False
        registry.faults["hook"] = cut
        place.run("push", image, f"{registry.host}/app:v1", "--ca-file", "cert")
        equal((len(cuts), registry.blobs[digest(layer)]), (7, layer), "breaks and blob")


@suite.test("credentials that a redirect led away do not come back with it")
def _():
    with world(auth="basic") as (place, registry), FakeRegistry() as elsewhere:
        name = f"{registry.host}/app:v1"
        place.log_in(registry, auth=base64.b64encode(b"me:secret").decode())
        place.run("push", place.image(), name)
        registry.faults["redirect"] = elsewhere.url + "/v2/x/blobs/{digest}"
        elsewhere.faults["redirect"] = registry.url + "/caught"
        registry.log.clear(), registry.seen_authorization.clear()
        place.run("pull", name, code=1)
        equal({a for (_, path), a in zip(registry.log, registry.seen_authorization) if path == "/caught"}, {None}, "credentials")


@suite.test("a digest, a range, or an index that says something else is found out")
def _():
    with world() as (place, registry):
        name = f"{registry.host}/app:v1"
        place.run("push", place.image(), name)
        layer = max(registry.blobs.values(), key=len)
        data, media_type = registry.manifests["v1"]
        hooked(registry, lambda h: h.path.endswith("/manifests/v1"),
               lambda h: h.answer(200, data, {"Content-Type": media_type, "Docker-Content-Digest": "sha256:" + "0" * 64}))
        one_line(place.run("pull", name, code=None), "the registry says sha256:000")
        index = json.loads(data)
        index["manifests"][0]["size"] += 1
        registry.faults = {}
        registry.manifests["v2"] = (json.dumps(index).encode(), media_type)
        one_line(place.run("pull", f"{registry.host}/app:v2", code=None), "another size or type than the index says")
        for text in ("bytes 0-9/10", "bytes 1000-99999999/100000000", "x", ""):
            partial = place.path / "cache" / "wherry" / "pull" / f"{digest(layer)[7:]}.partial"
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(layer[:1000])
            hooked(registry, lambda h: "Range" in h.headers, lambda h, text=text: h.answer(206, layer[1000:], {"Content-Range": text} if text else {}))
            one_line(place.run("pull", name, code=None), "another range than the one that was asked for")


@suite.test("a body that drips ends, and so do headers")
def _():
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b"x")
                time.sleep(0.05)

    def headers(handler):
        handler.send_response(200)
        handler.flush_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b"X-Fill: " + b"x" * 1000 + b"\r\n")
    with world() as (place, registry):
        program("wherry-registry")
        name = f"{registry.host}/app:v1"
        hooked(registry, lambda h: "manifests" in h.path, drip, -1)
        one_line(place.run("pull", name, "--timeout", "1s", code=None), "too slow")
        hooked(registry, lambda h: "manifests" in h.path, headers, -1)
        one_line(place.run("pull", name, code=None), "bytes of headers")


@suite.test("a layer starts no program, and what a later layer removes is not found")
def _():
    with world() as (place, registry):
        program("wherry-registry")
        for tool in ("lrzip", "grzip", "lzop"):
            path = place.path / "bin" / tool
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\ntouch {place.path}/started\n")
            path.chmod(0o755)
        place.environment["PATH"] = f"{place.path}/bin:{os.environ['PATH']}"
        module = b"\0asm\1\0\0\0"
        for tag, layers, code in (("lrz", [b"LRZI\0\6" + bytes(1000)], 1), ("grz", [b"GRZipII\0\2\4:)" + bytes(1000)], 1),
                                  ("removed", [tar_of({"bin/a.wasm": module}), tar_of({"bin/.wh.a.wasm": b""})], 1),
                                  ("opaque", [tar_of({"bin/a.wasm": module}), tar_of({"bin/.wh..wh..opq": b"", "bin/b": b""})], 1),
                                  ("there", [tar_of({"./bin/a.wasm": module}), tar_of({"lib/.wh.a.wasm": b""})], 0)):
            config = json.dumps({"config": {"Entrypoint": ["/bin/a.wasm"]}}).encode()
            manifest = {"schemaVersion": 2, "config": store(registry, config, "application/vnd.oci.image.config.v1+json"),
                        "layers": [store(registry, data, "application/vnd.oci.image.layer.v1.tar") for data in layers]}
            registry.manifests[tag] = (json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
            done = place.run("pull", f"{registry.host}/app:{tag}", "--module", f"{tag}.wasm", code=code)
            assert code == 0 or done.stderr.startswith("error: "), done.stderr
            assert not (place.path / "started").exists(), "a program was started"
        equal((place.path / "there.wasm").read_bytes(), module, "module")


@suite.test("a registry that wants a certificate of ours gets that of its directory")
def _():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        certificates = place.path / "certs"
        certificates.mkdir()
        for name in ("server", "client"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.cert",
                            "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"], cwd=place.path, check=True, capture_output=True)
        registry = stack.enter_context(FakeRegistry(tls=(place.path / "server.cert", place.path / "server.key"), clients=place.path / "client.cert"))
        name = f"{registry.host}/app:v1"
        image = place.image()
        place.run("push", image, name, "--ca-file", "server.cert", code=1)
        shutil.copy(place.path / "server.cert", certificates / "ca.crt")
        for file in ("client.cert", "client.key"):
            shutil.copy(place.path / file, certificates / file)
        place.run("push", image, name, "--cert-dir", "certs")
        (certificates / "client.key").unlink()
        one_line(place.run("push", image, name, "--cert-dir", "certs", code=None), "no readable .key beside it")
        one_line(place.run("push", image, name, "--ca-file", image, code=None), "no certificate in PEM")


@suite.test("a helper that fails, talks too long or talks nonsense is named; the result is JSON")
def _():
    with world(auth="basic") as (place, registry):
        name = f"{registry.host}/app:v1"
        image = place.image()
        (place.path / "docker").mkdir()
        (place.path / "docker" / "config.json").write_text(json.dumps({"credsStore": "test"}))
        helper = place.path / "bin" / "docker-credential-test"
        helper.parent.mkdir()
        place.environment["PATH"] = f"{helper.parent}:{os.environ['PATH']}"
        one_line(place.run("push", image, name, code=None), "docker-credential-test: it is configured, but not on the PATH")
        for script, text in (("exit 3", "docker-credential-test ended with 3"), ("yes 2>/dev/null", "does not stop printing"), ("echo nonsense", "its answer is not JSON"),
                             ("echo credentials not found in native keychain; exit 1", "log in with")):
            helper.write_text(f"#!/bin/sh\n{script}\n")
            helper.chmod(0o755)
            one_line(place.run("push", image, name, code=None), text)
        helper.write_text("#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"me\",\"Secret\":\"secret\"}'\n")
        result = json.loads(place.run("push", "--json", image, name).stdout)
        equal(result["reference"], f"{name}@{result['digest']}", "result")


def store(registry, data, media_type):
    registry.blobs[digest(data)] = data
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


real.add(suite, Place, one_line)
suite.main()
