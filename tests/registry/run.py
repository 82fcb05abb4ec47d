#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wherry push` and `wherry pull` against a registry that fails, lies and asks for passwords, and beside skopeo."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

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
            ({"manifest": b"{}"}, "the image is empty"),
            ({"manifest": json.dumps({"mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "x", "digest": "sha256:../../../etc/passwd", "size": 3}}).encode()}, "is not a digest of SHA-256"),
            ({"manifest": b"[" * 200_000}, "nested more than 16 deep"),
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
        one_line(place.run("push", "text", name, code=None), "text: ")
        one_line(place.run("push", "nothing.tar", name, code=None), "nothing.tar: No such file or directory")
        (place.path / "empty").mkdir()
        one_line(place.run("push", "empty", name, code=None), "not an image: it has no index.json")
        one_line(place.run("push", "--artifact", place.image(), name, code=None), "not a module")
        one_line(place.run("pull", name, code=None), f"{registry.host}/app: v1: the registry answers 404")
        one_line(place.run("pull", "127.0.0.1:1/app", code=None), "127.0.0.1:1/app: ")
        one_line(place.run("pull", "me/UPPER", code=None), "image name")
        equal(place.run("push", code=None).returncode, 2, "exit code without arguments")
        assert "--plain-http" in place.run("push", "--help").stdout
        place.run("push", "app.tar", name)
        (place.path / "full").mkdir()
        (place.path / "full" / "x").write_text("x")
        one_line(place.run("pull", name, "-o", "full", code=None), "the directory is not empty")


suite.main()
