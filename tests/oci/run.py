#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wherry-oci as runtime-spec callers use it: by hand with a bundle, and under Podman."""
# timeout: 300
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]

import checks_events  # noqa: E402
import checks_exec  # noqa: E402
import checks_podman  # noqa: E402
import checks_terminal  # noqa: E402
from bundle import BUSYBOX, Bundle, hello, server  # noqa: E402
from suite import Skip, Suite, equal, program  # noqa: E402

suite = Suite()


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


@suite.test("run passes signals on")
def _():
    with server(env=["PORT=3000"]) as bundle, bundle.started("run", "--bundle", bundle.path, "c", stdout=subprocess.PIPE) as process:
        equal(process.stdout.readline(), "listening on port 3000\n", "output")
        process.send_signal(signal.SIGTERM)
        equal(process.wait(20), 143, "exit code")
        equal(bundle.ok("list", "-q"), "", "containers")


@suite.test("the process that created a container may be gone, the container lives and is its parent's")
def _():
    with server(env=["PORT=3000"]) as bundle:
        pid = bundle.create()["pid"]
        bundle.ok("start", "c")
        assert pathlib.Path(f"/proc/{pid}").exists()
        equal(bundle.state()["status"], "running", "status")


@suite.test("a pod's sandbox needs no program")
def _():
    for key in ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri.container-type"):
        with Bundle(["/pause"], {}, annotations={key: "sandbox"}) as bundle:
            pid = bundle.create()["pid"]
            bundle.ok("start", "c")
            equal(pathlib.Path(f"/proc/{pid}/comm").read_text(), "wherry-pause\n", "the process")
            bundle.ok("kill", "c", "TERM")
            bundle.wait_status("stopped")
            bundle.ok("delete", "c")
        with Bundle(["/pause"], {}, annotations={key: "container"}) as bundle:
            assert "`/pause` not found" in bundle.oci("create", "--bundle", bundle.path, "c").stderr


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


@suite.test("a name that is not UTF-8 is an error like others, also in the log")
def _():
    with hello() as bundle:
        for form in ("json", "text"):
            words = [program("wherry-oci"), "--root", bundle.root, "--log", bundle.log, "--log-format", form, "state", b"a\xff"]
            done = subprocess.run(words, capture_output=True)
            equal((done.returncode, done.stderr), (1, b"error: container a\xff does not exist\n"), form)
            assert "container a\ufffd does not exist" in bundle.log.read_text().splitlines()[-1], bundle.log.read_text()


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
    with Bundle(["/bin/busybox", "sleep", "1000"], {"bin/busybox": BUSYBOX}) as bundle, open(os.devnull, "w") as null:
        try:
            equal(bundle.oci("create", "--bundle", bundle.path, "n", stdout=null, stderr=null).returncode, 0, "create")
            bundle.ok("start", "n")
            done = bundle.oci("exec", "--env", "A=1", "n", "/bin/busybox", "sh", "-c", "echo $A; exit 6")
            equal((done.returncode, done.stdout), (6, "1\n"), f"exec ({done.stderr})")
            equal(json.loads(bundle.ok("events", "--stats", "n"))["type"], "stats", "events")
        finally:
            bundle.ok("delete", "--force", "n")


@suite.test("features are a document of the specification")
def _():
    with hello() as bundle:
        features = json.loads(bundle.ok("features"))
        assert features["ociVersionMax"] >= "1.0.2" and "mount" in features["linux"]["namespaces"], features


for module in (checks_exec, checks_terminal, checks_events, checks_podman):
    module.register(suite)
suite.main()
