# SPDX-License-Identifier: Apache-2.0
"""A node of one version of containerd, and what becomes of an image on it."""
import json
from typing import NamedTuple

from node import Node, NodeError
from suite import wait_until

METADATA = {"name": "forms", "namespace": "forms", "uid": "forms", "attempt": 0}
ENDED = "CONTAINER_EXITED"


class Outcome(NamedTuple):
    step: str  # that it came to: pull, create, start, run
    text: str  # why it got no further; for run, what the program printed


class Bench:
    """Use as a context manager. fill(store, directory) puts the images into the node's registry."""

    def __init__(self, containerd, shims, fill):
        self.node = Node(containerd, shims=shims, fill=lambda node: fill(node.store, node.directory))

    def __enter__(self):
        self.node.__enter__()
        try:
            logs = self.node.directory / "pod-logs"
            logs.mkdir()
            self.pod = self._write("pod", {"metadata": METADATA, "log_directory": str(logs), "linux": {}})
            self.sandbox = self.node.run("crictl", "runp", "-r", "wherry", self.pod).stdout.strip()
        except BaseException:
            self.node.close()
            raise
        return self

    def __exit__(self, *_):
        self.node.close()

    def outcome(self, image, command=(), attempt=0):
        """What a pod's container of the image comes to."""
        step = "pull"
        try:
            self.node.run("crictl", "pull", image)
            step = "create"
            container = self.create(image, command, attempt)
            step = "start"
            self.node.run("crictl", "start", container)
        except NodeError as error:
            return Outcome(step, str(error))
        wait_until(lambda: self._status(container)["state"] == ENDED, "end of the container")
        return Outcome("run", self._log(container))

    def ctr_outcome(self, image, name, command=()):
        """The same by `ctr run`, for an image that is there."""
        done = self.node.run("ctr", "-n", "k8s.io", "run", "--rm", "--runtime", "io.containerd.wherry.v1", image, name, *command, check=False)
        return Outcome("run", done.stdout) if done.returncode == 0 else Outcome("ctr", done.stderr)

    def pulled_by(self, architecture, image):
        """The digests of what containerd fetches of an image on a node of that architecture."""
        space = f"{architecture}-{image.partition('/')[2].replace(':', '-')}"
        local = ["--local"] if self.node.version == "2.4" else []  # the transfer service unpacks, which needs a configured platform
        hosts = self.node.directory / "certs.d"
        self.node.run("ctr", "-n", space, "images", "pull", *local, "--skip-metadata", "--hosts-dir", hosts, "--platform", f"linux/{architecture}", image)
        return set(self.node.run("ctr", "-n", space, "content", "ls", "-q").stdout.split())

    def blob(self, digest):
        """The file of containerd's that holds a blob, seen from outside."""
        return self.node.directory / "root" / "io.containerd.content.v1.content" / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def create(self, image, command=(), attempt=0):
        name = image.partition("/")[2].replace(":", "-")
        config = {"metadata": {"name": name, "attempt": attempt}, "image": {"image": image}, "log_path": f"{name}-{attempt}.log", "linux": {}}
        if command:
            config["command"] = list(command)
        return self.node.run("crictl", "create", "--no-pull", self.sandbox, self._write(name, config), self.pod).stdout.strip()

    def _log(self, container):
        code = self._status(container)["exitCode"]
        text = self.node.run("crictl", "logs", container).stdout
        return text if code == 0 else f"exit code {code}: {text}"

    def _status(self, container):
        return self.node.json("crictl", "inspect", container)["status"]

    def _write(self, name, document):
        path = self.node.directory / f"{name}.json"
        path.write_text(json.dumps(document))
        return path
