#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The installer's image, of static programs alone, without a network: build.py BIN-DIRECTORY OUTPUT.tar [NAME:TAG]

The file is an OCI layout and a docker archive at once: ctr, skopeo, podman and docker read it. Equal programs
give an equal file.
"""
import gzip
import hashlib
import io
import json
import pathlib
import re
import sys
import tarfile

REQUIRED = ("wherry", "wherryc", "containerd-shim-wherry-v1", "wherry-label")
OPTIONAL = ("wherry-oci", "wherryc-opt", "toolbox.wasm")
ENTRYPOINT = ["/wherry", "node"]
OCI = "application/vnd.oci.image"


def add(archive, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def layer(directory):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in sorted(REQUIRED + OPTIONAL):
            places = (directory / name, directory.parent / "libexec" / "wherry" / name)  # beside, or as `make install` has it
            path = next(filter(pathlib.Path.is_file, places), None)
            if path:
                add(archive, name, path.read_bytes(), 0o644 if name.endswith(".wasm") else 0o755)
            elif name in REQUIRED:
                sys.exit(f"no {name} in {directory}")
    return data.getvalue()


def encoded(document):
    return json.dumps(document, separators=(",", ":")).encode()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    directory, output = pathlib.Path(sys.argv[1]), sys.argv[2]
    sources = pathlib.Path(__file__).resolve().parents[2]
    version = re.search(r"VERSION (\d+\.\d+\.\d+)", (sources / "CMakeLists.txt").read_text())[1]
    name = sys.argv[3] if len(sys.argv) > 3 else f"wherry.dev/node:{version}"
    blobs = {}

    def blob(data, media_type, **more):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"{OCI}.{media_type}", "digest": f"sha256:{digest}", "size": len(data), **more}

    content = layer(directory)
    platform = {"architecture": "amd64", "os": "linux"}
    config = blob(encoded({
        **platform, "created": "1970-01-01T00:00:00Z",
        "config": {"Entrypoint": ENTRYPOINT, "Env": ["PATH=/"], "WorkingDir": "/", "User": "0:0",
                   "Labels": {"org.opencontainers.image.title": "wherry", "org.opencontainers.image.version": version}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "deploy/image/build.py"}]}), "config.v1+json")
    layers = [blob(gzip.compress(content, mtime=0), "layer.v1.tar+gzip")]
    manifest = blob(encoded({"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": layers}),
                    "manifest.v1+json", platform=platform,
                    annotations={"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name})
    file = {"oci-layout": encoded({"imageLayoutVersion": "1.0.0"}),
            "index.json": encoded({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [manifest]}),
            "manifest.json": encoded([{"Config": f"blobs/sha256/{config['digest'][7:]}", "RepoTags": [name],
                                       "Layers": [f"blobs/sha256/{entry['digest'][7:]}" for entry in layers]}])}
    with tarfile.open(output, "w") as archive:
        for path, data in {**file, **blobs}.items():
            add(archive, path, data)
    print(f"{name}\n  file    {output}\n  digest  {manifest['digest']}")


if __name__ == "__main__":
    main()
