# SPDX-License-Identifier: Apache-2.0
"""The task service over raw ttrpc with a pod's pause container: every answer in every state."""
import contextlib
import glob
import json
import os
import shutil
import subprocess
import time

import pause_bundle
from checks_start import bundles, invoke, socket_of, started
from checks_ttrpc import refused
from fake_events import FakeEvents
from protocol import Connection, decode
from suite import Skip, equal, wait_until

CREATED, RUNNING, STOPPED, PAUSED = 1, 2, 3, 4
BUSYBOX = "/bin/busybox"


@contextlib.contextmanager
def pod(count=1):
    """A shim with `count` bundles of pause containers; yields (connection, bundles, events)."""
    if os.geteuid() != 0:
        raise Skip("needs root")
    configs = [pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/c{i}") for i in range(count)]
    with bundles(*configs) as (address, made), FakeEvents(f"{address}.ttrpc") as events:
        environment = {"TTRPC_ADDRESS": f"{address}.ttrpc", "PATH": "/bin"}
        with started(made[0], address, "p1", environment=environment):
            with Connection(socket_of(address, "p1")) as shim:
                try:
                    yield shim, made, events
                finally:
                    for number in range(count):
                        end(shim, f"p{number + 1}")
                    pause_bundle.remove_cgroup()


def end(shim, container):
    from protocol import Refused
    for method, fields in (("Kill", {3: 9, 4: 1}), ("Wait", {}), ("Delete", {})):
        with contextlib.suppress(Refused):
            shim.call(method, {1: container, **fields})


def register(suite):
    @suite.test("a task answers in every state as containerd expects")
    def _():
        with pod() as (shim, [bundle], _):
            me = {1: "p1"}
            pid = shim.call("Create", {**me, 2: str(bundle)})[1][0]
            equal(refused(shim.call, "Create", {**me, 2: str(bundle)}), (6, "container p1 already exists"), "second Create")
            state = shim.call("State", me)
            equal((state[1], state[2], state[3], state[4]), ([b"p1"], [str(bundle).encode()], [pid], [CREATED]), "State")
            equal(shim.call("Connect", me)[2], [pid], "task pid")
            equal(refused(shim.call, "Pause", me)[0], 9, "Pause of a created task")
            waiting = shim.send("Wait", me)
            equal(shim.call("Start", me)[1], [pid], "Start")
            equal(refused(shim.call, "Start", me), (9, "process already started"), "second Start")
            equal(shim.call("State", me)[4], [RUNNING], "status")
            equal([decode(p)[1][0] for p in shim.call("Pids", me)[1]], [pid], "Pids")
            equal(refused(shim.call, "Delete", me)[0], 9, "Delete of a running task")
            equal(refused(shim.call, "Resume", me)[0], 9, "Resume of a running task")
            shim.call("Pause", me)
            equal(shim.call("State", me)[4], [PAUSED], "status")
            equal(refused(shim.call, "Pause", me)[0], 9, "second Pause")
            shim.call("Resume", me)
            shim.call("CloseIO", {**me, 3: 1})
            shim.call("CloseIO", {**me, 3: 1})
            metrics = decode(shim.call("Stats", me)[1][0])
            assert metrics[1][0] in (b"io.containerd.cgroups.v1.Metrics", b"io.containerd.cgroups.v2.Metrics"), metrics
            equal(refused(shim.call, "Kill", {**me, 3: 99})[0], 3, "Kill with no such signal")
            equal(refused(shim.call, "Kill", {**me, 2: "e1", 3: 9})[0], 5, "Kill of an exec")
            assert not shim.has_answer(waiting), "Wait answered too early"
            shim.call("Kill", {**me, 3: 15})
            ended = shim.answer(waiting)
            equal(ended.get(1, [0]), [0], "exit status of pause after SIGTERM")
            state = shim.call("State", me)
            equal((state[3], state[4], state[10]), ([pid], [STOPPED], ended[2]), "State after the end")
            equal(shim.call("Wait", me), ended, "Wait after the end")
            equal(refused(shim.call, "Kill", {**me, 3: 9}), (5, "process already finished"), "Kill after the end")
            shim.call("Kill", {**me, 3: 9, 4: 1})
            equal([decode(p)[1][0] for p in shim.call("Pids", me)[1]], [pid], "Pids after the end")
            deleted = shim.call("Delete", me)
            equal((deleted[1], deleted[3]), ([pid], ended[2]), "Delete")
            for method in ("State", "Delete", "Wait", "Start", "Pids", "Stats", "Pause"):
                equal(refused(shim.call, method, me)[0], 5, f"{method} after Delete")
            assert 2 not in shim.call("Connect", me), "task pid after Delete"
            equal(glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}/*/"), [], "cgroups")

    @suite.test("a created task can be killed and deleted without a start")
    def _():
        with pod() as (shim, [bundle], events):
            shim.call("Create", {1: "p1", 2: str(bundle)})
            shim.call("Kill", {1: "p1", 3: 9})
            equal(shim.call("Wait", {1: "p1"})[1], [137], "exit status")
            equal(refused(shim.call, "Start", {1: "p1"})[0], 9, "Start of a dead task")
            shim.call("Delete", {1: "p1"})
            wait_until(lambda: len(events.events) == 3, "events")
            equal([e.topic for e in events.events], ["/tasks/create", "/tasks/exit", "/tasks/delete"], "topics")

    @suite.test("a created task that is deleted is ended, as containerd wants of what it has given up")
    def _():
        with pod() as (shim, [bundle], events):
            pid = shim.call("Create", {1: "p1", 2: str(bundle)})[1][0]
            waiting = shim.send("Wait", {1: "p1"})
            deleted = shim.call("Delete", {1: "p1"})
            equal((deleted[1], deleted[2]), ([pid], [137]), "Delete")
            equal(shim.answer(waiting)[1], [137], "Wait")
            assert not os.path.exists(f"/proc/{pid}"), "init is still there"
            equal(refused(shim.call, "State", {1: "p1"})[0], 5, "State after Delete")
            equal(glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}/*/"), [], "cgroups")
            wait_until(lambda: len(events.events) == 3, "events")
            equal([e.topic for e in events.events], ["/tasks/create", "/tasks/exit", "/tasks/delete"], "topics")

    @suite.test("a created native task that is deleted is ended too")
    def _():
        config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/native")
        config |= {"annotations": {}, "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}]}
        config["process"]["args"] = ["/busybox", "sleep", "1000"]
        if os.geteuid() != 0 or not shutil.which("runc") or not os.path.exists(BUSYBOX):
            raise Skip("needs root, runc and busybox-static")
        with bundles(config) as (address, [bundle]):
            (bundle / "rootfs" / "proc").mkdir()
            shutil.copy(BUSYBOX, bundle / "rootfs")
            with started(bundle, address, "p1"), Connection(socket_of(address, "p1")) as shim:
                pid = shim.call("Create", {1: "p1", 2: str(bundle)})[1][0]
                deleted = shim.call("Delete", {1: "p1"})
                equal((deleted[1], deleted[2]), ([pid], [137]), "Delete")
                assert not os.path.exists(f"/proc/{pid}"), "init is still there"
                equal(refused(shim.call, "State", {1: "p1"})[0], 5, "State after Delete")
        pause_bundle.remove_cgroup()

    @suite.test("check 56: a thousand Waits at once are all answered, and hold nobody up")
    def _():
        with pod() as (shim, [bundle], _):
            shim.call("Create", {1: "p1", 2: str(bundle)})
            shim.call("Start", {1: "p1"})
            waiting = [shim.send("Wait", {1: "p1"}) for _ in range(1000)]
            equal(shim.call("State", {1: "p1"})[4], [RUNNING], "status meanwhile")
            shim_pid = shim.call("Connect", {1: "p1"})[1][0]
            assert len(os.listdir(f"/proc/{shim_pid}/task")) < 20, "a thread for each Wait"
            shim.call("Kill", {1: "p1", 3: 9})
            answers = {shim.answer(stream)[1][0] for stream in waiting}
            equal(answers, {137}, "exit statuses")

    @suite.test("a shim with containers stays when told to shut down, and ends after the last")
    def _():
        with pod(2) as (shim, made, _):
            for number, bundle in enumerate(made):
                shim.call("Create", {1: f"p{number + 1}", 2: str(bundle)})
            equal(shim.call("Shutdown", {1: "p1"}), {}, "Shutdown")
            equal(shim.call("State", {1: "p2"})[4], [CREATED], "status")
            end(shim, "p1")
            equal(shim.call("State", {1: "p2"})[4], [CREATED], "status of the other")

    @suite.test("events carry what containerd needs of them")
    def _():
        with pod() as (shim, [bundle], events):
            pid = pause_bundle.whole_life(shim, bundle)
            wait_until(lambda: len(events.events) == 4, "events")
            by_topic = {e.topic: e for e in events.events}
            equal({e.namespace for e in events.events}, {"tests"}, "namespace")
            equal(by_topic["/tasks/create"].type, "containerd.events.TaskCreate", "type")
            create, exited = decode(by_topic["/tasks/create"].value), decode(by_topic["/tasks/exit"].value)
            equal((create[1], create[2], create[6]), ([b"p1"], [str(bundle).encode()], [pid]), "TaskCreate")
            equal((exited[1], exited[2], exited[3], exited[4]), ([b"p1"], [b"p1"], [pid], [137]), "TaskExit")
            deleted = decode(by_topic["/tasks/delete"].value)
            equal((deleted[3], deleted[4]), ([137], exited[5]), "TaskDelete")

    @suite.test("a create that fails half-way leaves neither process nor cgroup nor mount")
    def _():
        with pod() as (shim, [bundle], events):
            config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/bad",
                                         namespaces=[{"type": "network", "path": "/proc/none/ns/net"}, {"type": "mount"}])
            (bundle / "config.json").write_text(json.dumps(config))
            code, message = refused(shim.call, "Create", {1: "p1", 2: str(bundle)})
            assert "/proc/none/ns/net" in message and code == 2, (code, message)
            equal(refused(shim.call, "State", {1: "p1"})[0], 5, "State")
            equal(glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}/*/"), [], "cgroups")
            equal(events.events, [], "events")
            (bundle / "config.json").write_text(json.dumps(pause_bundle.config()))
            pause_bundle.whole_life(shim, bundle)

    @suite.test("State answers at once while a Create waits for a reader of its fifo")
    def _():
        with pod(2) as (shim, [first, second], _):
            shim.call("Create", {1: "p1", 2: str(first)})
            fifo = second / "stdout"
            os.mkfifo(fifo)
            creating = shim.send("Create", {1: "p2", 2: str(second), 6: str(fifo)})
            begin = time.monotonic()
            for _ in range(20):
                equal(shim.call("State", {1: "p1"})[4], [CREATED], "status")
            assert time.monotonic() - begin < 5, "State was held up"
            assert not shim.has_answer(creating), "Create did not wait for a reader"
            with open(fifo, "rb", buffering=0) as reader:
                assert shim.answer(creating)[1][0] > 1
                end(shim, "p2")
                equal(reader.read(), b"", "end of file")

    @suite.test("check 57: events wait for containerd and come in their order")
    def _():
        with bundles(pause_bundle.config()) as (address, [bundle]):
            environment = {"TTRPC_ADDRESS": f"{address}.ttrpc", "PATH": "/bin"}
            with started(bundle, address, "p1", environment=environment):
                with Connection(socket_of(address, "p1")) as shim:
                    expected = []
                    for number in range(3):
                        pause_bundle.whole_life(shim, bundle)
                        expected += ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]
                    with FakeEvents(f"{address}.ttrpc") as containerd:
                        wait_until(lambda: len(containerd.events) >= len(expected), "events")
                        equal([e.topic for e in containerd.events], expected, "topics")
                        stamps = [e.timestamp for e in containerd.events]
                        equal(stamps, sorted(stamps), "timestamps")

    @suite.test("twenty containers one after the other leave the shim as it was")
    def _():
        with pod() as (shim, [bundle], _):
            pause_bundle.whole_life(shim, bundle)
            shim_pid = shim.call("Connect", {1: "p1"})[1][0]
            before = len(os.listdir(f"/proc/{shim_pid}/fd"))
            for _ in range(20):
                pause_bundle.whole_life(shim, bundle)
            wait_until(lambda: len(os.listdir(f"/proc/{shim_pid}/fd")) == before, f"return to {before} open descriptors")

    @suite.test("hooks run in their order with the container's state")
    def _():
        with pod() as (shim, [bundle], _):
            names = ("createRuntime", "poststart", "poststop")
            script = bundle / "hook.sh"
            script.write_text('#!/bin/sh\nprintf "%s " "$1" >> "$2/order"\ncat > "$2/$1.json"\n')
            script.chmod(0o755)
            config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/hooks")
            config["hooks"] = {name: [{"path": str(script), "args": ["hook", name, str(bundle)]}] for name in names}
            (bundle / "config.json").write_text(json.dumps(config))
            pid = pause_bundle.whole_life(shim, bundle)
            equal((bundle / "order").read_text().split(), list(names), "order")
            states = {name: json.loads((bundle / f"{name}.json").read_text()) for name in names}
            equal((states["createRuntime"]["pid"], states["poststart"]["pid"]), (pid, pid), "pid")
            equal([states[name]["status"] for name in names[1:]], ["running", "stopped"], "status")
            equal({state["id"] for state in states.values()}, {"p1"}, "id")

    @suite.test("a hook that fails fails the create with its words")
    def _():
        with pod() as (shim, [bundle], _):
            config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/hooks")
            config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no network >&2; exit 3"]}]}
            (bundle / "config.json").write_text(json.dumps(config))
            message = refused(shim.call, "Create", {1: "p1", 2: str(bundle)})[1]
            assert "no network" in message and "3" in message, message
            equal(glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}/*/"), [], "cgroups")

    @suite.test("a root file system that can not be mounted is one clear line")
    def _():
        with pod() as (shim, [bundle], _):
            good = {1: "tmpfs", 2: "tmpfs"}
            for mounts, words in (([good, {1: "nosuchfs", 2: "x"}], "nosuchfs"), ([{1: "bind", 2: "/does/not/exist", 4: ["rbind"]}], "/does/not/exist")):
                code, message = refused(shim.call, "Create", {1: "p1", 2: str(bundle), 3: mounts})
                assert code == 2 and words in message and "\n" not in message, (code, message)
                with open("/proc/self/mountinfo") as table:
                    assert str(bundle) not in table.read(), "a mount is left"

    @suite.test("a root file system of several mounts is used and taken away")
    def _():
        with pod() as (shim, [bundle], _):
            shim.call("Create", {1: "p1", 2: str(bundle), 3: [{1: "tmpfs", 2: "tmpfs", 4: ["size=1m"]}]})
            with open("/proc/self/mountinfo") as table:
                assert f" {bundle}/rootfs " in table.read(), "not mounted"
            end(shim, "p1")
            with open("/proc/self/mountinfo") as table:
                assert str(bundle) not in table.read(), "a mount is left"

    @suite.test("a full disk under the bundle is one clear line and leaves nothing")
    def _():
        with pod() as (shim, [bundle], _):
            small = bundle / "small"
            (small / "rootfs").mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=8", "tmpfs", small], check=True)
            try:
                (small / "rootfs").mkdir()
                config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/full")
                (small / "config.json").write_text(json.dumps(config))
                with contextlib.suppress(OSError), open(small / "filler", "wb", buffering=0) as filler:
                    while True:
                        filler.write(bytes(4096))
                code, message = refused(shim.call, "Create", {1: "p1", 2: str(small)})
                assert code == 2 and "No space left on device" in message and "\n" not in message, (code, message)
                equal(glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}/*/"), [], "cgroups")
                done = invoke(small, "/nowhere/c.sock", "p9", "start")
                equal((done.returncode, done.stdout), (1, b""), "start")
                assert b"No space left on device" in done.stderr, done.stderr
            finally:
                subprocess.run(["umount", small], check=True)
            pause_bundle.whole_life(shim, bundle)
