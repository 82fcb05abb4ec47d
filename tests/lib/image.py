# SPDX-License-Identifier: Apache-2.0
"""Writes small OCI images for tests, with none of our code: `ctr images import` reads them."""
import gzip
import hashlib
import io
import json
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"


def write_image(path, name, files, entrypoint, environment=(), architecture="amd64", workdir=""):
    """An image archive for linux. files: {"bin/x": bytes or path}, all of them mode 0755."""
    layer = _layer(files)
    config = {
        "architecture": architecture, "os": "linux",
        "config": {"Entrypoint": list(entrypoint), "Env": list(environment), "WorkingDir": workdir},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    blobs = {}

    def blob(data, media_type, **more):
        blobs[f"blobs/sha256/{_digest(data)[7:]}"] = data
        return {"mediaType": media_type, "digest": _digest(data), "size": len(data), **more}

    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": blob(_json(config), CONFIG),
                "layers": [blob(gzip.compress(layer, mtime=0), LAYER)]}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        blob(_json(manifest), MANIFEST, platform={"os": "linux", "architecture": architecture},
             annotations={"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name})]}
    entries = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index), **blobs}
    with tarfile.open(path, "w") as archive:
        for file, data in entries.items():
            _add(archive, file, data, 0o644)
    return path


def _layer(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for folder in sorted({f.rpartition("/")[0] for f in files} - {""}):
            _add_folders(archive, folder)
        for file, content in files.items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            _add(archive, file, data, 0o755)
    return out.getvalue()


def _add_folders(archive, folder):
    parts = folder.split("/")
    for i in range(1, len(parts) + 1):
        name = "/".join(parts[:i])
        if name not in archive.getnames():
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)


def _add(archive, name, data, mode):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    archive.addfile(info, io.BytesIO(data))


def _json(value):
    return json.dumps(value, sort_keys=True).encode()


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()
