# SPDX-License-Identifier: Apache-2.0
"""The forms in which people put a Wasm program into a registry."""
import json
import subprocess
import tarfile
from os import environ

from fake_registry import FakeRegistry
from store import CONFIG, LAYER, MANIFEST
from suite import SOURCE, program

INDEX = "application/vnd.oci.image.index.v1+json"
WASM_CONFIG = "application/vnd.wasm.config.v0+json"
WASM = "application/wasm"
RUNWASI = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"
CONTENT = "application/vnd.wasm.content.layer.v1+wasm"
EMPTY = "application/vnd.oci.empty.v1+json"
TITLE = "org.opencontainers.image.title"
HELLO, PROBE = ((SOURCE / "tests" / "shim" / "guests" / name).read_bytes() for name in ("hello.wasm", "probe.wasm"))
COMPONENT = b"\0asm\x0d\0\1\0"
ENTRYPOINT = ["/app.wasm"]


def saying(word):
    """A module that prints a word of five letters."""
    assert len(word) == 5
    return HELLO.replace(b"hello", word.encode())


def padded(module, size):
    """The module with a custom section of that many bytes, at most 2 MiB."""
    content = b"\x03pad" + bytes(size - 4)
    return module + b"\0" + bytes([size & 0x7f | 0x80, size >> 7 & 0x7f | 0x80, size >> 14]) + content


class Forms:
    """Puts images of every form into a store."""

    def __init__(self, store):
        self.store = store

    def platform(self, descriptor, os, architecture):
        return {**descriptor, "platform": {"os": os, "architecture": architecture}}

    def manifest(self, config, *layers):
        return self.store.document({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": list(layers)}, MANIFEST)

    def index(self, *manifests):
        return self.store.document({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(manifests)}, INDEX)

    def image_config(self, os, architecture, diff_ids, entrypoint=ENTRYPOINT):
        config = {"Entrypoint": entrypoint} if entrypoint else {}
        return self.store.document({"os": os, "architecture": architecture, "config": config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}, CONFIG)

    def files(self, os="linux", architecture="amd64", word="hello"):
        """A manifest whose one layer is an archive with the module."""
        layer, diff = self.store.layer({"app.wasm": saying(word)})
        return self.manifest(self.image_config(os, architecture, [diff]), layer)

    def module(self, data, media_type=WASM, title=None):
        descriptor = self.store.blob(data, media_type)
        return {**descriptor, "annotations": {TITLE: title}} if title else descriptor

    def wasm_config(self, layers, entrypoint=None):
        config = {"created": "2026-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip1", "layerDigests": [layer["digest"] for layer in layers]}
        return self.store.document({**config, **({"config": {"Entrypoint": entrypoint}} if entrypoint else {})}, WASM_CONFIG)

    def artifact(self, *modules, entrypoint=None):
        """A CNCF Wasm OCI artifact."""
        layers = modules or [self.module(HELLO)]
        return self.manifest(self.wasm_config(layers, entrypoint), *layers)

    def layered(self, media_type, diff_ids=(), os="wasip1", architecture="wasm"):
        """An image configuration with the module as its layer, as runwasi's oci-tar-builder makes it."""
        return self.manifest(self.image_config(os, architecture, list(diff_ids)), self.module(HELLO, media_type))

    def packed(self, directory):
        """What `wherry pack` makes: its archive's blobs, and the index."""
        module, archive = directory / "app.wasm", directory / "packed.tar"
        module.write_bytes(HELLO)
        subprocess.run([program("wherry"), "pack", module, "-t", "wherry.test/packed:1", "-o", archive], check=True, capture_output=True)
        with tarfile.open(archive) as tar:
            blobs = {m.name.rpartition("/")[2]: tar.extractfile(m).read() for m in tar if m.name.startswith("blobs/")}
            index = json.load(tar.extractfile("index.json"))["manifests"][0]
        for data in blobs.values():
            self.store.blob(data, LAYER)
        return index

    def pushed(self, directory):
        """What `wherry push --artifact` sends to a registry."""
        program("wherry-registry")  # which the command starts
        module = directory / "sent.wasm"
        module.write_bytes(HELLO)
        with FakeRegistry() as registry:
            environment = {**environ, "DOCKER_CONFIG": str(directory)}  # nobody's credentials
            subprocess.run([program("wherry"), "push", "--artifact", module, f"{registry.host}/sent:1"], check=True, capture_output=True, env=environment)
            for data in registry.blobs.values():
                self.store.blob(data, LAYER)
            return self.store.blob(*registry.manifests["1"])
