# SPDX-License-Identifier: Apache-2.0
"""Pods come and go on a node while its parts are killed at random moments. What then is wrong, or left, is a finding.

A guest writes numbers to its log and, after each, tells in a file how far it came: so it is known what the log must hold.
"""
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import threading
import time
from typing import NamedTuple

from images import BUSYBOX
from node import NodeError, node_groups

IMAGE = "wherry.test/guest:1"
SHIM = "containerd-shim-wherry-v1"
KILLED, TERMINATED = 128 + signal.SIGKILL, 128 + signal.SIGTERM
UNKNOWN = 255  # containerd's word for an exit that nobody saw
WORKERS = 6


class Runtime(NamedTuple):
    """Who runs the pods; program: words before the four of what counts."""
    handler: str
    shim: str
    image: str
    program: tuple


COUNT = "trap 'exit 143' TERM; i=0; while [ $i -lt $3 ]; do echo $i; echo $i >$1; [ $2 = 0 ] || usleep $(($2 * 1000)); i=$((i + 1)); done; exit $4"
WHERRY = Runtime("wherry", SHIM, IMAGE, ("/guest.wasm", "count"))
RUNC = Runtime("runc", "containerd-shim-runc-v2", BUSYBOX, ("sh", "-c", COUNT, "count"))


class Pod:
    """One pod with one container, and what was done to it."""

    def __init__(self, number, rng, runtime=WHERRY):
        self.name, self.runtime = f"pod{number}", runtime
        self.lines, self.pause = rng.choice((1, 20, 100)), rng.choice((0, 5, 20))
        self.code = rng.choice((0, 1, 42))
        self.ending = rng.choice(("exit", "stop", "remove"))
        self.patience = rng.random()
        self.sandbox = self.container = None
        self.faults = set()  # shim, init, containerd

    def documents(self, directory):
        place = directory / "chaos" / self.name
        place.mkdir(parents=True)
        sandbox = {"metadata": {"name": self.name, "namespace": "chaos", "uid": self.name, "attempt": 0}, "log_directory": str(place),
                   "linux": {"cgroup_parent": "/chaos"}}
        container = {"metadata": {"name": "c"}, "image": {"image": self.runtime.image}, "log_path": "log",
                     "command": [*self.runtime.program, "/place/done", str(self.pause), str(self.lines), str(self.code)],
                     "mounts": [{"host_path": str(place), "container_path": "/place"}]}
        for name, content in (("sandbox", sandbox), ("container", container)):
            (place / f"{name}.json").write_text(json.dumps(content))
        self.place = place
        return place / "sandbox.json", place / "container.json"

    def log(self):
        """The lines as the guest wrote them; CRI's log has three words before each."""
        try:
            return [line.split(" ", 3)[3] for line in (self.place / "log").read_text().splitlines() if line.count(" ") >= 3]
        except OSError:
            return []

    def written(self):
        """How many lines the guest knows to have written."""
        try:
            return int((self.place / "done").read_text().split()[0]) + 1
        except (OSError, IndexError, ValueError):
            return 0


# Kinds of findings.
WRONG_CODE, LOST_LINES, LEFT, OTHER = "wrong exit codes", "logs with lost lines", "processes, mounts, cgroups, sockets left", "pods stuck, and whatever else"
# What is containerd's and not a runtime's, whoever runs the pods.
UNKNOWN_CODES, NETWORKS, BUNDLES = ("exit codes that containerd does not know", "network namespaces and addresses left",
                                    "bundles that containerd was removing as it died")


class Chaos:
    """faults: names of FAULTS. Findings are sentences; without any, all went well. to_the_end: not only until the first."""

    def __init__(self, node, seed, seconds, faults, runtime=WHERRY, to_the_end=False):
        self.node, self.seconds, self.faults, self.runtime, self.to_the_end = node, seconds, faults, runtime, to_the_end
        self.random = random.Random(seed)
        self.findings = []
        self.pods = {}  # that exist, by name
        self.counts = dict.fromkeys(("pods", *faults), 0)
        self.found = dict.fromkeys((WRONG_CODE, LOST_LINES, LEFT, OTHER), 0)
        self.excused = dict.fromkeys((UNKNOWN_CODES, NETWORKS, BUNDLES), 0)
        self._numbers = iter(range(1 << 30))
        self._interrupted = 0
        self._lock = threading.Lock()
        self._disturbed = []  # moments at which containerd was not there, or something was killed
        self._end = threading.Event()

    def run(self):
        workers = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        for thread in workers:
            thread.start()
        try:
            self._disturb()
        finally:
            self._end.set()
            for thread in workers:
                thread.join()
        self._clean_up()
        return self.findings

    def _disturb(self):
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline and (self.to_the_end or not self.findings):
            time.sleep(self.random.uniform(0.05, 0.8))
            name = self.random.choice(self.faults)
            with self._lock:
                self._disturbed.append(time.monotonic())
            if FAULTS[name](self):
                self.counts[name] += 1
            with self._lock:
                self._disturbed.append(time.monotonic())

    # --- the load

    def _work(self):
        while not self._end.is_set():
            with self._lock:
                pod = Pod(next(self._numbers), self.random, self.runtime)
                self.pods[pod.name] = pod
                self.counts["pods"] += 1
            started = time.monotonic()
            try:
                self._live(pod)
            except (NodeError, subprocess.TimeoutExpired) as error:
                self._await_containerd()
                self._interrupted += pod.sandbox is None and "containerd" in pod.faults
                if not pod.faults and not self._was_disturbed(started):
                    self._found(f"{pod.name}: with nothing killed: {error}")
            except Exception as error:  # the harness, not what is tested
                self._found(f"{pod.name}: {type(error).__name__}: {error}")
                return

    def _live(self, pod):
        sandbox, container = pod.documents(self.node.directory)
        pod.sandbox = self._crictl("runp", "-r", self.runtime.handler, sandbox)
        pod.container = self._crictl("create", "--no-pull", pod.sandbox, container, sandbox)
        self._crictl("start", pod.container)
        if pod.ending == "exit":
            status = self._await_exit(pod)
        else:
            self._end.wait(pod.patience)
            if pod.ending == "stop":
                self._crictl("stop", "--timeout", "5", pod.container)
                status = self._status(pod)
        if pod.ending != "remove":
            self._judge(pod, status)
        self._crictl("rmp", "-f", pod.sandbox)
        with self._lock:
            del self.pods[pod.name]

    def _crictl(self, *arguments):
        return self.node.run("crictl", "--timeout", "30s", *arguments, timeout=60).stdout.strip()

    def _status(self, pod):
        return self.node.json("crictl", "--timeout", "30s", "inspect", pod.container)["status"]

    def _await_exit(self, pod):
        deadline = time.monotonic() + 60
        while (status := self._status(pod))["state"] == "CONTAINER_RUNNING":
            if time.monotonic() > deadline:
                raise NodeError(f"still running after {pod.lines} lines, {pod.pause} ms each")
            time.sleep(0.05)
        return status

    def _judge(self, pod, status):
        allowed = {pod.code} | ({TERMINATED} if pod.ending == "stop" else set())
        if pod.faults & {"shim", "init"}:
            allowed |= {KILLED, UNKNOWN}
        if "containerd" in pod.faults:  # it deletes a task before it writes down how that ended
            allowed |= {UNKNOWN}
        code = status["exitCode"]
        self.excused[UNKNOWN_CODES] += code == UNKNOWN
        if status["state"] == "CONTAINER_EXITED" and code not in allowed:
            self._found(f"{pod.name}: exit code {code}, not one of {sorted(allowed)}, after {sorted(pod.faults) or 'nothing'}", WRONG_CODE)
        self._judge_log(pod)

    def _judge_log(self, pod):
        deadline, wanted = time.monotonic() + 5, pod.written()
        while len(pod.log()) < wanted and time.monotonic() < deadline and "containerd" not in pod.faults:
            time.sleep(0.05)
        lines = pod.log()
        if "containerd" in pod.faults:  # containerd's logger loses what it has read and not written
            return
        if lines != [str(i) for i in range(len(lines))] or len(lines) < wanted:
            self._found(f"{pod.name}: the guest wrote {wanted} lines, the log has {len(lines)}: {lines[:3]}..{lines[-3:]}, "
                        f"after {sorted(pod.faults) or 'nothing'}", LOST_LINES)

    # --- the faults

    def kill_shim(self):
        return self._kill("shim", [pid for pid, line in self.node.processes().items() if self.runtime.shim in line.split(" ")[0] and " -id " in f"{line} "])

    def kill_init(self):
        members = [int(pid) for top in node_groups(self.node.directory.name)[:1] for group in top.glob("chaos/*")
                   for pid in _text(group / "cgroup.procs").split()]
        return self._kill("init", members)

    def kill_compiler(self):
        """A cold cache, so that there are some."""
        for artifact in self.cache().glob("**/*"):
            with contextlib.suppress(OSError):
                artifact.unlink()
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if compilers := [pid for pid, line in self.node.processes().items() if "wherryc" in line.split(" ")[0]]:
                return _signal(self.random.choice(compilers), signal.SIGKILL)
        return False

    def kill_containerd(self):
        self._mark("containerd")
        self.node.daemons["containerd"].stop(signal.SIGKILL)
        time.sleep(self.random.choice((0, 0.3)))
        self.node.daemons["containerd"].start()
        self.node.wait_containerd()
        self._mark("containerd")
        return True

    def stall_containerd(self):
        """Nobody reads the fifos meanwhile."""
        self.node.daemons["containerd"].stall(self.random.uniform(0.2, 1.5))
        return True

    def cache(self):
        return pathlib.Path(f"/proc/{self.node.first_pid}") / "root" / "var" / "cache" / "wherry"

    def _kill(self, kind, candidates):
        if not candidates:
            return False
        victim = self.random.choice(candidates)
        if not (pod := self._pod_of(victim)):
            return False
        pod.faults.add(kind)
        return _signal(victim, signal.SIGKILL)

    def _pod_of(self, pid):
        words = _text(f"/proc/{pid}/cmdline").split("\0") + _text(f"/proc/{pid}/cgroup").replace("/", "\n").split("\n")
        with self._lock:
            return next((p for p in self.pods.values() if {p.sandbox, p.container} & set(words) - {None}), None)

    def _mark(self, kind):
        with self._lock:
            for pod in self.pods.values():
                pod.faults.add(kind)

    # --- the end

    def _found(self, what, kind=OTHER):
        with self._lock:
            self.findings.append(what)
            self.found[kind] += 1

    def _was_disturbed(self, since):
        with self._lock:
            return any(moment >= since - 1 for moment in self._disturbed)

    def _await_containerd(self):
        with contextlib.suppress(NodeError, AssertionError, OSError):
            self.node.wait_containerd()

    def _clean_up(self):
        """Every pod can be removed, and nothing of any is left."""
        self._await_containerd()
        deadline = time.monotonic() + 90
        while names := self._crictl("pods", "-q").split():
            done = self.node.run("crictl", "--timeout", "30s", "rmp", "-f", *names, check=False, timeout=300)
            if time.monotonic() > deadline:
                return self._found(f"{len(names)} pods are stuck: {(done.stderr or done.stdout).strip()[-400:]}")
        left, networks = self.node.leftovers(), self.node.network_leftovers()
        self.excused[NETWORKS] = len(networks)
        self.excused[BUNDLES] = len(self.node.hidden_bundles())
        if len(networks) > 2 * self._interrupted:  # containerd forgets the network of a pod that it dies while making
            left += networks
        for what in left:
            self._found(f"left: {what}", LEFT)
        return None


FAULTS = {"shim": Chaos.kill_shim, "init": Chaos.kill_init, "compiler": Chaos.kill_compiler, "containerd": Chaos.kill_containerd,
          "stall": Chaos.stall_containerd}


def _signal(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def _text(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""
