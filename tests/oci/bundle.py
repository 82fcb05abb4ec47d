# SPDX-License-Identifier: Apache-2.0
"""A bundle of the runtime specification, and wherry-oci's commands on its containers."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from suite import SOURCE, equal, guest, program

HTTPBIN = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
BUSYBOX = pathlib.Path("/bin/busybox")


class Bundle:
    """A bundle, a runtime root and the cgroup below which its containers are. Use as a context manager."""

    def __init__(self, args, files, **spec):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wo-"))
        self.root = self.directory / "r"
        self.path = self.directory / "b"
        self.cgroup = f"/wherry-test-{self.directory.name}"
        self.log = self.directory / "log"
        rootfs = self.path / "rootfs"
        rootfs.mkdir(parents=True)
        for name, source in files.items():
            (rootfs / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, rootfs / name)
        document = {
            "ociVersion": "1.0.2",
            "process": {"args": args, "terminal": spec.pop("terminal", False), "cwd": "/", "env": spec.pop("env", ["PATH=/bin"]), "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True},
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, *spec.pop("mounts", [])],
            "linux": {"namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
                      "cgroupsPath": self.cgroup + "/c", "resources": spec.pop("resources", {})},
            **spec,
        }
        (self.path / "config.json").write_text(json.dumps(document))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in json.loads(self.oci("list", "--format", "json").stdout or "[]"):
            self.oci("delete", "--force", one["id"])
        for hierarchy in [pathlib.Path("/sys/fs/cgroup"), *pathlib.Path("/sys/fs/cgroup").iterdir()]:
            with contextlib.suppress(OSError):
                os.rmdir(str(hierarchy) + self.cgroup)
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self):
        return dict(os.environ, WHERRY_CACHE=str(self.directory / "cache"))

    def command(self, *words):
        return [str(program("wherry-oci")), "--root", str(self.root), "--log", str(self.log), "--log-format", "json", *map(str, words)]

    def oci(self, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        return subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, text=True,
                              timeout=60, env=self.environment())

    def create(self, container="c", *options):
        # A file: the container keeps what it gets, and nobody would see the end of a pipe.
        with open(self.directory / "out", "a+") as out:
            done = self.oci("create", "--bundle", self.path, *options, container, stdout=out, stderr=out)
        equal((done.returncode, self.output()), (0, ""), "create")
        return self.state(container)

    def ok(self, *words):
        done = self.oci(*words)
        equal((done.returncode, done.stderr), (0, ""), " ".join(map(str, words)))
        return done.stdout

    def state(self, container="c"):
        return json.loads(self.ok("state", container))

    def wait_status(self, status, container="c"):
        deadline = time.monotonic() + 20
        while self.state(container)["status"] != status:
            assert time.monotonic() < deadline, f"{self.state(container)}, not {status}"
            time.sleep(0.02)

    @contextlib.contextmanager
    def started(self, *words, **streams):
        """One command as a process; killed at the end of the block if it still runs."""
        process = subprocess.Popen(self.command(*words), env=self.environment(), **{"stdin": subprocess.DEVNULL, "text": True, **streams})
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def output(self):
        return (self.directory / "out").read_text()


def hello(**spec):
    return Bundle(["/c-hello.wasm", "a"], {"c-hello.wasm": guest("c-hello.wasm")}, **spec)


def server(**spec):
    return Bundle(["/httpbin.wasm"], {"httpbin.wasm": HTTPBIN}, **spec)
