#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wherry-oci as runtime-spec callers use it: by hand with a bundle, and under Podman."""
# timeout: 300
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from suite import SOURCE, Skip, Suite, equal, guest, program  # noqa: E402

HTTPBIN = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
BUSYBOX = pathlib.Path("/bin/busybox")
suite = Suite()


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
            "process": {"args": args, "cwd": "/", "env": spec.pop("env", ["PATH=/bin"]), "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True},
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
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

    def output(self):
        return (self.directory / "out").read_text()


def hello(**spec):
    return Bundle(["/c-hello.wasm", "a"], {"c-hello.wasm": guest("c-hello.wasm")}, **spec)


def server(**spec):
    return Bundle(["/httpbin.wasm"], {"httpbin.wasm": HTTPBIN}, **spec)


@suite.test("the life of a container: created, running, stopped, gone")
def _():
    with server(env=["PORT=3000"]) as bundle:
        state = bundle.create("c", "--pid-file", bundle.directory / "pid")
        equal(state["status"], "created", "status")
        equal((bundle.directory / "pid").read_text(), str(state["pid"]), "pid file")
        equal(state["bundle"], str(bundle.path), "bundle")
        bundle.ok("start", "c")
        equal(bundle.state()["status"], "running", "status")
        equal(bundle.ok("ps", "c").split(), ["PID", str(state["pid"])], "ps")
        bundle.ok("kill", "c", "KILL")
        bundle.wait_status("stopped")
        equal(bundle.state()["pid"], 0, "pid")
        bundle.ok("delete", "c")
        done = bundle.oci("state", "c")
        equal((done.returncode, done.stderr), (1, "error: container c does not exist\n"), "state")
        equal(json.loads(bundle.log.read_text().splitlines()[-1])["msg"], "container c does not exist", "log")
        equal(list(bundle.root.iterdir()), [], "what is left")


@suite.test("run gives the output and the exit code of the program")
def _():
    with hello(env=["GREETING=hi"]) as bundle:
        done = bundle.oci("run", "--bundle", bundle.path, "c")
        equal((done.returncode, done.stdout, done.stderr), (42, "hello from C, argc=2\narg a\nGREETING=hi\n", ""), "run")
        equal(bundle.ok("list", "-q"), "", "containers")


@suite.test("the process that created a container may be gone, the container lives and is its parent's")
def _():
    with server(env=["PORT=3000"]) as bundle:
        pid = bundle.create()["pid"]
        bundle.ok("start", "c")
        assert pathlib.Path(f"/proc/{pid}").exists()
        equal(bundle.state()["status"], "running", "status")


@suite.test("pause freezes, resume thaws")
def _():
    with server(env=["PORT=3000"]) as bundle:
        bundle.create()
        bundle.ok("start", "c")
        bundle.ok("pause", "c")
        equal(bundle.state()["status"], "paused", "status")
        done = bundle.oci("pause", "c")
        equal(done.stderr, "error: container is paused, not running\n", "a second pause")
        bundle.ok("resume", "c")
        equal(bundle.state()["status"], "running", "status")


@suite.test("limits are set at first and by update")
def _():
    with server(env=["PORT=3000"], resources={"pids": {"limit": 50}}) as bundle:
        pid = bundle.create()["pid"]
        lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        line = next((one for one in lines if ":pids:" in one), None)
        directory = f"/sys/fs/cgroup/pids{line.split(':')[2]}" if line else f"/sys/fs/cgroup{lines[0].split(':')[2]}"
        file = pathlib.Path(directory, "pids.max")
        equal(file.read_text().strip(), "50", "pids.max")
        bundle.ok("update", "--pids-limit", 60, "c")
        equal(file.read_text().strip(), "60", "pids.max")
        (bundle.directory / "resources").write_text('{"pids": {"limit": 70}}')
        bundle.ok("update", "-r", bundle.directory / "resources", "c")
        equal(file.read_text().strip(), "70", "pids.max")


@suite.test("what can not be done is one line, and leaves nothing")
def _():
    with hello() as bundle:
        bundle.create()
        cases = [
            (("create", "--bundle", bundle.path, "c"), "container with id exists: c"),
            (("create", "--bundle", bundle.directory / "none", "d"), f"{bundle.directory}/none: No such file or directory"),
            (("create", "--bundle", bundle.path, "../d"), "container id may not be a path"),
            (("kill", "c", "NONE"), "no such signal: NONE"),
            (("start", "x"), "container x does not exist"),
            (("resume", "c"), "container is created, not paused"),
            (("update", "--memory", "1x", "c"), "limit: expected a number, found `1x`"),
        ]
        for words, message in cases:
            done = bundle.oci(*words)
            equal((done.returncode, done.stderr), (1, f"error: {message}\n"), " ".join(map(str, words)))
        bundle.ok("start", "c")
        bundle.wait_status("stopped")
        done = bundle.oci("start", "c")
        equal(done.stderr, "error: cannot start a container that has stopped\n", "start")
        equal(bundle.ok("list", "-q"), "c\n", "containers")
        equal(bundle.oci("frobnicate").returncode, 2, "an unknown command")


@suite.test("a broken module fails in create and leaves nothing")
def _():
    with hello() as bundle:
        (bundle.path / "rootfs" / "c-hello.wasm").write_bytes(b"\0asm\1\0\0\0\1\xff")
        done = bundle.oci("create", "--bundle", bundle.path, "c")
        equal(done.returncode, 1, "exit code")
        assert done.stderr.count("\n") == 1 and "c-hello.wasm" in done.stderr, done.stderr
        equal(bundle.ok("list", "-q"), "", "containers")


@suite.test("delete refuses what runs, unless forced; what is not there is fine when forced")
def _():
    with server(env=["PORT=3000"]) as bundle:
        pid = bundle.create()["pid"]
        bundle.ok("start", "c")
        equal(bundle.oci("delete", "c").stderr, "error: cannot delete container c that is not stopped: running\n", "delete")
        bundle.ok("delete", "--force", "c")
        assert not pathlib.Path(f"/proc/{pid}/ns").exists() or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
        bundle.ok("delete", "--force", "c")


@suite.test("a create that is killed leaves nothing that delete --force does not take away")
def _():
    for delay in (0.0, 0.005, 0.01, 0.02, 0.04):
        with server(env=["PORT=3000"]) as bundle, open(os.devnull, "w") as null:
            process = subprocess.Popen(bundle.command("create", "--bundle", bundle.path, "c"), stdin=null, stdout=null, stderr=null,
                                       env=bundle.environment())
            try:
                process.wait(delay or 0.001)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
            bundle.ok("delete", "--force", "c")
            equal(bundle.ok("list", "-q"), "", "containers")
            left = [h for h in pathlib.Path("/sys/fs/cgroup").glob(f"*{bundle.cgroup}/c")]
            equal(left, [], "cgroups")


@suite.test("a native program is runc's")
def _():
    if not BUSYBOX.is_file() or not shutil.which("runc"):
        raise Skip("needs busybox-static and runc")
    with Bundle(["/bin/busybox", "sh", "-c", "echo native; exit 5"], {"bin/busybox": BUSYBOX}) as bundle:
        done = bundle.oci("run", "--bundle", bundle.path, "n")
        equal((done.returncode, done.stdout), (5, "native\n"), f"run ({done.stderr})")


@suite.test("features are a document of the specification")
def _():
    with hello() as bundle:
        features = json.loads(bundle.ok("features"))
        assert features["ociVersionMax"] >= "1.0.2" and "mount" in features["linux"]["namespaces"], features


@suite.test("podman runs a module")
def _():
    podman = shutil.which("podman")
    if not podman:
        raise Skip("podman is not installed")
    with tempfile.TemporaryDirectory(prefix="wp-", ignore_cleanup_errors=True) as directory:
        place = pathlib.Path(directory)
        (place / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\nrunroot = "{place}/run"\ngraphroot = "{place}/graph"\n')
        environment = dict(os.environ, CONTAINERS_STORAGE_CONF=str(place / "storage.conf"), WHERRY_CACHE=str(place / "cache"))
        base = [podman, "--cgroup-manager=cgroupfs", "--events-backend=none", "--tmpdir", f"{place}/tmp", "--runtime", program("wherry-oci"),
                "--runtime-flag", f"root={place}/oci"]

        def run(*words):
            return subprocess.run([*base, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, timeout=120)

        image = place / "hello.tar"
        subprocess.run([program("wherry"), "pack", guest("c-hello.wasm"), "-t", "wherry.test/hello:1", "-o", image], check=True, capture_output=True)
        loaded = run("load", "-i", image)
        equal(loaded.returncode, 0, f"load ({loaded.stderr})")
        # podman asks for limits that not every machine lets root have
        limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")
        done = run("run", "--rm", "--network=none", *limits, "--env", "GREETING=hi", "wherry.test/hello:1", "x")
        equal((done.returncode, done.stdout), (42, "hello from C, argc=2\narg x\nGREETING=hi\n"), f"run ({done.stderr[-400:]})")
        equal(run("ps", "-aq").stdout, "", "containers")


suite.main()
