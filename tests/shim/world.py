# SPDX-License-Identifier: Apache-2.0
"""One containerd with our shim and the test images, shared by the tests of one version."""
import contextlib
import itertools
import json
import pathlib
import re
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import tools  # noqa: E402
from containerd import WHERRY, Containerd, HarnessError  # noqa: E402
from image import write_image  # noqa: E402
from suite import BUILD, Skip, program, wait_until  # noqa: E402

SHIM = "containerd-shim-wherry-v1"
IMAGE = "docker.io/wherry/probe:1"
BUSYBOX = pathlib.Path("/bin/busybox")


def guest_bytes(name):
    return (HERE / "guests" / name).read_bytes()


def native_files():
    """For native execs: a shell, a script, and what can not be executed."""
    if not BUSYBOX.is_file():
        return {}
    return {"bin/busybox": BUSYBOX.read_bytes(), "bin/greet": b"#!/bin/busybox sh\necho hello $1 from $0\n", "bin/lost": b"#!/bin/nowhere\n"}


def images(directory):
    """The one image of the tests: good, broken, missing and foreign programs."""
    return write_image(directory / "probe.tar", IMAGE, {
        "probe.wasm": guest_bytes("probe.wasm"),
        "hello.wasm": guest_bytes("hello.wasm"),
        "opt/app/sub.wasm": guest_bytes("probe.wasm"),
        "truncated.wasm": guest_bytes("probe.wasm")[:9000],
        "text.wasm": b"this is not WebAssembly\n",
        "empty.wasm": b"",
        "component.wasm": b"\0asm\x0d\0\1\0",
        "native": b"\x7fELF\2\1\1" + bytes(57),
        "script": b"#!/bin/sh\nexit 0\n",
        "etc/motd": b"of the image\n",
        "etc/passwd": b"root:x:0:0::/:/\none:x:1000:1000::/srv/one:/\n",
        **native_files(),
    }, ["/probe.wasm"], ["PATH=/bin:/", "FROM_IMAGE=yes"])


class World:
    """A lazily started containerd. `version` is "1.6" (Debian's), "1.7" or "2.4"."""

    def __init__(self, version):
        self.version = version
        self._daemon = None
        self._missing = None
        self._ids = itertools.count()

    @property
    def daemon(self):
        if self._missing:
            raise Skip(self._missing)
        if self._daemon is None:
            self._daemon = self._start()
        return self._daemon

    def close(self):
        if self._daemon is not None:
            self._daemon.close()
            self._daemon = None

    def _start(self):
        program(SHIM)
        program("wherryc")
        binary = "/usr/bin/containerd"
        if self.version != "1.6":
            directory, self._missing = tools.containerd(self.version)
            if self._missing:
                raise Skip(self._missing)
            binary = directory / "containerd"
        elif not pathlib.Path(binary).is_file():
            self._missing = "Debian's containerd is not installed"
            raise Skip(self._missing)
        # A secret in containerd's environment that no guest may see.
        daemon = Containerd(binary, shim_directory=BUILD / "bin", environment={"DAEMON_SECRET": "hidden"})
        try:
            daemon.start()
            daemon.import_image(images(daemon.directory))
        except BaseException:
            daemon.close()
            raise
        return daemon

    # --- containers

    def new_id(self, prefix="c"):
        return f"{prefix}{next(self._ids)}"

    def run(self, *arguments, program="/probe.wasm", options=(), container=None, **keywords):
        """`ctr run --rm` of the probe: the CompletedProcess."""
        return self.daemon.run(IMAGE, container or self.new_id(), program, *arguments, options=options, **keywords)

    @contextlib.contextmanager
    def running(self, *arguments, options=(), program="/probe.wasm", until="RUNNING", log=None):
        """A detached container; yields its id and removes it in the end. log: a file for its output."""
        container = self.new_id("d")
        streams = ["--log-uri", f"file://{log}"] if log else ["--null-io"]
        self.daemon.ctr("run", "-d", "--runtime", WHERRY, *streams, *options, IMAGE, container, program, *arguments)
        try:
            if until:
                self.daemon.wait_status(container, until)
            yield container
        finally:
            self.daemon.remove(container)

    def spec(self, container, args):
        """A specification to be changed: ctr's own, with an absolute root of the test image's programs."""
        root = self.daemon.directory / "plain-root"
        if not root.exists():
            root.mkdir()
            for name in ("probe.wasm", "hello.wasm"):
                (root / name).write_bytes(guest_bytes(name))
            for name, data in native_files().items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_bytes(data)
                (root / name).chmod(0o755)
        spec = json.loads(self.daemon.ctr("oci", "spec").stdout)
        spec["root"]["path"] = str(root)
        spec["process"].update(args=args, terminal=False, env=["PATH=/"])
        spec["linux"]["cgroupsPath"] = f"/{self.daemon.namespace}/{container}"
        return spec

    @contextlib.contextmanager
    def configured(self, container, spec):
        """A detached container with that specification."""
        path = self.daemon.directory / f"{container}.json"
        path.write_text(json.dumps(spec))
        self.daemon.ctr("run", "-d", "--runtime", WHERRY, "--null-io", "--config", path, container)
        try:
            self.daemon.wait_status(container, "RUNNING")
            yield container
        finally:
            self.daemon.remove(container)

    @contextlib.contextmanager
    def attached(self, *arguments, options=(), stdin=None, program="/probe.wasm", container=None):
        """A container with ctr on its streams; yields (id, Popen of ctr, Lines of its output)."""
        import subprocess
        container = container or self.new_id("a")
        process = self.daemon.popen("run", "--runtime", WHERRY, *options, IMAGE, container, program, *arguments,
                                    stdin=stdin if stdin is not None else subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = Lines(process.stdout)
        try:
            yield container, process, lines
        finally:
            process.kill()
            process.wait()
            lines.join()
            process.stderr.close()
            if process.stdin:
                process.stdin.close()
            self.daemon.remove(container)

    def pid(self, container):
        return self.daemon.tasks()[container][0]

    def bundle(self, container):
        return self.daemon.directory / "state" / "io.containerd.runtime.v2.task" / self.daemon.namespace / container

    def shim_pid(self, container):
        for pid in self.daemon.remains.processes():
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"containerd-shim" in words[0] and container.encode() in words:
                return pid
        raise AssertionError(f"no shim of {container}")

    def check_no_leaks(self, timeout=10):
        left = self.daemon.leaks(timeout)
        assert not left, f"left behind: {'; '.join(left)}"


class Lines:
    """Collects the lines of a stream in a thread."""

    def __init__(self, stream):
        self._stream = stream
        self._lines = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with self._stream:
            for line in self._stream:
                self._lines.append(line.rstrip("\n"))

    def snapshot(self):
        return list(self._lines)

    def wait_for(self, count, timeout=20):
        wait_until(lambda: len(self._lines) >= count, f"{count} lines (seen {len(self._lines)})", timeout)
        return self.snapshot()

    def join(self):
        self._thread.join(10)


class Events:
    """`ctr events` while a test runs: topics and contents in their order."""

    def __init__(self, world):
        import subprocess
        self._world = world
        self._process = world.daemon.popen("events", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._lines = Lines(self._process.stdout)
        self._await_subscription()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._lines.join()

    def of(self, container):
        """[(topic, content)] of one container's task."""
        found = []
        for line in self._lines.snapshot():
            match = re.match(r"\S+ \S+ \S+ \S+ (\S+) (/tasks/\S+) (\{.*\})$", line)
            if match and json.loads(match.group(3)).get("container_id") == container:
                found.append((match.group(2), json.loads(match.group(3))))
        return found

    def wait_for(self, container, topic, timeout=20):
        wait_until(lambda: any(t == topic for t, _ in self.of(container)), f"{topic} of {container}: {self.of(container)}", timeout)
        return self.of(container)

    def _await_subscription(self):
        """Makes events until the first is seen."""
        def seen():
            name = self._world.new_id("probe-label")
            self._world.daemon.ctr("containers", "create", IMAGE, name, check=False)
            self._world.daemon.ctr("containers", "rm", name, check=False)
            return bool(self._lines.snapshot())
        wait_until(seen, "event of any kind")


__all__ = ["BUILD", "Events", "HarnessError", "IMAGE", "Lines", "SHIM", "Skip", "WHERRY", "World", "program", "wait_until"]
