# SPDX-License-Identifier: Apache-2.0
"""Checks 6 to 20: one container, its output, its end and what ctr says about it."""
import json
import os
import pathlib
import re
import signal
import tempfile
import time

from suite import Skip, equal, wait_until
from world import IMAGE, WHERRY

CGROUP_V2 = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()


def stderr_of(done):
    """Without containerd 2's own warnings."""
    return "".join(line + "\n" for line in done.stderr.splitlines() if "level=warning" not in line)


def cpu_time(text):
    return int(re.search(r"^(?:cpuacct\.usage|cpu\.usage_usec)\s+(\d+)", text, re.M).group(1))


def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    @test("check 6: ctr run prints the guest's output and exits with its code")
    def _():
        done = world.run("echo", "hello", "wherry")
        equal((done.returncode, done.stdout), (0, "hello wherry\n"), "echo")
        equal(world.run(program="/hello.wasm").stdout, "hello\n", "hello")
        for code in (0, 3, 255):
            equal(world.run("exit", str(code)).returncode, code, "exit code")

    @test("check 7: a trap is a failure with a reason, and no status is unknown")
    def _():
        done = world.run("trap")
        equal(done.returncode, 134, "exit code")
        assert "unreachable" in done.stderr, done.stderr
        with world.running("sleep") as container:
            assert "UNKNOWN" not in world.daemon.ctr("tasks", "ls").stdout
            equal(world.daemon.tasks()[container][1], "RUNNING", "status")

    @test("check 8: a detached container runs with a live pid")
    def _():
        with world.running("sleep") as container:
            assert pathlib.Path(f"/proc/{world.pid(container)}").is_dir()

    @test("check 9: ctr t ps lists that pid")
    def _():
        with world.running("sleep") as container:
            listed = world.daemon.ctr("tasks", "ps", container).stdout
            assert str(world.pid(container)) in listed.split(), listed

    @test("check 10: SIGTERM ends a looping guest with 143, SIGKILL with 137")
    def _():
        for number, code in ((signal.SIGTERM, 143), (signal.SIGKILL, 137)):
            with world.attached("loop") as (container, process, lines):
                lines.wait_for(1)
                world.daemon.ctr("tasks", "kill", "-s", number.name, container)
                equal(process.wait(20), code, f"exit code after {number.name}")

    @test("SIGTERM ends a guest that sleeps in the host")
    def _():
        with world.attached("sleep") as (container, process, lines):
            lines.wait_for(1)
            world.daemon.ctr("tasks", "kill", "-s", "SIGTERM", container)
            equal(process.wait(20), 143, "exit code")

    @test("check 11: killing an exited task says that it has finished")
    def _():
        with world.running("exit", "0", until="STOPPED") as container:
            done = world.daemon.ctr("tasks", "kill", container, check=False)
            equal(done.returncode, 1, "exit code")
            assert "process already finished" in done.stderr, done.stderr
            # --all cleans up leftovers and is no error.
            equal(world.daemon.ctr("tasks", "kill", "-a", "-s", "SIGKILL", container, check=False).returncode, 0, "kill --all")

    @test("check 12: pause stops the guest and resume lets it go on")
    def _():
        with world.attached("tick", "5") as (container, _, lines):
            lines.wait_for(3)
            world.daemon.ctr("tasks", "pause", container)
            equal(world.daemon.tasks()[container][1], "PAUSED", "status")
            usage = cpu_time(world.daemon.ctr("tasks", "metrics", container).stdout)
            seen = len(lines.snapshot())
            time.sleep(0.2)  # what must not happen has no event to wait for
            assert len(lines.snapshot()) <= seen + 3, "lines came while paused"
            equal(cpu_time(world.daemon.ctr("tasks", "metrics", container).stdout), usage, "CPU time while paused")
            equal(world.daemon.ctr("tasks", "pause", container, check=False).returncode, 1, "second pause")
            world.daemon.ctr("tasks", "resume", container)
            equal(world.daemon.tasks()[container][1], "RUNNING", "status")
            lines.wait_for(len(lines.snapshot()) + 5)

    @test("SIGKILL ends a paused container")
    def _():
        with world.attached("tick", "5") as (container, process, lines):
            lines.wait_for(2)
            world.daemon.ctr("tasks", "pause", container)
            world.daemon.ctr("tasks", "kill", "-s", "SIGKILL", container)
            equal(process.wait(20), 137, "exit code")

    @test("check 13: metrics of the machine's cgroup version, with growing CPU time")
    def _():
        with world.attached("loop") as (container, _, lines):
            lines.wait_for(1)
            text = world.daemon.ctr("tasks", "metrics", container).stdout
            if CGROUP_V2:
                assert "memory.usage" in text and "cpu.usage_usec" in text, text
            else:
                assert "memory.usage_in_bytes" in text and "cpuacct.usage " in text, text
            memory = int(re.search(r"^memory\.usage\w*\s+(\d+)", text, re.M).group(1))
            assert 100 << 10 < memory < 64 << 20, f"memory usage {memory}"
            first = cpu_time(text)
            wait_until(lambda: cpu_time(world.daemon.ctr("tasks", "metrics", container).stdout) > first, "more CPU time")

    @test("check 13: metrics are the figures of the cgroup's files, in containerd's units")
    def _():
        with world.attached("loop", options=["--memory-limit", str(64 << 20)]) as (container, _, lines):
            lines.wait_for(1)
            world.daemon.ctr("tasks", "pause", container)  # so that they stand still
            seen = json.loads(world.daemon.ctr("tasks", "metrics", "--format", "json", container).stdout)
            paths = {name: path for _, names, path in (line.split(":", 2) for line in pathlib.Path(f"/proc/{world.pid(container)}/cgroup").read_text().splitlines())
                     for name in names.split(",")}
            if CGROUP_V2:
                group = pathlib.Path(f"/sys/fs/cgroup{paths['']}")
                usage = int(re.search(r"^usage_usec (\d+)", (group / "cpu.stat").read_text(), re.M)[1])
                equal(int(seen["cpu"]["usage_usec"]), usage, "microseconds of CPU time")
                equal((int(seen["memory"]["usage"]), int(seen["memory"]["usage_limit"])), (int((group / "memory.current").read_text()), 64 << 20), "bytes of memory")
                equal(int(seen["pids"]["current"]), int((group / "pids.current").read_text()), "processes")
            else:
                def file(controller, name):
                    return int(pathlib.Path(f"/sys/fs/cgroup/{controller}{paths[controller]}/{name}").read_text())
                cpu, memory = seen["cpu"]["usage"], seen["memory"]["usage"]
                equal(int(cpu["total"]), file("cpuacct", "cpuacct.usage"), "nanoseconds of CPU time")
                equal(sum(map(int, cpu["per_cpu"])), int(cpu["total"]), "the sum of the processors'")
                equal((int(memory["usage"]), int(memory["limit"])), (file("memory", "memory.usage_in_bytes"), 64 << 20), "bytes of memory")
                equal(int(memory["max"]), file("memory", "memory.max_usage_in_bytes"), "most bytes of memory")
                equal(int(seen["pids"]["current"]), file("pids", "pids.current"), "processes")
            world.daemon.ctr("tasks", "resume", container)

    @test("a checkpoint is refused in one line, and the container runs on")
    def _():
        with world.running("sleep") as container:
            done = world.daemon.ctr("tasks", "checkpoint", container, check=False)
            assert done.returncode != 0 and "Checkpoint is not implemented" in done.stderr, done.stderr
            wait_until(lambda: world.daemon.tasks()[container][1] == "RUNNING", "running container")
        world.check_no_leaks()

    @test("check 16: stdin reaches the guest and ends")
    def _():
        equal(world.run("cat", stdin="hi\n").stdout, "hi\n", "cat")
        large = "".join(f"line {i}\n" for i in range(40000))
        equal(world.run("cat", stdin=large).stdout, large, "cat of a large input")

    @test("the two outputs stay apart and complete")
    def _():
        done = world.run("both")
        equal((done.stdout, stderr_of(done)), ("to stdout\n", "to stderr\n"), "outputs")
        lines = world.run("lines", "20000").stdout.splitlines()
        equal((len(lines), lines[-1]), (20000, "line 19999 of some output that fills the pipe"), "lines")

    @test("check 17: --log-uri file:// gets both streams")
    def _():
        with tempfile.TemporaryDirectory(prefix="wherry-log-") as directory:
            log = pathlib.Path(directory, "a", "x.log")
            container = world.new_id("l")
            world.daemon.ctr("run", "-d", "--runtime", WHERRY, "--log-uri", f"file://{log}", IMAGE, container, "/probe.wasm", "both")
            try:
                world.daemon.wait_status(container, "STOPPED")
                equal(sorted(log.read_text().splitlines()), ["to stderr", "to stdout"], "log")
            finally:
                world.daemon.remove(container)

    @test("check 17: --log-uri binary:// starts a program that gets both streams to their ends")
    def _():
        with tempfile.TemporaryDirectory(prefix="wherry-log-") as directory:
            logger, log = pathlib.Path(directory, "logger"), pathlib.Path(directory, "log")
            logger.write_text("#!/bin/sh\ntrap '' TERM\necho $CONTAINER_ID $CONTAINER_NAMESPACE $1 > $2\necho >&5\ncat <&3 >> $2\ncat <&4 >> $2\necho end >> $2\n")
            logger.chmod(0o755)
            for scheme, what, lines in (("binary", ["both"], 2), ("binary-v2", ["lines", "20000"], 20000)):
                container = world.new_id("l")
                world.daemon.ctr("run", "-d", "--runtime", WHERRY, "--log-uri", f"{scheme}://{logger}?log={log}", IMAGE, container, "/probe.wasm", *what)
                try:
                    world.daemon.wait_status(container, "STOPPED")
                finally:
                    world.daemon.remove(container)
                text = log.read_text().splitlines()
                equal((text[0], len(text) - 2, text[-1]), (f"{container} {world.daemon.namespace} log", lines, "end"), f"log of {scheme}")
            done = world.run("echo", "x", options=["--log-uri", "binary:///bin/false"])
            assert done.returncode != 0 and "logging program /bin/false: it ended before it was ready" in done.stderr, done.stderr
            done = world.run("echo", "x", options=["--log-uri", "binary:///nowhere"])
            assert done.returncode != 0 and "logging program /nowhere: No such file or directory" in done.stderr, done.stderr
        world.check_no_leaks()

    @test("check 18: a root file system by --rootfs")
    def _():
        with tempfile.TemporaryDirectory(prefix="wherry-rootfs-") as root:
            probe = (pathlib.Path(__file__).parent / "guests" / "probe.wasm").read_bytes()
            pathlib.Path(root, "x.wasm").write_bytes(probe)
            container = world.new_id("r")
            done = world.daemon.ctr("run", "--rm", "--runtime", WHERRY, "--rootfs", root, container, "/x.wasm", "echo", "from", root, check=False)
            equal((done.returncode, done.stdout), (0, f"from {root}\n"), "run")
            assert os.path.exists(f"{root}/x.wasm"), "the directory was emptied"

    @test("check 19: a bind mount is seen, and read-only holds")
    def _():
        with tempfile.TemporaryDirectory(prefix="wherry-mount-") as directory:
            os.chmod(directory, 0o777)
            pathlib.Path(directory, "in").write_text("from the host\n")
            mount = f"type=bind,src={directory},dst=/data,options=rbind"
            done = world.run("read", "/data/in", options=["--mount", mount + ":ro"])
            equal((done.returncode, done.stdout), (0, "from the host\n"), "read")
            done = world.run("write", "/data/out", "x", options=["--mount", mount + ":ro"])
            equal(done.returncode, 1, "write to a read-only mount")
            assert "ead-only" in done.stderr or "ermitted" in done.stderr or "denied" in done.stderr, done.stderr
            equal(world.run("write", "/data/out", "x", options=["--mount", mount + ":rw"]).returncode, 0, "write")
            equal(pathlib.Path(directory, "out").read_text(), "x", "what was written")

    @test("check 20: environment, working directory and user")
    def _():
        done = world.run("env", options=["--env", "A=b c"])
        names = dict(line.split("=", 1) for line in done.stdout.splitlines())
        equal((names["A"], names["FROM_IMAGE"]), ("b c", "yes"), "environment")
        # A Wasm program has no working directory; the container's decides where args[0] is found.
        done = world.run("echo", "found", program="sub.wasm", options=["--cwd", "/opt/app"])
        equal((done.returncode, done.stdout), (0, "found\n"), "entrypoint relative to cwd")
        equal(world.run("echo", "made", options=["--cwd", "/not/there"]).stdout, "made\n", "with a cwd that is not there")

    @test("checks 18 and 20: an absolute root.path without mounts, as Docker does it, and a user")
    def _():
        with tempfile.TemporaryDirectory(prefix="wherry-spec-") as directory:
            os.chmod(directory, 0o755)
            root = pathlib.Path(directory, "rootfs")
            root.mkdir()
            (root / "x.wasm").write_bytes((pathlib.Path(__file__).parent / "guests" / "probe.wasm").read_bytes())
            spec = json.loads(world.daemon.ctr("oci", "spec").stdout)
            spec["root"]["path"] = str(root)
            spec["process"].update(args=["/x.wasm", "sleep"], user={"uid": 1000, "gid": 2000, "additionalGids": [2000, 3000]}, terminal=False)
            container = world.new_id("u")
            spec["linux"]["cgroupsPath"] = f"/{world.daemon.namespace}/{container}"
            path = pathlib.Path(directory, "config.json")
            path.write_text(json.dumps(spec))
            world.daemon.ctr("run", "-d", "--runtime", WHERRY, "--null-io", "--config", path, container)
            try:
                world.daemon.wait_status(container, "RUNNING")
                status = pathlib.Path(f"/proc/{world.pid(container)}/status").read_text()
                equal(re.search(r"^Uid:\s+(.*)$", status, re.M).group(1).split(), ["1000"] * 4, "Uid")
                equal(re.search(r"^Gid:\s+(.*)$", status, re.M).group(1).split(), ["2000"] * 4, "Gid")
                equal(re.search(r"^Groups:\s+(.*)$", status, re.M).group(1).split(), ["2000", "3000"], "Groups")
            finally:
                world.daemon.remove(container)

    @test("check 44: the cgroup is where the spec says, with its limits")
    def _():
        options = ["--memory-limit", str(64 << 20), "--cpu-quota", "50000", "--cpu-period", "100000", "--cgroup", "/{}/sub"]
        options[-1] = options[-1].format(world.daemon.namespace)
        with world.running("sleep", options=options) as container:
            lines = pathlib.Path(f"/proc/{world.pid(container)}/cgroup").read_text().splitlines()
            paths = {tuple(line.split(":")[1].split(",")): line.split(":")[2] for line in lines}
            wanted = f"/{world.daemon.namespace}/sub"
            wrong = {k: v for k, v in paths.items() if v != wanted}
            assert not wrong, f"not in {wanted}: {wrong}"
            if CGROUP_V2:
                equal(pathlib.Path(f"/sys/fs/cgroup{wanted}/memory.max").read_text(), f"{64 << 20}\n", "memory.max")
                equal(pathlib.Path(f"/sys/fs/cgroup{wanted}/cpu.max").read_text(), "50000 100000\n", "cpu.max")
            else:
                equal(pathlib.Path(f"/sys/fs/cgroup/memory{wanted}/memory.limit_in_bytes").read_text(), f"{64 << 20}\n", "memory limit")
                equal(pathlib.Path(f"/sys/fs/cgroup/cpu{wanted}/cpu.cfs_quota_us").read_text(), "50000\n", "cpu quota")

    @test("a guest hits the container's memory limit before the kernel does")
    def _():
        done = world.run("allocate", "200", options=["--memory-limit", str(64 << 20)])
        equal(done.returncode, 3, "exit code")
        assert re.match(r"refused after \d\d MiB\n", done.stdout), done.stdout

    @test("check 55: nothing of containerd is in the guest's environment or descriptors")
    def _():
        with world.attached("sleep", options=["--env", "X=y"]) as (container, _, lines):
            lines.wait_for(1)
            pid = world.pid(container)
            environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            assert b"DAEMON_SECRET" not in environ and b"TTRPC" not in environ, environ
            assert "DAEMON_SECRET" not in world.run("env").stdout
            links = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
            odd = [link for link in links if str(world.daemon.address) in link or "/state/" in link]
            assert not odd, odd
            # The one socket takes reports of what the guest was denied; nothing comes from it.
            equal(len([link for link in links if link.startswith("socket:")]), 1, f"sockets among {links}")

    @test("ctr's own runtime check: ctr run -d, then start again is refused")
    def _():
        with world.running("sleep") as container:
            done = world.daemon.ctr("tasks", "start", container, check=False)
            assert done.returncode != 0, "a second start succeeded"
            equal(world.daemon.tasks()[container][1], "RUNNING", "status")

    @test("check 3: ctr plugins inspect-runtime shows the features")
    def _():
        if world.daemon.major < 2:
            raise Skip("containerd before 2.0 has no such command")
        shown = world.daemon.ctr("plugins", "inspect-runtime", "--runtime", WHERRY).stdout
        assert "io.containerd.wherry.v1" in shown and "ociVersionMax" in shown, shown

    @test("containers of one pod share a shim, which ends with the last")
    def _():
        pod = world.new_id("pod")
        group = ["--annotation", f"io.kubernetes.cri.sandbox-id={pod}"]
        sandbox = [*group, "--annotation", "io.kubernetes.cri.container-type=sandbox"]
        daemon = world.daemon
        daemon.ctr("run", "-d", "--runtime", WHERRY, "--null-io", *sandbox, IMAGE, pod)
        try:
            with world.running("sleep", options=group) as first, world.running("exit", "3", options=group, until="STOPPED") as second:
                shim = world.shim_pid(pod)
                tasks = daemon.tasks()
                equal({name: status for name, (_, status) in tasks.items()}, {pod: "RUNNING", first: "RUNNING", second: "STOPPED"}, "tasks")
                parents = {pathlib.Path(f"/proc/{tasks[name][0]}/stat").read_text().rpartition(")")[2].split()[1] for name in (pod, first)}
                equal(parents, {str(shim)}, "parents of the containers")
                daemon.remove(second)
                equal(sorted(daemon.tasks()), sorted([pod, first]), "tasks after one was removed")
                assert pathlib.Path(f"/proc/{shim}").exists(), "the shim ended too early"
        finally:
            daemon.remove(pod)
        wait_until(lambda: not pathlib.Path(f"/proc/{shim}").exists(), "end of the shim")
        world.check_no_leaks()
