#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an operator settles for containers: annotations, options of a handler, the node's file. Under real containerd."""
import contextlib
import itertools
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import tools  # noqa: E402
from containerd import WHERRY, Containerd  # noqa: E402
from image import write_image  # noqa: E402
from suite import BUILD, Skip, Suite, equal, program, wait_until  # noqa: E402

IMAGE = "docker.io/wherry/terms:1"
FILES = {"terms.wasm": HERE / "guests" / "terms.wasm", "etc/motd": b"of the image\n", "data/file": b"of data\n", "native": b"\x7fELF\2\1\1" + bytes(57)}

suite = Suite()
ids = itertools.count()


class World:
    """A containerd whose node has a file of settings, which tests may write."""

    def __init__(self):
        self._daemon = None

    @property
    def daemon(self):
        if self._daemon is None:
            for name in ("containerd-shim-wherry-v1", "wherryc"):
                program(name)
            directory, missing = tools.containerd("2.4")
            if missing:
                raise Skip(missing)
            self._files = tempfile.TemporaryDirectory(prefix="wherry-config-")
            self.node_file = pathlib.Path(self._files.name) / "config.toml"
            self.node_file.write_text("")
            self._daemon = Containerd(directory / "containerd", shim_directory=BUILD / "bin", environment={"WHERRY_CONFIG": str(self.node_file)})
            self._daemon.start()
            files = {name: data if isinstance(data, bytes) else data.read_bytes() for name, data in FILES.items()}
            self._daemon.import_image(write_image(self._daemon.directory / "terms.tar", IMAGE, files, ["/terms.wasm"], ["PATH=/", "HOME=/", "APP_KEY=1"]))
        return self._daemon

    def close(self):
        if self._daemon is not None:
            self._daemon.close()
            self._files.cleanup()

    @contextlib.contextmanager
    def node(self, text):
        self.daemon  # noqa: B018 - makes the file's directory
        self.node_file.write_text(text)
        try:
            yield
        finally:
            self.node_file.write_text("")


world = World()


def flags(settings, more=()):
    return [word for key, value in settings.items() for word in ("--annotation", f"wherry.dev/{key}={value}")] + list(more)


def run(settings, *arguments, options=(), program="/terms.wasm"):
    return world.daemon.run(IMAGE, f"c{next(ids)}", program, *arguments, options=flags(settings, options))


@contextlib.contextmanager
def running(settings, *arguments):
    container = f"d{next(ids)}"
    world.daemon.ctr("run", "-d", "--runtime", WHERRY, "--null-io", *flags(settings), IMAGE, container, "/terms.wasm", *arguments)
    try:
        world.daemon.wait_status(container, "RUNNING")
        yield container
    finally:
        world.daemon.remove(container)


@contextlib.contextmanager
def listener():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server.getsockname()[1]


def log_lines(text):
    return [line for line in world.daemon.log().splitlines() if text in line]


@suite.test("a wrong annotation is the error of the create, in one line")
def _():
    cases = {
        "egres=none": "annotation wherry.dev/egres: unknown; known are memory, oom, ",
        "memory=lots": "annotation wherry.dev/memory: expected a number of bytes such as 64Mi, found `lots`",
        "egress=10.0.0.0/99": "annotation wherry.dev/egress: rule `10.0.0.0/99`: ",
        "features=gc": "annotation wherry.dev/features: feature `gc` is not supported",
        "compile-tier=fast": "annotation wherry.dev/compile-tier: expected `auto` or `baseline`, found `fast`",
        "preopens=data": "annotation wherry.dev/preopens: expected an absolute path, found `data`",
    }
    for text, message in cases.items():
        key, value = text.split("=", 1)
        done = run({key: value}, "env")
        assert done.returncode != 0 and message in done.stderr, (text, done.stderr)
    equal(world.daemon.leaks(), [], "leaks")


@suite.test("egress: what the rules do not allow is EACCES, is counted, and is a line of the log")
def _():
    with listener() as port:
        host = ["--net-host"]
        equal(run({}, "connect", "127.0.0.1", str(port), options=host).stdout, "connect: ok\n", "without rules")
        equal(run({"egress": f"localhost:{port}"}, "connect", "127.0.0.1", str(port), options=host).stdout, "connect: ok\n", "an allowed one")
        for rules in ("none", "10.0.0.0/8", "-127.0.0.0/8,*", f"localhost:{port + 1 if port < 65535 else 1}"):
            equal(run({"egress": rules}, "connect", "127.0.0.1", str(port), options=host).stdout, "connect: Permission denied\n", rules)
        assert log_lines(f"the guest was denied: egress 127.0.0.1:{port}/tcp"), "no line in the log"


@suite.test("listen: what the rules do not allow can not be bound")
def _():
    equal(run({"listen": ":8080"}, "bind", "127.0.0.1", "8081").stdout, "bind: Permission denied\n", "another port")
    equal(run({"listen": ":8080"}, "bind", "127.0.0.1", "8080").stdout, "bind: ok\n", "the port")
    equal(run({"listen": "none"}, "bind", "127.0.0.1", "8080").stdout, "bind: Permission denied\n", "none")


@suite.test("a guest that is denied in a loop costs the log a few lines, and loses no count")
def _():
    before = len(log_lines("egress 10.9.8.7:1/tcp"))
    done = run({"egress": "none", "debug": "summary"}, "flood", "10.9.8.7", "1", "20000")
    equal(done.stdout, "denied 20000 times\n", "output")
    assert "denied: egress 20000" in done.stderr, done.stderr
    lines = len(log_lines("egress 10.9.8.7:1/tcp")) - before
    assert 1 <= lines <= 20, f"{lines} lines"


@suite.test("memory: the guest's own limit, and what its end is called")
def _():
    done = run({"memory": "16Mi"}, "sip")
    equal(done.returncode, 3, f"a guest that copes ({done.stderr})")
    assert 5 <= int(done.stdout.split()[1]) <= 15, done.stdout
    done = run({"memory": "16Mi"}, "gulp")
    equal(done.returncode, 137, f"a guest that gives up ({done.stderr})")
    assert "the guest's memory was at its limit" in done.stderr, done.stderr
    assert log_lines("container ran out of memory"), "no line in the log"
    equal(run({"memory": "16Mi", "oom": "deny"}, "gulp").returncode, 134, "with oom: deny")
    done = run({"memory": "16Mi", "oom": "kill"}, "sip")
    equal((done.returncode, done.stdout), (137, ""), f"with oom: kill ({done.stderr})")
    assert "trap: out of memory" in done.stderr, done.stderr


@suite.test("memory: running out is containerd's OOM event, before the exit")
def _():
    events = world.daemon.popen("events", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        equal(run({"memory": "16Mi"}, "gulp").returncode, 137, "exit code")
        time.sleep(0.5)
    finally:
        events.kill()
        text = events.communicate()[0]
    order = [name for line in text.splitlines() for name in ("/tasks/oom", "/tasks/exit") if name in line]
    equal(order, ["/tasks/oom", "/tasks/exit"], f"events ({text})")


@suite.test("memory: what an exec is refused is not the container's")
def _():
    container = f"d{next(ids)}"
    world.daemon.ctr("run", "-d", "--runtime", WHERRY, "--null-io", *flags({"memory": "16Mi"}), IMAGE, container, "/terms.wasm", "trap-at", "/go")
    try:
        world.daemon.wait_status(container, "RUNNING")
        done = world.daemon.ctr("tasks", "exec", "--exec-id", "e", container, "/terms.wasm", "gulp", check=False)
        equal(done.returncode, 137, f"the exec ({done.stderr})")
        before = len(log_lines("container ran out of memory"))
        world.daemon.ctr("tasks", "exec", "--exec-id", "f", container, "/terms.wasm", "write", "/go")
        world.daemon.wait_status(container, "STOPPED")
        removed = world.daemon.ctr("tasks", "rm", container, check=False).stderr
        assert "134" in removed, removed
        equal(len(log_lines("container ran out of memory")), before, "lines of its end")
    finally:
        world.daemon.remove(container)


@suite.test("stack: deeper recursion traps")
def _():
    equal(run({}, "recurse", "5000").returncode, 0, "by default")
    done = run({"stack": "64Ki"}, "recurse", "5000")
    equal(done.returncode, 134, f"with a small one ({done.stderr})")
    assert "call stack exhausted" in done.stderr, done.stderr


@suite.test("cpu: a quota below the container's own")
def _():
    with running({"cpu": "200m"}, "sleep") as container:
        pid = world.daemon.tasks()[container][0]
        equal(quota_of(pid), 0.2, "processors")


def quota_of(pid):
    """The processors that a process's cgroup may use; None: all."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            base = pathlib.Path("/sys/fs/cgroup/cpu" + path)
            base = base if base.exists() else pathlib.Path("/sys/fs/cgroup/cpu,cpuacct" + path)
            return int((base / "cpu.cfs_quota_us").read_text()) / int((base / "cpu.cfs_period_us").read_text())
    quota, period = pathlib.Path("/sys/fs/cgroup" + path + "/cpu.max").read_text().split()
    return None if quota == "max" else int(quota) / int(period)


@suite.test("preopens: the guest has these directories and no others")
def _():
    equal(run({"preopens": "/data"}, "read", "/data/file").stdout, "of data\n", "within")
    assert "of the image" not in run({"preopens": "/data"}, "read", "/etc/motd").stdout
    equal(run({"preopens": "/data:ro"}, "write", "/data/new").stdout, "/data/new: Read-only file system\n", "a read-only one")
    equal(run({"preopens": "/data"}, "write", "/data/new").stdout, "/data/new: ok\n", "a writable one")
    equal(run({"preopens": "/missing,/data"}, "read", "/data/file").stdout, "of data\n", "beside one that is not there")
    assert log_lines("preopens: there is no /missing"), "no line in the log"
    assert "of the image" not in run({"preopens": "none"}, "read", "/etc/motd").stdout


@suite.test("read-only: paths that nothing in the container can change")
def _():
    equal(run({"read-only": "/etc"}, "write", "/etc/motd").stdout, "/etc/motd: Read-only file system\n", "a file of it")
    equal(run({"read-only": "/etc"}, "write", "/data/file").stdout, "/data/file: ok\n", "another")
    equal(run({"read-only": "/nothing"}, "write", "/data/file").stdout, "/data/file: ok\n", "with a path that is not there")
    assert log_lines("read-only: there is no /nothing"), "no line in the log"


@suite.test("environment: only what passes the filter reaches the guest")
def _():
    names = [line.split("=")[0] for line in run({"environment": "-APP_*"}, "env").stdout.splitlines()]
    assert "HOME" in names and "APP_KEY" not in names, names
    equal(run({"environment": "HOME"}, "env").stdout, "HOME=/\n", "one variable")


@suite.test("features: a module that needs what is switched off is refused")
def _():
    done = run({"features": "mvp"}, "env")
    assert done.returncode != 0 and "/terms.wasm" in done.stderr, done.stderr
    equal(run({"features": "-simd,-tail-call"}, "env").returncode, 0, "without what it does not need")


@suite.test("debug: host calls and a summary on standard error")
def _():
    done = run({"debug": "host-calls,summary"}, "read", "/data/file")
    equal(done.stdout, "of data\n", "output")
    assert "path_open(" in done.stderr and "= success" in done.stderr and "wherry: memory " in done.stderr, done.stderr


@suite.test("native: an ELF program is refused where the node does not want it")
def _():
    done = run({"native": "deny"}, program="/native")
    assert done.returncode != 0 and "/native is a native program, and these are not allowed here" in done.stderr, done.stderr


@suite.test("an exec is on the same terms")
def _():
    with running({"egress": "none", "environment": "-APP_*"}, "sleep") as container:
        done = world.daemon.ctr("tasks", "exec", "--exec-id", "e1", container, "/terms.wasm", "connect", "127.0.0.1", "1")
        equal(done.stdout, "connect: Permission denied\n", "connect")
        assert "APP_KEY" not in world.daemon.ctr("tasks", "exec", "--exec-id", "e2", container, "/terms.wasm", "env").stdout


@suite.test("the node's file has defaults for who says nothing, and ceilings for all")
def _():
    with world.node("[defaults]\negress = 'none'\nmemory = '8Mi'\n[ceilings]\nmemory = '32Mi'\nenvironment = '-APP_*'\npreopens = ['/data', '/tmp']\n"):
        equal(run({}, "connect", "127.0.0.1", "1").stdout, "connect: Permission denied\n", "the default")
        assert "refused" in run({"egress": "all"}, "connect", "127.0.0.1", "1").stdout, "an annotation before the default"
        small, large = (int(run(terms, "sip").stdout.split()[1]) for terms in ({}, {"memory": "1Gi"}))
        assert small < 8 <= large < 32, (small, large)
        assert "APP_KEY" not in run({"environment": "all"}, "env").stdout
        equal(run({}, "read", "/data/file").stdout, "of data\n", "a directory of the ceiling")
        done = run({"preopens": "/etc"}, "env")
        assert "ceilings.preopens: `/etc` is asked for, and only what is below `/data,/tmp` may be" in done.stderr, done.stderr


@suite.test("a node file with a mistake is an error that names file, key and value")
def _():
    with world.node("[defaults]\nmemory = 'lots'\n"):
        done = run({}, "env")
        assert done.returncode != 0 and f"{world.node_file}: defaults.memory: expected a number of bytes" in done.stderr, done.stderr
    equal(run({}, "env").returncode, 0, "after it was mended, without a restart")


@suite.test("a handler's options have defaults and ceilings too")
def _():
    with world.node("[defaults]\nenvironment = 'HOME'\n"):
        file = world.node_file.parent / "options.toml"
        file.write_text("[defaults]\nenvironment = 'APP_KEY'\n")
        options = ["--runtime-config-path", str(file)]
        equal(run({}, "env", options=options).stdout, "APP_KEY=1\n", "the handler's, before the node's")
        file.write_text("[defaults\n")
        done = run({}, "env", options=options)
        assert done.returncode != 0 and f"{file}: line 1: " in done.stderr, done.stderr


@suite.test("wherry top shows the guests, their memory and what they were denied")
def _():
    with running({"egress": "none", "memory": "16Mi"}, "sleep") as container:
        for i in range(3):
            world.daemon.ctr("tasks", "exec", "--exec-id", f"t{i}", container, "/terms.wasm", "connect", "127.0.0.1", "1")
        shown = subprocess.run([program("wherry"), "top", "--json"], capture_output=True, text=True, timeout=20, check=True).stdout
        mine = [guest for guest in json.loads(shown) if guest["id"] == container]
        equal(len(mine), 1, f"guests ({shown})")
        equal((mine[0]["pid"], mine[0]["denied"]["egress"], mine[0]["memory_limit"]), (world.daemon.tasks()[container][0], 3, 16 << 20), "pid, denials, limit")
        assert 0 < mine[0]["memory"] <= 16 << 20 and mine[0]["resident"] > 0, mine
        table = subprocess.run([program("wherry"), "top"], capture_output=True, text=True, timeout=20, check=True).stdout
        row = next(line for line in table.splitlines() if line.startswith(container + " "))
        assert row.endswith("  egress 3") and "16 MiB" in row, row


@suite.test("wherry config says what holds, and where a file is wrong")
def _():
    wherry = program("wherry")
    with tempfile.TemporaryDirectory(prefix="wherry-config-") as directory:
        file = pathlib.Path(directory) / "c.toml"
        file.write_text("[defaults]\noom = 'kill'\n[ceilings]\nmemory = '64Mi'\n")
        done = subprocess.run([wherry, "config", "show", "-f", file, "-a", "memory=1Gi", "-a", "wherry.dev/egress.web=none", "--container", "web"], capture_output=True, text=True)
        equal((done.returncode, done.stdout.split()), (0, ["memory", "1Gi", "memory", "64Mi", "oom", "kill", "egress", "none"]), "show")
        equal(subprocess.run([wherry, "config", "check", "-f", file], capture_output=True, text=True).stdout, f"{file}: 1 defaults, 1 ceilings\n", "check")
        file.write_text("[ceilings]\nspeed = 1\n")
        done = subprocess.run([wherry, "config", "check", "-f", file], capture_output=True, text=True)
        equal(done.returncode, 1, "exit code")
        assert done.stderr.startswith(f"error: {file}: ceilings.speed: unknown; known are "), done.stderr


@suite.test("nothing is left of all that")
def _():
    equal(world.daemon.leaks(), [], "leaks")
    wait_until(lambda: not [p for p in pathlib.Path("/proc").glob("[0-9]*/environ") if _mentions(p)], "processes end")


def _mentions(path):
    try:
        return b"wherry-init" in (path.parent / "comm").read_bytes() and world.daemon.namespace.encode() in (path.parent / "cgroup").read_bytes()
    except OSError:
        return False


try:
    suite.main()
finally:
    world.close()
