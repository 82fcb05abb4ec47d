# SPDX-License-Identifier: Apache-2.0
"""Check 38: the limits of a running container change, and its guest's with them. ctr has no command
for it, so the shim is asked as containerd asks it."""
import json
import pathlib

from checks_ttrpc import refused
from protocol import Connection, encode
from suite import equal, wait_until

RESOURCES = b"types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
CGROUP_V2 = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
MIB = 1 << 20


def resources(**values):
    return encode({1: RESOURCES, 2: json.dumps(values).encode()})


def control(world, container, controller, v1, v2):
    """The content of a container's cgroup file."""
    for line in pathlib.Path(f"/proc/{world.pid(container)}/cgroup").read_text().splitlines():
        number, names, path = line.split(":", 2)
        if CGROUP_V2 and number == "0":
            return pathlib.Path(f"/sys/fs/cgroup{path}/{v2}").read_text().strip()
        if not CGROUP_V2 and controller in names.split(","):
            return pathlib.Path(f"/sys/fs/cgroup/{controller}{path}/{v1}").read_text().strip()
    raise AssertionError(f"no cgroup of {controller}")


def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    def shim_of(container):
        address = (world.bundle(container) / "address").read_text()
        return Connection(address.removeprefix("unix://"))

    @test("check 38: cpu, memory, pids and cpuset of a running container change")
    def _():
        with world.running("sleep", options=["--memory-limit", str(64 * MIB)]) as container, shim_of(container) as shim:
            def update(**values):
                shim.call("Update", {1: container, 2: resources(**values)})

            def check(name, wanted, *file):
                equal(control(world, container, *file), wanted, name)

            update(cpu={"shares": 512, "quota": 25000, "period": 50000})
            check("quota", "25000 50000" if CGROUP_V2 else "25000", "cpu", "cpu.cfs_quota_us", "cpu.max")
            check("shares", "59" if CGROUP_V2 else "512", "cpu", "cpu.shares", "cpu.weight")
            update(cpu={"quota": -1})
            assert control(world, container, "cpu", "cpu.cfs_quota_us", "cpu.max").split()[0] in ("-1", "max")
            update(memory={"limit": 96 * MIB})
            check("memory", str(96 * MIB), "memory", "memory.limit_in_bytes", "memory.max")
            update(memory={"limit": 48 * MIB})
            check("less memory", str(48 * MIB), "memory", "memory.limit_in_bytes", "memory.max")
            update(pids={"limit": 77}, cpu={"cpus": "0"})
            check("pids", "77", "pids", "pids.max", "pids.max")
            check("cpuset", "0", "cpuset", "cpuset.cpus", "cpuset.cpus")
            # containerd repeats what the specification had; devices stay as they are.
            update(devices=[{"allow": False, "access": "rwm"}], pids={"limit": 78})
            check("pids", "78", "pids", "pids.max", "pids.max")
            equal(world.daemon.tasks()[container][1], "RUNNING", "status")
            code, message = refused(shim.call, "Update", {1: container, 2: encode({1: RESOURCES, 2: b"{"})})
            assert code == 3 and "JSON" in message, (code, message)
            equal(refused(shim.call, "Update", {1: container, 2: encode({1: b"other", 2: b"{}"})})[0], 3, "of another type")
            world.daemon.ctr("tasks", "kill", "-s", "SIGKILL", container)
            world.daemon.wait_status(container, "STOPPED")
            equal(refused(shim.call, "Update", {1: container, 2: resources(pids={"limit": 5})})[0], 9, "of a stopped container")

    @test("a guest may grow as far as a changed memory limit allows, up and down, and is not killed")
    def _():
        def mebibytes(lines):
            return int(lines.snapshot()[-1].split()[0]) if lines.snapshot() else 0
        with world.attached("grow", "10", options=["--memory-limit", str(48 * MIB)]) as (container, process, lines):
            lines.wait_for(1)
            with shim_of(container) as shim:
                shim.call("Update", {1: container, 2: resources(memory={"limit": 160 * MIB})})
                wait_until(lambda: mebibytes(lines) > 56, "growth beyond the first limit", 30)
                shim.call("Update", {1: container, 2: resources(memory={"limit": 96 * MIB})})
                equal(process.wait(30), 3, "exit code of a guest whose malloc() failed")
            lines.join()
            assert 56 < mebibytes(lines) < 96, lines.snapshot()[-1]
