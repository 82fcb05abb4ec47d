# SPDX-License-Identifier: Apache-2.0
"""What `events` prints."""
import json
import select
import subprocess
import time

from bundle import HTTPBIN, Bundle, hello, server
from suite import SOURCE, equal

PROBE = SOURCE / "tests" / "shim" / "guests" / "probe.wasm"


def next_event(process, kind):
    """The first line of that type; statistics come in between."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert select.select([process.stdout], [], [], 20)[0], f"no {kind}"
        event = json.loads(process.stdout.readline() or "null")
        if event is None or event["type"] == kind:
            return event
    raise AssertionError(f"no {kind}")


def register(suite):
    @suite.test("events: --stats is one document with the counters of the cgroup")
    def _():
        with server(env=["PORT=3000"], resources={"memory": {"limit": 100 << 20}, "pids": {"limit": 50}}) as bundle:
            bundle.create()
            bundle.ok("start", "c")
            text = bundle.ok("events", "--stats", "c")
            equal(text.count("\n"), 1, "lines")
            event = json.loads(text)
            equal((event["type"], event["id"]), ("stats", "c"), "event")
            data = event["data"]
            equal((data["pids"]["current"] > 0, data["pids"]["limit"]), (True, 50), "pids")
            equal((data["memory"]["usage"]["usage"] > 0, data["memory"]["usage"]["limit"]), (True, 100 << 20), "memory")
            assert data["cpu"]["usage"]["total"] > 0, data["cpu"]

    @suite.test("events: statistics come at each interval until the container ends")
    def _():
        with server(env=["PORT=3000"]) as bundle:
            bundle.create()
            bundle.ok("start", "c")
            with bundle.started("events", "--interval", "50ms", "c", stdout=subprocess.PIPE) as process:
                used = [next_event(process, "stats")["data"]["cpu"]["usage"]["total"] for _ in range(3)]
                assert used == sorted(used), used
                bundle.ok("kill", "c", "KILL")
                equal(process.wait(20), 0, "exit code")

    @suite.test("events: a guest that ends because its memory ran out is told of")
    def _():
        files = {"httpbin.wasm": HTTPBIN, "probe.wasm": PROBE}
        limits = {"annotations": {"wherry.dev/oom": "kill"}, "resources": {"memory": {"limit": 30 << 20}}}
        with Bundle(["/httpbin.wasm"], files, env=["PORT=3000"], **limits) as bundle:
            bundle.create()
            bundle.ok("start", "c")
            with bundle.started("events", "--interval", "1h", "c", stdout=subprocess.PIPE) as process:
                next_event(process, "stats")
                equal(bundle.oci("exec", "c", "/probe.wasm", "allocate", "60").returncode, 137, "exit code of an exec that takes too much")
                equal(next_event(process, "oom"), {"type": "oom", "id": "c"}, "event")

    @suite.test("events: what can not be done is one line")
    def _():
        with hello() as bundle:
            equal(bundle.oci("events", "x").stderr, "error: container x does not exist\n", "events")
            bundle.create()
            equal(bundle.oci("events", "--interval", "5", "c").stderr, "error: --interval: expected a time such as 5s, found `5`\n", "events")
            bundle.ok("start", "c")
            bundle.wait_status("stopped")
            equal(bundle.oci("events", "--stats", "c").stderr, "error: container with id c is not running\n", "events")
