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
        with world.attached("tick", "20") as (container, process, lines):
            lines.wait_for(2)
            pid = world.pid(container)
            world.daemon.restart()
            equal(world.daemon.tasks()[container], (pid, "RUNNING"), "task")
            listed = world.daemon.ctr("tasks", "ps", container).stdout
            assert str(pid) in listed.split(), listed
            before = len(lines.snapshot())
            lines.wait_for(before + 3)
            world.daemon.ctr("tasks", "kill", "-s", "SIGKILL", container)
            world.daemon.wait_status(container, "STOPPED")
            equal(world.daemon.ctr("tasks", "rm", container, check=False).returncode, 137, "exit code of ctr t rm")

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

    @test("check 57: events wait for containerd and come in their order")
    def _():
        from checks_start import bundles, socket_of, started
        from fake_events import FakeEvents
        from protocol import Connection
        import pause_bundle
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


__all__ = ["register", "topics"]
