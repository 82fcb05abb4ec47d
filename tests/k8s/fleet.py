# SPDX-License-Identifier: Apache-2.0
"""Idle pods of Wherry and of runc on one node, to be timed and weighed: a server that nobody calls."""
import contextlib
import json
import pathlib
import subprocess
import sys
import time

from node import HERE, node_groups, subgroups
from place import HTTPBIN_IMAGE, Place, pod

NATIVE_IMAGE = "wherry.test/httpbin-native:1"
SHIMS = {"wherry": "containerd-shim-wherry-v1", "runc": "containerd-shim-runc-v2"}
RUNTIMES = tuple(SHIMS)


def add_native(node, build_script):
    """The same server as a native static program."""
    program = node.directory / "httpbin-native"
    subprocess.run([build_script, "--native", "-o", program], check=True, capture_output=True)
    node.store.add("httpbin-native:1", {"httpbin": program}, entrypoint=["/httpbin"])


def manifest(runtime, name):
    image = HTTPBIN_IMAGE if runtime == "wherry" else NATIVE_IMAGE
    made = pod({"name": "c", "image": image, "imagePullPolicy": "IfNotPresent", "env": [{"name": "PORT", "value": "3000"}]}, name=name,
               automountServiceAccountToken=False)
    made["spec"]["runtimeClassName"] = "wherry-bare"
    if runtime == "runc":
        del made["spec"]["runtimeClassName"]
    made["spec"]["terminationGracePeriodSeconds"] = 1
    return made


class Fleet:
    """Pods of one runtime in a namespace of their own; gone when the context ends."""

    def __init__(self, cluster, runtime):
        self.cluster, self.runtime = cluster, runtime
        self._place = Place(cluster)

    def __enter__(self):
        self._place.__enter__()
        return self

    def __exit__(self, *_):
        self.cluster.kubectl("-n", self._place.name, "delete", "pods", "--all", "--wait=true", timeout=600)
        self._place.__exit__()

    def create(self, names):
        """Creates pods at once: {"ready": {name: seconds}, "all": seconds}."""
        pods = json.dumps([manifest(self.runtime, n) for n in names])
        return json.loads(self.cluster.run(sys.executable, HERE / "pod_times.py", self.cluster.keys.directory, self._place.name, stdin=pods,
                                           timeout=700).stdout)

    def weights(self):
        """KiB of memory that are the share of all shims, and of all containers: pause and server."""
        containers = self._containers()
        return sum(map(pss, self._shims(containers))), sum(map(pss, containers))

    def cpu_share(self, seconds):
        """CPU seconds a second that shims and containers use while nobody asks anything of them."""
        containers = self._containers()
        pids = [*containers, *self._shims(containers)]
        before = sum(map(ticks, pids))
        time.sleep(seconds)
        return (sum(map(ticks, pids)) - before) / seconds

    def wake_ups(self, seconds):
        """Context switches a second of shims and containers meanwhile: each is a thread that was woken."""
        containers = self._containers()
        pids = [*containers, *self._shims(containers)]
        before = sum(map(switches, pids))
        time.sleep(seconds)
        return (sum(map(switches, pids)) - before) / seconds

    def _containers(self):
        return [int(pid) for top in node_groups(self.cluster.directory.name)[:1] for group in subgroups(top / "kubepods")
                for pid in (group / "cgroup.procs").read_text().split()]

    def _shims(self, containers):
        """Wherry's inits have the shim's name too."""
        lines = self.cluster.processes().items()
        return [pid for pid, line in lines if SHIMS[self.runtime] in line.split(" ")[0] and pid not in containers]


def pss(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def ticks(pid):
    """CPU seconds of a process so far."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / 100


def switches(pid):
    """Context switches of all threads of a process so far."""
    count = 0
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            count += sum(int(line.split()[1]) for line in status.read_text().splitlines() if "ctxt_switches" in line)
    return count
