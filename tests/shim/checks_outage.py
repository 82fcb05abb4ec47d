# SPDX-License-Identifier: Apache-2.0
"""Check 57 with a real containerd that is down, and the rest of check 44.

The outage lasts 6 s, longer than the shim's call timeout and its longest delay; WHERRY_TEST_OUTAGE=60 has the
check's own minute.
"""
import os
import pathlib
import re
import signal
import time

from protocol import Connection
from suite import Skip, equal, wait_until
from world import IMAGE, WHERRY

OUTAGE = float(os.environ.get("WHERRY_TEST_OUTAGE", "6"))
V2 = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()


def forwarded(log):
    """Topics of the events that the shims brought to containerd, in their order, by its own log."""
    lines = [line for line in log.splitlines() if 'msg="event forwarded"' in line]
    return [re.search(r'topic=\\?"?(/tasks/[a-z-]+)', line).group(1) for line in lines]


def log_level(daemon, level):
    """From the next start on. containerd 2 tells of forwarded events on the level `trace` only."""
    config = daemon.directory / "config.toml"
    config.write_text(re.sub(r'level = "\w+"', f'level = "{level}"', config.read_text()))


def cgroup_file(pid, controller, name):
    """(content, path in the hierarchy) of a limit of a process, in either version."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":")
        if controller in controllers.split(","):
            return pathlib.Path(f"/sys/fs/cgroup/{controller}{path}/{name}").read_text().strip(), path
        if not controllers and V2:
            file = pathlib.Path(f"/sys/fs/cgroup{path}/{name}")
            if not file.exists():
                raise Skip(f"the {controller} controller is not enabled for containers here")
            return file.read_text().strip(), path
    raise Skip(f"no {controller} controller here")


def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    @test("check 57: what happened while containerd was down is told in its order")
    def _():
        daemon = world.daemon
        pod = world.new_id("pod")
        group = ["--annotation", f"io.kubernetes.cri.sandbox-id={pod}"]
        daemon.ctr("run", "-d", "--runtime", WHERRY, "--null-io", *group, "--annotation",
                   "io.kubernetes.cri.container-type=sandbox", IMAGE, pod)
        try:
            with world.running("sleep", options=group) as first, world.running("sleep", options=group) as second:
                pids = {name: world.pid(name) for name in (first, second)}
                shim = world.shim_pid(pod)
                address = (world.bundle(first) / "address").read_text().removeprefix("unix://")
                daemon.stop()
                before = len(daemon.log())
                with Connection(address) as direct:
                    for _ in range(3):
                        direct.call("Pause", {1: first})
                        direct.call("Resume", {1: first})
                    direct.call("Pause", {1: second})
                    os.kill(pids[first], signal.SIGKILL)
                    wait_until(lambda: not os.path.exists(f"/proc/{pids[first]}"), "end of the first container")
                    direct.call("Resume", {1: second})
                    direct.call("Kill", {1: second, 3: int(signal.SIGKILL)})
                    direct.call("Wait", {1: second})
                wanted = ["/tasks/paused", "/tasks/resumed"] * 3 + ["/tasks/paused", "/tasks/exit", "/tasks/resumed", "/tasks/exit"]
                end = time.monotonic() + OUTAGE
                while time.monotonic() < end:  # the outage itself
                    assert os.path.exists(f"/proc/{shim}"), "the shim ended while containerd was down"
                    time.sleep(0.1)
                log_level(daemon, "trace")
                daemon.start()
                wait_until(lambda: len(forwarded(daemon.log()[before:])) >= len(wanted), "events", timeout=20)
                equal(forwarded(daemon.log()[before:])[:len(wanted)], wanted, "topics")
                equal({name: daemon.tasks()[name][1] for name in (first, second)}, {first: "STOPPED", second: "STOPPED"}, "tasks")
                equal(daemon.tasks()[pod][1], "RUNNING", "the pod's container")
        finally:
            daemon.remove(pod)
            log_level(daemon, "debug")
        world.check_no_leaks()

    @test("check 44: the limits on processes and processors are set")
    def _():
        container = world.new_id("l")
        world.daemon
        spec = world.spec(container, ["/probe.wasm", "sleep"])
        spec["linux"]["resources"] = {"pids": {"limit": 77}, "cpu": {"cpus": "0", "mems": "0"}}
        wanted = spec["linux"]["cgroupsPath"]
        with world.configured(container, spec):
            pid = world.pid(container)
            for controller, name, value in (("pids", "pids.max", "77"), ("cpuset", "cpuset.cpus", "0"), ("cpuset", "cpuset.mems", "0")):
                equal(cgroup_file(pid, controller, name), (value, wanted), name)
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            equal(re.search(r"^Cpus_allowed_list:\s+(\S+)$", status, re.M).group(1), "0", "processors")
