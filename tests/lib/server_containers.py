# SPDX-License-Identifier: Apache-2.0
"""Measures containers that serve HTTP: start latency, requests a second and a CPU second; runtimes in turns."""
import os
import re
import statistics
import subprocess
import time

from containerd import HarnessError
from http_checks import answers

START_TIMEOUT = 60
LOAD = ["wrk", "--threads", "1", "--connections", "16", "--duration", "2s"]
LOAD_ROUNDS = 3


class Servers:
    """Starts server images on the host's network. Candidates are {name: (image, runtime)}."""

    def __init__(self, daemon, port):
        self.daemon, self.port = daemon, port

    def start(self, image, container, runtime):
        """Seconds from calling `ctr run` to the first accepted connection."""
        begin = time.monotonic()
        self.daemon.ctr("run", "--detach", "--net-host", "--env", f"PORT={self.port}", "--runtime", runtime,
                        image, container)
        while not answers(self.port):
            if time.monotonic() - begin > START_TIMEOUT:
                raise HarnessError(f"{container} does not answer after {START_TIMEOUT} s:\n{self.daemon.log()[-1500:]}")
            time.sleep(0.0005)
        return time.monotonic() - begin

    def compare_starts(self, candidates, rounds):
        """{name: median seconds}, each started once a round."""
        times = {name: [] for name in candidates}
        for i in range(rounds):
            for name, (image, runtime) in candidates.items():
                times[name].append(self.start(image, f"{name}-{i}", runtime))
                self.daemon.remove(f"{name}-{i}")
        return {name: statistics.median(t) for name, t in times.items()}

    def compare_rates(self, candidates):
        """{name: (requests a second, requests a CPU second of the server)}, medians of turns."""
        seen = {name: [] for name in candidates}
        for i in range(LOAD_ROUNDS):
            for name, (image, runtime) in candidates.items():
                container = f"load-{name}-{i}"
                self.start(image, container, runtime)
                pid = self.daemon.tasks()[container][0]
                seen[name].append(_load(self.port, pid))
                self.daemon.remove(container)
        return {name: tuple(map(statistics.median, zip(*rates))) for name, rates in seen.items()}


def _load(port, pid):
    before = _cpu_seconds(pid)
    done = subprocess.run([*LOAD, f"http://127.0.0.1:{port}/get?a=b"], capture_output=True, text=True, timeout=60)
    used = _cpu_seconds(pid) - before
    requests = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    if done.returncode != 0 or not requests or "Non-2xx" in done.stdout or used <= 0:
        raise HarnessError(f"load generator: {done.stdout.strip()} {done.stderr.strip()}")
    count = int(requests[1])
    return count / float(requests[2]), count / used


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
