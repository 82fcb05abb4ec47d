# SPDX-License-Identifier: Apache-2.0
"""Checks 14 and 23: further processes in a running container."""
import concurrent.futures
import pathlib
import re
import signal
import subprocess

from suite import equal, wait_until
from world import Events, Lines


def execute(world, container, *arguments, options=(), **keywords):
    """`ctr t exec` to its end."""
    keywords.setdefault("check", False)
    return world.daemon.ctr("tasks", "exec", "--exec-id", world.new_id("e"), *options, container, *arguments, **keywords)


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))


def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    @test("check 14: an exec runs another module and gives its output and code")
    def _():
        with world.running("sleep") as container:
            done = execute(world, container, "/opt/app/sub.wasm", "echo", "from", "exec")
            equal((done.returncode, done.stdout), (0, "from exec\n"), "echo")
            equal(execute(world, container, "/hello.wasm").stdout, "hello\n", "another module")
            equal(execute(world, container, "probe.wasm", "exit", "7").returncode, 7, "exit code, found in PATH")
            equal(execute(world, container, "sub.wasm", "exit", "3", options=["--cwd", "/opt/app"]).returncode, 3, "exit code, found in cwd")
            equal(execute(world, container, "/probe.wasm", "trap").returncode, 134, "exit code of a trap")
            equal(world.daemon.tasks()[container][1], "RUNNING", "status of the container")
        world.check_no_leaks()

    @test("check 14: what can not be executed is an error, and the container runs on")
    def _():
        cases = [
            (["nope"], 'exec: "nope": executable file not found in $PATH'),
            (["/nope"], 'exec: "/nope": stat /nope: no such file or directory'),
            (["/etc"], 'exec: "/etc": '),
            (["/text.wasm"], 'exec: "/text.wasm": exec format error'),
            (["/truncated.wasm"], "/truncated.wasm"),
            (["/component.wasm"], "component"),
        ]
        with world.running("sleep") as container:
            for program, message in cases:
                done = execute(world, container, *program)
                assert done.returncode != 0 and message in done.stderr, (program, done.stderr)
                equal(world.daemon.tasks()[container][1], "RUNNING", "status of the container")
            equal(execute(world, container, "/probe.wasm", "exit", "4").returncode, 4, "an exec after all that")
        world.check_no_leaks()

    @test("an exec reads its stdin to the end and keeps its outputs apart")
    def _():
        with world.running("sleep") as container:
            large = "".join(f"line {i}\n" for i in range(20000))
            equal(execute(world, container, "/probe.wasm", "cat", stdin=large).stdout, large, "cat")
            done = execute(world, container, "/probe.wasm", "both")
            equal((done.stdout, done.stderr.splitlines()[-1]), ("to stdout\n", "to stderr"), "outputs")

    @test("an exec sees the files and processes' limits of its container, and is confined alike")
    def _():
        with world.running("sleep", options=["--mount", "type=tmpfs,src=tmpfs,dst=/scratch"]) as container:
            equal(execute(world, container, "/probe.wasm", "write", "/scratch/x", "kept").returncode, 0, "write")
            equal(execute(world, container, "/probe.wasm", "read", "/scratch/x").stdout, "kept", "read")
            process = world.daemon.popen("tasks", "exec", "--exec-id", "confined", "--user", "1000:2000", container, "/probe.wasm", "sleep",
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            lines = Lines(process.stdout)
            try:
                lines.wait_for(1)
                init = world.pid(container)
                [pid] = [int(line.split()[0]) for line in world.daemon.ctr("tasks", "ps", container).stdout.splitlines() if "confined" in line]
                mine, inits = status(pid), status(init)
                equal(mine["Uid"].split(), ["1000"] * 4, "Uid")
                equal((mine["NoNewPrivs"], mine["Seccomp"], mine["CapEff"]), ("1", "2", "0" * 16), "confinement")
                equal((len(mine["NSpid"].split()), inits["NSpid"].split()[-1]), (2, "1"), "numbers in the container")
                equal(pathlib.Path(f"/proc/{pid}/cgroup").read_text(), pathlib.Path(f"/proc/{init}/cgroup").read_text(), "cgroup")
            finally:
                world.daemon.ctr("tasks", "kill", "-s", "SIGKILL", "--exec-id", "confined", container)
                process.wait(20)
                lines.join()
                process.stderr.close()

    @test("check 23: an exec's events, in order, and its exit before init's")
    def _():
        with Events(world) as events, world.running("sleep") as container:
            daemon = world.daemon
            daemon.ctr("tasks", "exec", "--exec-id", "short", container, "/probe.wasm", "exit", "5", check=False)
            process = daemon.popen("tasks", "exec", "--exec-id", "long", container, "/probe.wasm", "sleep",
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            lines = Lines(process.stdout)
            lines.wait_for(1)
            daemon.ctr("tasks", "kill", "-s", "SIGKILL", container)
            equal(process.wait(20), 137, "exit code of the exec that init took along")
            lines.join()
            wait_until(lambda: sum(topic == "/tasks/exit" for topic, _ in events.of(container)) == 3, "three exits")
            seen = [(topic.removeprefix("/tasks/"), content.get("exec_id") or content.get("id", "")) for topic, content in events.of(container)]
            short = [entry for entry in seen if entry[1] == "short"]
            equal(short, [("exec-added", "short"), ("exec-started", "short"), ("exit", "short")], "events of the first")
            exits = [entry for entry in seen if entry[0] == "exit"]
            equal(exits, [("exit", "short"), ("exit", "long"), ("exit", container)], "exits")
            [code] = [content["exit_status"] for topic, content in events.of(container) if topic == "/tasks/exit" and content["id"] == "short"]
            equal(code, 5, "exit status")

    @test("an exec can be killed alone, and its id is taken while it runs")
    def _():
        with world.running("sleep") as container:
            daemon = world.daemon
            for number, code in ((signal.SIGTERM, 143), (signal.SIGKILL, 137)):
                process = daemon.popen("tasks", "exec", "--exec-id", "e", container, "/probe.wasm", "loop",
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                lines = Lines(process.stdout)
                lines.wait_for(1)
                again = daemon.ctr("tasks", "exec", "--exec-id", "e", container, "/probe.wasm", "exit", "0", check=False)
                assert again.returncode != 0 and "already exists" in again.stderr, again.stderr
                daemon.ctr("tasks", "kill", "-s", number.name, "--exec-id", "e", container)
                equal(process.wait(20), code, f"exit code after {number.name}")
                lines.join()
                equal(daemon.tasks()[container][1], "RUNNING", "status of the container")

    @test("an exec in a paused or ended container is refused")
    def _():
        with world.running("tick", "50") as container:
            world.daemon.ctr("tasks", "pause", container)
            done = execute(world, container, "/probe.wasm", "exit", "0")
            assert done.returncode != 0 and "paused" in done.stderr, done.stderr
            world.daemon.ctr("tasks", "resume", container)
            equal(execute(world, container, "/probe.wasm", "exit", "6").returncode, 6, "exit code after resume")
        with world.running("exit", "0", until="STOPPED") as container:
            done = execute(world, container, "/probe.wasm", "exit", "0")
            assert done.returncode != 0 and "not running" in done.stderr, done.stderr

    @test("forty execs at once all give their codes, and leave nothing")
    def _():
        with world.running("sleep") as container:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                codes = list(pool.map(lambda n: execute(world, container, "/probe.wasm", "exit", str(n)).returncode, range(40)))
            equal(codes, list(range(40)), "exit codes")
            shim = world.shim_pid(container)
            children = pathlib.Path(f"/proc/{shim}/task/{shim}/children").read_text().split()
            states = {child: status(child)["State"] for child in children}
            assert not [s for s in states.values() if s.startswith("Z")], states
            wait_until(lambda: len(world.daemon.ctr("tasks", "ps", container).stdout.splitlines()) == 2, "one process left")
        world.check_no_leaks()

    @test("execs that use up the container's pids are refused, and others run again after")
    def _():
        pod = world.new_id("pids")
        spec = world.spec(pod, ["/probe.wasm", "sleep"])
        spec["linux"]["resources"]["pids"] = {"limit": 4}
        with world.configured(pod, spec):
            held = []
            try:
                for number in range(6):
                    process = world.daemon.popen("tasks", "exec", "--exec-id", f"h{number}", pod, "/probe.wasm", "sleep",
                                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    held.append((process, Lines(process.stdout)))
                wait_until(lambda: sum(process.poll() is not None for process, _ in held) >= 2, "a refused exec")
                equal(world.daemon.tasks()[pod][1], "RUNNING", "status of the container")
                for number in range(6):
                    world.daemon.ctr("tasks", "kill", "-s", "SIGKILL", "--exec-id", f"h{number}", pod, check=False)
            finally:
                for process, lines in held:
                    if process.poll() is None:
                        process.wait(20)
                    lines.join()
                    process.stderr.close()
            equal(execute(world, pod, "/probe.wasm", "exit", "9").returncode, 9, "an exec afterwards")
