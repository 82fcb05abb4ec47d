# SPDX-License-Identifier: Apache-2.0
"""The program by itself: -v, -info, start in all its forms, delete."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from protocol import Connection, decode, encode
from suite import Skip, equal, program, wait_until
from world import SHIM

NAMESPACE = "tests"


@contextlib.contextmanager
def bundles(*configs):
    """A fresh directory with one bundle per config.json; yields (containerd's address, [bundle])."""
    with tempfile.TemporaryDirectory(prefix="wherry-start-") as directory:
        made = []
        for number, config in enumerate(configs):
            bundle = pathlib.Path(directory, f"bundle{number}")
            (bundle / "rootfs").mkdir(parents=True)
            if config is not None:
                (bundle / "config.json").write_text(json.dumps(config))
            os.mkfifo(bundle / "log")
            made.append(bundle)
        yield f"{directory}/c.sock", made
        wait_until(lambda: not shims_of(directory), "end of every shim")


def answers(path):
    with contextlib.suppress(OSError), Connection(path):
        return True
    return False


def shims_of(directory):
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{directory}/c.sock".encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


def invoke(bundle, address, container, action, stdin=b"", flags=(), environment=None):
    command = [program(SHIM), "-namespace", NAMESPACE, "-address", address, "-publish-binary", "/bin/false",
               "-id", container, *flags, action]
    return subprocess.run(command, cwd=bundle, input=stdin, capture_output=True, timeout=20,
                          env=environment if environment is not None else {"PATH": os.environ["PATH"]})


def socket_of(address, group):
    return "/run/containerd/s/" + hashlib.sha256(f"{address}/{NAMESPACE}/{group}".encode()).hexdigest()


def shut_down(path):
    with Connection(path) as connection:
        connection.call("Shutdown", {1: "x"})
        # The shim leaves only after the answer: its end of the connection is the sign.
        while connection.socket.recv(100):
            pass
    wait_until(lambda: not os.path.exists(path), "end of the socket")


@contextlib.contextmanager
def started(bundle, address, container, group=None, **options):
    """Runs `start` and shuts the shim down in the end; yields what start printed."""
    done = invoke(bundle, address, container, "start", **options)
    equal((done.returncode, done.stderr), (0, b""), "start")
    path = socket_of(address, group or container)
    try:
        yield done.stdout
    except BaseException:
        kill_shim(bundle, address, container, path)
        raise
    else:
        if os.path.exists(path):
            shut_down(path)


def kill_shim(bundle, address, container, path):
    """The hard way, after a test that failed with containers in the shim."""
    with contextlib.suppress(OSError):
        with Connection(path, timeout=5) as connection:
            os.kill(connection.call("Connect", {1: "x"})[1][0], signal.SIGKILL)
            while connection.socket.recv(100):
                pass
    invoke(bundle, address, container, "delete")


def any_of(type_url, value):
    return encode({1: type_url, 2: value})


def register(suite):
    @suite.test("check 1: -v needs nothing at all")
    def _():
        for flag in ("-v", "--version", "-version"):
            done = subprocess.run([program(SHIM), flag], cwd="/", env={}, stdin=subprocess.DEVNULL, capture_output=True)
            equal(done.returncode, 0, f"exit code of {flag}")
            assert b"Version:" in done.stdout, done.stdout

    @suite.test("check 2: -info prints a RuntimeInfo")
    def _():
        for stdin in (b"", any_of("runtimeoptions.v1.Options", b"")):
            done = subprocess.run([program(SHIM), "-info"], cwd="/", env={}, input=stdin, capture_output=True)
            equal(done.returncode, 0, "exit code")
            info = decode(done.stdout)
            equal(info[1], [b"io.containerd.wherry.v1"], "name")
            features = decode(info[4][0])
            equal(features[1][0], b"types.containerd.io/opencontainers/runtime-spec/1/features/Features", "type")
            document = json.loads(features[2][0])
            assert "ociVersionMax" in document and "namespaces" in document["linux"], document

    @suite.test("check 4: start prints the address and nothing else")
    def _():
        with bundles({}) as (address, [bundle]):
            with started(bundle, address, "c1") as printed:
                equal(printed.decode(), "unix://" + socket_of(address, "c1"), "stdout")
                equal((bundle / "address").read_text(), printed.decode(), "address file")
                equal(os.stat(socket_of(address, "c1")).st_mode & 0o777, 0o600, "mode of the socket")

    @suite.test("check 5: start understands every kind of stdin")
    def _():
        inputs = {
            "nothing": b"",
            "options of CRI 1.6": any_of("runtimeoptions.v1.Options", b""),
            "options of CRI 1.7": any_of("runtimeoptions.v1.Options", encode({1: "x", 3: b"SystemdCgroup = false\n"})),
            "runc options": any_of("containerd.runc.v1.Options", encode({1: 1, 7: "/run/x"})),
            "BootstrapParams": encode({1: "c1", 2: NAMESPACE, 3: -4, 4: "2.4.2", 6: "/elsewhere", 8: {1: any_of("runtimeoptions.v1.Options", b"")}}),
        }
        for name, stdin in inputs.items():
            with bundles({}) as (address, [bundle]):
                with started(bundle, address, "c1", stdin=stdin) as printed:
                    equal(printed.decode(), "unix://" + socket_of(address, "c1"), f"address with {name}")

    @suite.test("start works with BootstrapParams alone, without flags and environment")
    def _():
        with bundles({}) as (address, [bundle]):
            stdin = encode({1: "c1", 2: NAMESPACE, 5: f"{address}.ttrpc", 6: address})
            done = subprocess.run([program(SHIM), "start"], cwd=bundle, env={}, input=stdin, capture_output=True, timeout=20)
            equal((done.stdout.decode(), done.stderr), ("unix://" + socket_of(address, "c1"), b""), "output")
            shut_down(socket_of(address, "c1"))

    @suite.test("containers of one pod share a shim, and both bundles have its address")
    def _():
        pod = {"annotations": {"io.kubernetes.cri.sandbox-id": "pod1"}}
        with bundles(pod, pod) as (address, [first, second]):
            with started(first, address, "pod1") as printed:
                again = invoke(second, address, "app1", "start")
                equal((again.returncode, again.stdout, again.stderr), (0, printed, b""), "second start")
                equal((second / "address").read_text(), printed.decode(), "address of the second")

    @suite.test("start without config.json serves the container alone")
    def _():
        with bundles(None) as (address, [bundle]):
            with started(bundle, address, "c1") as printed:
                equal(printed.decode(), "unix://" + socket_of(address, "c1"), "stdout")

    @suite.test("start replaces a socket that nobody listens on")
    def _():
        with bundles({}) as (address, [bundle]):
            path = socket_of(address, "c1")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            import socket
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(path)
            with started(bundle, address, "c1"):
                with Connection(path) as connection:
                    assert connection.call("Connect", {1: "none"})[1][0] > 0

    @suite.test("ten starts of one pod at once make one shim")
    def _():
        for _ in range(20):
            ten_starts()

    def ten_starts():
        pod = {"annotations": {"io.kubernetes.cri.sandbox-id": "pod1"}}
        with bundles(*[pod] * 10) as (address, made):
            command = [program(SHIM), "-namespace", NAMESPACE, "-address", address, "-id"]
            runs = [subprocess.Popen([*command, f"c{i}", "start"], cwd=bundle, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for i, bundle in enumerate(made)]
            printed = {run.communicate(timeout=20)[0].decode() for run in runs}
            path = socket_of(address, "pod1")
            try:
                equal(printed, {f"unix://{path}"}, "all addresses")
                with Connection(path) as one, Connection(path) as two:
                    equal(one.call("Connect", {1: "x"})[1], two.call("Connect", {1: "x"})[1], "pid of the shim")
            finally:
                shut_down(path)

    @suite.test("a shim that was started and is never called ends by itself")
    def _():
        with bundles({}) as (address, [bundle]):
            equal(invoke(bundle, address, "c1", "start").returncode, 0, "start")
            path = socket_of(address, "c1")
            with Connection(path) as connection:
                assert connection.call("Connect", {1: "none"})[1][0] > 0
            wait_until(lambda: not os.path.exists(path), "end of the socket", timeout=60)

    @suite.test("a start that is killed leaves no socket that nobody serves")
    def _():
        if not shutil.which("strace"):
            raise Skip("no strace package")
        for call in ("flock", "chmod", "clone", "read", "write"):
            with bundles({}) as (address, [bundle]):
                killer = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL"]
                subprocess.run([*killer, program(SHIM), "-namespace", NAMESPACE, "-address", address, "-id", "c1", "start"],
                               cwd=bundle, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
                path = socket_of(address, "c1")
                wait_until(lambda: answers(path) or not shims_of(bundle.parent), "server behind the socket, or end")
                if os.path.exists(path):
                    shut_down(path)

    @suite.test("start says what is wrong on stderr and fails")
    def _():
        with bundles({}) as (address, [bundle]):
            done = subprocess.run([program(SHIM), "-id", "c1", "-address", address, "start"], cwd=bundle, env={},
                                  stdin=subprocess.DEVNULL, capture_output=True)
            equal((done.returncode, done.stdout, done.stderr), (1, b"", b"start: no -namespace\n"), "result")

    @suite.test("the server holds no descriptor and no environment of containerd")
    def _():
        with bundles({}) as (address, [bundle]):
            environment = {"TTRPC_ADDRESS": "", "DAEMON_SECRET": "hidden", "PATH": "/bin"}
            with started(bundle, address, "c1", environment=environment):
                with Connection(socket_of(address, "c1")) as connection:
                    pid = connection.call("Connect", {1: "x"})[1][0]
                    links = {n: os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
                equal((links["0"], links["1"]), ("/dev/null", "/dev/null"), "stdin and stdout")
                odd = [l for l in links.values() if not l.startswith(("/dev/null", "socket:", "anon_inode:", str(bundle / "log")))
                       and not l.startswith("/") and "exe" not in l]
                assert not odd, odd
                equal(os.readlink(f"/proc/{pid}/cwd"), "/", "working directory")

    @suite.test("the server's oom score is one above containerd's")
    def _():
        with bundles({}) as (address, [bundle]):
            with started(bundle, address, "c1"):
                with Connection(socket_of(address, "c1")) as connection:
                    pid = connection.call("Connect", {1: "x"})[1][0]
                own = int(pathlib.Path("/proc/self/oom_score_adj").read_text())
                equal(int(pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text()), min(own + 1, 1000), "score")

    @suite.test("delete succeeds when nothing is left, twice")
    def _():
        with bundles({}) as (address, [bundle]):
            for _ in range(2):
                done = invoke(bundle, address, "c1", "delete", flags=["-bundle", str(bundle)])
                equal((done.returncode, done.stderr), (0, b""), "delete")
                equal(decode(done.stdout)[2], [137], "status")

    @suite.test("delete leaves the live shim of the pod alone")
    def _():
        pod = {"annotations": {"io.kubernetes.cri.sandbox-id": "pod1"}}
        with bundles(pod, pod) as (address, [first, second]):
            with started(first, address, "pod1"):
                invoke(second, address, "app1", "start")
                equal(invoke(second, address, "app1", "delete", flags=["-bundle", str(second)]).returncode, 0, "exit code")
                with Connection(socket_of(address, "pod1")) as connection:
                    assert connection.call("Connect", {1: "x"})[1][0] > 0

    @suite.test("delete removes the socket of a dead shim")
    def _():
        with bundles({}) as (address, [bundle]):
            path = socket_of(address, "c1")
            invoke(bundle, address, "c1", "start")
            with Connection(path) as connection:
                pid = connection.call("Connect", {1: "x"})[1][0]
                os.kill(pid, signal.SIGKILL)
                while connection.socket.recv(100):
                    pass
            assert os.path.exists(path)
            equal(invoke(bundle, address, "c1", "delete").returncode, 0, "exit code")
            assert not os.path.exists(path), "the socket is still there"

    @suite.test("SIGTERM ends the shim and its socket")
    def _():
        with bundles({}) as (address, [bundle]):
            path = socket_of(address, "c1")
            invoke(bundle, address, "c1", "start")
            with Connection(path) as connection:
                os.kill(connection.call("Connect", {1: "x"})[1][0], signal.SIGTERM)
                while connection.socket.recv(100):
                    pass
            assert not os.path.exists(path), "the socket is still there"

    @suite.test("the server joins the cgroup that runc's options name")
    def _():
        if not os.path.isdir("/sys/fs/cgroup/pids") or os.geteuid() != 0:
            raise Skip("needs root and cgroup v1")
        name = f"wherry-test-{os.getpid()}"
        group = pathlib.Path("/sys/fs/cgroup/pids", name)
        group.mkdir()
        try:
            with bundles({}) as (address, [bundle]):
                options = any_of("containerd.runc.v1.Options", encode({3: f"/{name}"}))
                with started(bundle, address, "c1", stdin=options):
                    with Connection(socket_of(address, "c1")) as connection:
                        pid = connection.call("Connect", {1: "x"})[1][0]
                    assert str(pid) in (group / "cgroup.procs").read_text().split()
        finally:
            wait_until(lambda: not (group / "cgroup.procs").read_text(), "end of the shim")
            group.rmdir()

    @suite.test("SCHED_CORE=1 makes a core cookie, or start says that the kernel has none")
    def _():
        with bundles({}) as (address, [bundle]):
            done = invoke(bundle, address, "c1", "start", environment={"SCHED_CORE": "1"})
            path = socket_of(address, "c1")
            if done.returncode == 0:
                shut_down(path)
            else:
                assert done.stderr.startswith(b"SCHED_CORE=1: core scheduling: "), done.stderr
                assert not os.path.exists(path), "a socket is left"
