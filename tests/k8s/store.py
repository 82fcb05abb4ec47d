# SPDX-License-Identifier: Apache-2.0
"""Images in a directory, made from local files with none of our code; registry.py serves them."""
import gzip
import hashlib
import io
import json
import pathlib
import stat
import subprocess
import tarfile
from typing import NamedTuple

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class File(NamedTuple):
    """A file of an image that is not simply readable and executable by all."""
    content: object = b""  # bytes or Path
    mode: int = 0o755
    link: str = ""  # a hard link to this path
    directory: bool = False


class Store:
    """blobs/sha256/HEX and names.json: {"repository:tag": digest of the manifest}."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self._blobs = self.directory / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._names = {}
        self._layers = {}  # id of a files dict: (descriptor, diff id)

    def add(self, names, *layers, entrypoint=None, command=None, environment=(), user="", labels=None):
        """An image for linux/amd64 under each "repository:tag"; a layer is {path: bytes, Path or File}."""
        made = [self.layer(files) for files in layers]
        settings = {"Entrypoint": entrypoint, "Cmd": command, "Env": list(environment), "User": user, "Labels": labels}
        config = {"architecture": "amd64", "os": "linux", "config": {k: v for k, v in settings.items() if v},
                  "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in made]}}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self.document(config, CONFIG),
                    "layers": [descriptor for descriptor, _ in made]}
        digest = self.document(manifest, MANIFEST)["digest"]
        self.name(names, digest)
        return digest

    def name(self, names, digest):
        """Gives a manifest or an index that is there one name or several."""
        for name in [names] if isinstance(names, str) else names:
            self._names[name] = digest
        (self.directory / "names.json").write_text(json.dumps(self._names))

    def blob(self, data, media_type):
        """Adds bytes: their descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def document(self, value, media_type):
        """Adds a JSON document: its descriptor."""
        return self.blob(json.dumps(value, sort_keys=True).encode(), media_type)

    def layer(self, files):
        """(descriptor, diff id) of a layer with files."""
        if id(files) not in self._layers:
            data = _tar(files)
            made = self.blob(gzip.compress(data, 1, mtime=0), LAYER), "sha256:" + hashlib.sha256(data).hexdigest()
            self._layers[id(files)] = (files, made)  # holds the dict, so that its id stays its own
        return self._layers[id(files)][1]


def compiled(directory, name, source, *flags):
    """A static native program from C text."""
    text, program = pathlib.Path(directory) / f"{name}.c", pathlib.Path(directory) / name
    text.write_text(source)
    subprocess.run(["cc", "-Os", "-static", "-s", *flags, text, "-o", program], check=True, capture_output=True)
    return program


def _tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for folder in sorted(_folders(files)):
            _entry(archive, folder, File(directory=True))
        for path, content in files.items():
            _entry(archive, path, content if isinstance(content, File) else File(content))
    return out.getvalue()


def _folders(files):
    """The directories above the files that are not among them."""
    return {str(p) for path in files for p in pathlib.PurePosixPath(path).parents if str(p) != "." and str(p) not in files}


def _entry(archive, path, file):
    info = tarfile.TarInfo(path)
    info.mode = stat.S_IMODE(file.mode)
    if file.directory:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    elif file.link:
        info.type, info.linkname = tarfile.LNKTYPE, file.link
        archive.addfile(info)
    else:
        data = file.content if isinstance(file.content, bytes) else pathlib.Path(file.content).read_bytes()
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
