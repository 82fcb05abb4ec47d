# SPDX-License-Identifier: Apache-2.0
"""With the registry of the distribution project, skopeo and containerd."""
import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess

import tools
from containerd import WHERRY, Containerd
from suite import BUILD, SOURCE, Skip, equal, free_port, program, wait_until

BUILD_TIMEOUT = 240


@functools.lru_cache
def missing():
    """Why there is no registry, found out once."""
    return tools.ensure("distribution", timeout=BUILD_TIMEOUT)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def distribution(directory):
    """host:port of a registry that keeps its data in the directory."""
    program("wherry-registry")
    if reason := missing():
        raise Skip(reason)
    port = free_port()
    settings = directory / "registry.yml"
    settings.write_text(json.dumps({"version": 0.1, "log": {"level": "error"}, "http": {"addr": f"127.0.0.1:{port}"},
                                    "storage": {"filesystem": {"rootdirectory": str(directory / "data")}}}))
    with subprocess.Popen([tools.directory() / "bin" / "registry", "serve", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env={**os.environ, "OTEL_TRACES_EXPORTER": "none"}) as process:
        try:
            wait_until(lambda: answers(port), "registry", alive=process)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def add(suite, place_of, one_line):
    @suite.test("a real registry takes what we push, whole, in chunks and mounted, and gives it back")
    def _():
        with contextlib.ExitStack() as stack:
            place = place_of(stack)
            host = stack.enter_context(distribution(place.path))
            image = place.image(add=str(program("wherry-registry")))
            pushed = place.run("push", image, f"{host}/me/app:v1").stdout
            place.run("push", image, f"{host}/in/chunks:v1", "--chunk-size", "1MiB")
            place.run("push", image, f"{host}/you/app:v1", "--mount-from", "me/app")
            for name in ("in/chunks:v1", "you/app:v1", "me/app@" + pushed.strip().rpartition("@")[2]):
                place.run("pull", f"{host}/{name}", "-o", "back.tar")
                equal(place.blobs("back.tar"), place.blobs(image), f"blobs of {name}")
            one_line(place.run("pull", f"{host}/no/such:v1", code=None), f"{host}/no/such: v1: the registry answers 404 (MANIFEST_UNKNOWN: manifest unknown)")

    @suite.test("skopeo and we read what the other one pushed to a real registry, in Docker's form too")
    def _():
        if not shutil.which("skopeo"):
            raise Skip("skopeo is not installed")
        with contextlib.ExitStack() as stack:
            place = place_of(stack)
            host = stack.enter_context(distribution(place.path))

            def skopeo(*words):
                done = subprocess.run(["skopeo", *words], cwd=place.path, capture_output=True, text=True, timeout=60)
                equal(done.returncode, 0, f"exit code of skopeo {words} ({done.stderr})")
                return done.stdout
            pushed = place.run("push", place.image(), f"{host}/me/app:v1").stdout
            equal(json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{host}/me/app:v1"))["Digest"], pushed.strip().rpartition("@")[2], "digest")
            skopeo("copy", "--all", "--dest-tls-verify=false", "oci-archive:app.tar", f"docker://{host}/by/skopeo:v1")
            place.run("pull", f"{host}/by/skopeo:v1", "-o", "back.tar")
            equal(place.blobs("back.tar"), place.blobs("app.tar"), "blobs")
            skopeo("copy", "--dest-tls-verify=false", "--format", "v2s2", "oci-archive:app.tar", f"docker://{host}/by/docker:v1")
            place.run("pull", f"{host}/by/docker:v1", "--module", "m.wasm")
            equal((place.path / "m.wasm").read_bytes()[:4], b"\0asm", "module")

    @suite.test("containerd runs what was pushed, from the registry and from the archive of a pull")
    def _():
        program("containerd-shim-wherry-v1")
        if os.geteuid() != 0:
            raise Skip("needs root")
        with contextlib.ExitStack() as stack:
            place = place_of(stack)
            host = stack.enter_context(distribution(place.path))
            daemon = stack.enter_context(Containerd(shim_directory=BUILD / "bin"))
            name = f"{host}/me/hello:v1"
            place.run("push", str(SOURCE / "tests" / "cli" / "data" / "hello.wasm"), name)
            daemon.ctr("images", "pull", "--plain-http", name)
            first = daemon.run(name, "c1", runtime=WHERRY)
            equal(first.returncode, 0, f"exit code ({first.stderr})")
            place.run("pull", name, "-o", "hello.tar")
            daemon.ctr("images", "remove", "--sync", name)
            daemon.import_image(place.path / "hello.tar")
            second = daemon.run(name, "c2", runtime=WHERRY)
            equal((second.returncode, second.stdout), (0, first.stdout), f"exit code and output ({second.stderr})")
