# SPDX-License-Identifier: Apache-2.0
"""Checks 22, 24 and 57: events, and containerd coming and going."""
from suite import equal, wait_until
from world import Events


def topics(events):
    return [topic for topic, _ in events]


def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    @test("check 22: a run is create, start, exit, delete, once each")
    def _():
        world.daemon  # started here, so that a skip is one
        with Events(world) as events:
            container = world.new_id("e")
            equal(world.run("exit", "7", container=container).returncode, 7, "exit code")
            seen = events.wait_for(container, "/tasks/delete")
            equal(topics(seen), ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"], "topics")
            content = dict(seen)
            end = content["/tasks/exit"]
            equal((end["container_id"], end.get("id"), end.get("exit_status")), (container, container, 7), "exit event")
            pids = {name: body.get("pid") for name, body in seen}
            equal(len(set(pids.values())), 1, f"different pids in {pids}")

    @test("pause and resume are events too")
    def _():
        world.daemon
        with Events(world) as events, world.running("sleep") as container:
            world.daemon.ctr("tasks", "pause", container)
            world.daemon.ctr("tasks", "resume", container)
            seen = topics(events.wait_for(container, "/tasks/resumed"))
            equal(seen[-2:], ["/tasks/paused", "/tasks/resumed"], "topics")

    @test("check 24: a container outlives a restart of containerd")
    def _():
        log = world.daemon.directory / "restart.log"
        with world.running("tick", "20", log=log) as container:
            pid = world.pid(container)
            world.daemon.restart()
            equal(world.daemon.tasks()[container], (pid, "RUNNING"), "task")
            listed = world.daemon.ctr("tasks", "ps", container).stdout
            assert str(pid) in listed.split(), listed
            before = log.stat().st_size
            wait_until(lambda: log.stat().st_size > before, "more output")
            world.daemon.ctr("tasks", "kill", "-s", "SIGKILL", container)
            world.daemon.wait_status(container, "STOPPED")
            removed = world.daemon.ctr("tasks", "rm", container).stderr
            assert "137" in removed, removed

    @test("a container is not ended by output that nobody reads while containerd is down")
    def _():
        with world.attached("tick", "20") as (container, process, lines):
            lines.wait_for(2)
            pid = world.pid(container)
            world.daemon.stop()
            process.kill()
            process.wait()
            world.daemon.start()
            equal(world.daemon.tasks()[container], (pid, "RUNNING"), "task")
            listed = world.daemon.ctr("tasks", "metrics", container).stdout
            assert "memory" in listed, listed

    @test("an out-of-memory kill is told of before the exit")
    def _():
        world.daemon
        with Events(world) as events:
            with world.attached("grow", "20") as (container, process, lines):
                lines.wait_for(3)
                limit_memory(world.pid(container), 24 << 20)
                equal(process.wait(60), 137, "exit code")
                world.daemon.ctr("tasks", "rm", container, check=False)
                seen = topics(events.wait_for(container, "/tasks/delete"))
            equal(seen, ["/tasks/create", "/tasks/start", "/tasks/oom", "/tasks/exit", "/tasks/delete"], "topics")

    @test("check 24: a container that ended while containerd was away is told of")
    def _():
        import os
        import signal
        with world.running("sleep") as container:
            pid = world.pid(container)
            world.daemon.stop()
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "end of the container")
            world.daemon.start()
            world.daemon.wait_status(container, "STOPPED")


def limit_memory(pid, size):
    """Sets the limit of the process's cgroup behind the container's back."""
    import pathlib
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":")
        if "memory" in controllers.split(","):
            pathlib.Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes").write_text(str(size))
            return
        if not controllers and pathlib.Path(f"/sys/fs/cgroup{path}/memory.max").exists():
            pathlib.Path(f"/sys/fs/cgroup{path}/memory.swap.max").write_text("0")
            pathlib.Path(f"/sys/fs/cgroup{path}/memory.max").write_text(str(size))
            return
    raise AssertionError("no memory cgroup")
