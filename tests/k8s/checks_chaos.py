# SPDX-License-Identifier: Apache-2.0
"""Pods of the API server come and go, and a Deployment stays, while shims, inits, containerd and kubelet are killed."""
import contextlib
import os
import random
import signal
import subprocess
import threading
import time

from chaos import KILLED, SHIM, TERMINATED, UNKNOWN
from checks_faults import SEED
from node import NodeError, node_groups, subgroups
from place import container, deployment, httpbin, pod, pod_spec
from suite import wait_until

WORKERS = 12
READY = {"httpGet": {"path": "/healthz", "port": 3000}, "periodSeconds": 1}
NOT_STARTED = 128  # kubelet's word where the runtime went away while it started the container
ABANDONED = 60
LIVES = 120  # seconds that a pod may take for any step while its node is in trouble


class Life:
    """A pod, and what was done to it."""

    def __init__(self, number, rng):
        self.name, self.uid = f"life{number}", None
        self.lines, self.pause, self.code = rng.choice((1, 20, 100)), rng.choice((0, 5, 20)), rng.choice((0, 1, 42))
        self.is_removed_early, self.patience = rng.random() < 0.3, rng.random() * 3
        self.faults = set()
        self.waits = 0  # how often it was seen to wait since its sandbox was killed

    def manifest(self):
        counting = container("count", "/place/done", self.pause, self.lines, self.code, volumeMounts=[{"name": "place", "mountPath": "/place"}])
        return pod(counting, name=self.name, restartPolicy="Never", terminationGracePeriodSeconds=2, volumes=[{"name": "place", "emptyDir": {}}])


class ApiChaos:
    """Findings are sentences; without any, all went well."""

    def __init__(self, place, seed, seconds):
        self.place, self.cluster, self.seconds = place, place.cluster, seconds
        self.random, self.findings, self.lives = random.Random(seed), [], {}
        self.counts = dict.fromkeys(("pods", *FAULTS, "abandoned"), 0)
        self._lock, self._end, self._numbers = threading.Lock(), threading.Event(), iter(range(1 << 30))

    def run(self):
        self.place.create(deployment("steady", 2, pod_spec(httpbin(readinessProbe=READY))))
        workers = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        for thread in workers:
            thread.start()
        try:
            self._disturb()
        finally:
            self._end.set()
            for thread in workers:
                thread.join()
        self._calm_down()
        return self.findings

    def _disturb(self):
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline and not self.findings:
            time.sleep(self.random.uniform(0.2, 2))
            name = self.random.choice(tuple(FAULTS))
            self.counts[name] += bool(FAULTS[name](self))
            self._keep_kubelet()

    # --- the load

    def _work(self):
        while not self._end.is_set():
            with self._lock:
                life = Life(next(self._numbers), self.random)
                self.lives[life.name] = life
                self.counts["pods"] += 1
            try:
                self._live(life)
            except Exception as error:
                self._found(f"{life.name}: {type(error).__name__}: {error}, after {sorted(life.faults) or 'nothing'}")
                return
            with self._lock:
                del self.lives[life.name]

    def _live(self, life):
        self.place.create(life.manifest())
        life.uid = self.place.get("pod", life.name)["metadata"]["uid"]
        if life.is_removed_early:
            self._end.wait(life.patience)
        else:
            if self._wait(lambda: self._is_over(life), life, "end of its container") == "over":
                self._judge(life)
            else:
                self.counts["abandoned"] += 1
        self.place.run("delete", "pod", life.name, "--wait=false")
        self._wait(lambda: self.place.run("get", "pod", life.name).returncode != 0, life, "end of the pod")

    def _is_over(self, life):
        """"over", "abandoned" by the kubelet, or None. It makes no second sandbox for a pod that shall never be restarted and
        has a container, even if the first one died before that was started (computePodActions), and the pod waits for good."""
        if self.place.status(life.name)["phase"] in ("Succeeded", "Failed"):
            return "over"
        waits = "waiting" in self.place.container(life.name).get("state", {})
        life.waits = life.waits + 1 if waits and life.faults & {"shim", "init"} else 0
        return "abandoned" if life.waits > ABANDONED else None

    def _wait(self, condition, life, what):
        result = None

        def holds():
            nonlocal result
            time.sleep(0.3)
            with contextlib.suppress(NodeError, AssertionError, subprocess.TimeoutExpired):
                result = condition()
            return result
        try:
            wait_until(holds, what, LIVES)
            return result
        except AssertionError as late:
            shown = self.place.run("describe", "pod", life.name).stdout.splitlines()[-6:]
            raise AssertionError(f"{late}: {' / '.join(line.strip() for line in shown)}") from None

    def _judge(self, life):
        ended = self.place.container(life.name).get("state", {}).get("terminated")
        allowed = {life.code} | ({KILLED, TERMINATED, UNKNOWN, NOT_STARTED} if life.faults else set())
        if not ended and life.faults:  # its sandbox was killed before there was a container
            return
        code = ended and ended["exitCode"]
        if code not in allowed:
            self._found(f"{life.name}: exit code {code}, not one of {sorted(allowed)}, after {sorted(life.faults) or 'nothing'}")
        lines = self._wait(lambda: self._log(life), life, "answer of the kubelet").split()
        if "containerd" in life.faults:  # its logger loses what it has read and not written, and without it the kubelet finds no log
            return
        if life.faults and code == NOT_STARTED:  # a sandbox that is no more: containerd has not even opened the log
            return
        if lines != [str(i) for i in range(len(lines))] or (code == life.code and not life.faults and len(lines) != life.lines):
            self._found(f"{life.name}: exit code {code}, wrote {life.lines} lines, the log has {len(lines)}: {lines[:3]}..{lines[-3:]}, after {sorted(life.faults) or 'nothing'}")

    def _log(self, life):
        done = self.place.run("logs", life.name)
        return None if done.returncode else done.stdout + " "  # also an empty one is an answer

    # --- the faults

    def kill_shim(self):
        shims = [(pid, line) for pid, line in self.cluster.processes().items() if SHIM in line.split(" ")[0] and " -id " in f"{line} "]
        if not shims:
            return False
        pid, line = self.random.choice(shims)
        words = line.split()
        sandbox = words[words.index("-id") + 1]
        try:
            found = self.cluster.json("crictl", "--timeout", "30s", "pods", "--id", sandbox, "-o", "json")["items"]
        except NodeError:
            return False
        return bool(found) and self._kill("shim", pid, found[0]["metadata"]["uid"])

    def kill_init(self):
        members = [(int(pid), group) for top in node_groups(self.cluster.directory.name)[:1] for group in subgroups(top / "kubepods")
                   for pid in _text(group / "cgroup.procs").split()]
        if not members:
            return False
        pid, group = self.random.choice(members)
        return self._kill("init", pid, next((part.removeprefix("pod") for part in group.parts if part.startswith("pod") and len(part) == 39), ""))

    def kill_containerd(self):
        self._mark("containerd")
        self.cluster.daemons["containerd"].stop(signal.SIGKILL)
        time.sleep(self.random.choice((0, 0.5)))
        self.cluster.daemons["containerd"].start()
        self.cluster.wait_containerd()
        self._mark("containerd")
        return True

    def kill_kubelet(self):
        self.cluster.daemons["kubelet"].stop(signal.SIGKILL)
        self.cluster.daemons["kubelet"].start()
        return True

    def _kill(self, kind, pid, uid):
        with self._lock:
            life = next((one for one in self.lives.values() if one.uid == uid), None)
            if life:
                life.faults.add(kind)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def _mark(self, kind):
        with self._lock:
            for life in self.lives.values():
                life.faults.add(kind)

    def _keep_kubelet(self):
        """It gives up where containerd is away as it starts, and counts on somebody like systemd."""
        if not self.cluster.daemons["kubelet"].is_running():
            self.cluster.daemons["kubelet"].start()

    # --- the end

    def _found(self, what):
        with self._lock:
            self.findings.append(what)

    def _calm_down(self):
        """What shall run does, what was deleted is gone, and nothing of it is left."""
        self.cluster.wait_containerd()
        self._keep_kubelet()
        self.cluster.await_node()
        done = self.place.run("rollout", "status", "deployment/steady", f"--timeout={LIVES}s", timeout=LIVES + 30)
        if done.returncode:
            self._found(f"the Deployment does not come back: {(done.stdout + done.stderr).strip()[-300:]}")
        self.place.run("delete", "deployment", "steady")
        self.place.run("delete", "pods", "--all", "--wait=false")
        try:
            wait_until(lambda: not self.place.get("pods")["items"], "end of all pods", LIVES)
        except AssertionError:
            self._found(f"pods are stuck: {self.place.run('get', 'pods').stdout[-500:]}")
        left, networks = self.cluster.leftovers(60), self.cluster.network_leftovers()
        if len(networks) > 2 * self.counts["containerd"]:  # it forgets the network of a pod that it dies while making
            left += networks
        for what in left:
            self._found(f"left: {what}")


FAULTS = {"shim": ApiChaos.kill_shim, "init": ApiChaos.kill_init, "containerd": ApiChaos.kill_containerd, "kubelet": ApiChaos.kill_kubelet}


def _text(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def _chaos(p, seconds):
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 30))
    run = ApiChaos(p, seed, seconds)
    findings = run.run()
    print(f"  chaos with {SEED}={seed}: {run.counts}", flush=True)
    assert not findings, f"{SEED}={seed}, {run.counts}: {'; '.join(findings[:5])}"


def pods_of_the_api_server_come_and_go_while_parts_are_killed(p):
    _chaos(p, 30)


def pods_of_the_api_server_come_and_go_while_parts_are_killed_for_minutes(p):
    _chaos(p, 180)


SMOKE = []
FULL = [pods_of_the_api_server_come_and_go_while_parts_are_killed]
LONG = [pods_of_the_api_server_come_and_go_while_parts_are_killed_for_minutes]
