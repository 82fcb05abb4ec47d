# SPDX-License-Identifier: Apache-2.0
"""What a node goes through: killed parts, no space, a cache that can not be written, a slow registry, many execs at once."""
import concurrent.futures
import contextlib
import os
import random
import subprocess

from chaos import FAULTS, IMAGE, Chaos, Pod
from suite import equal, wait_until

CACHE = "/var/cache/wherry"
SEED = "WHERRY_CHAOS_SEED"


def chaos(node, seconds, faults=tuple(FAULTS)):
    """Random kills under load; the seed is printed, and can be given."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 30))
    node.run("crictl", "pull", IMAGE)
    run = Chaos(node, seed, seconds, faults)
    findings = run.run()
    print(f"  chaos with {SEED}={seed}: {run.counts}", flush=True)
    assert not findings, f"{SEED}={seed}, {run.counts}: {'; '.join(findings[:5])}"


def run_one(node, name, wanted=3):
    """A pod from its start to its end; returns what went wrong, or None."""
    pod = Pod(name, random.Random(0))
    pod.lines, pod.pause, pod.code = wanted, 0, 0
    sandbox, container = pod.documents(node.directory)
    identity = node.run("crictl", "runp", "-r", "wherry", sandbox).stdout.strip()
    try:
        made = node.run("crictl", "create", "--no-pull", identity, container, sandbox).stdout.strip()
        node.run("crictl", "start", made)
        wait_until(lambda: node.json("crictl", "inspect", made)["status"]["state"] == "CONTAINER_EXITED", "end of the container")
        equal(node.json("crictl", "inspect", made)["status"]["exitCode"], 0, "exit code")
        wait_until(lambda: pod.log() == [str(i) for i in range(wanted)], "whole log")
    finally:
        node.run("crictl", "rmp", "-f", identity)


@contextlib.contextmanager
def mounted(node, *command):
    """Another file system over the cache."""
    node.run("mkdir", "-p", "-m", "700", CACHE)
    node.run("mount", *command, CACHE)
    try:
        yield
    finally:
        node.run("umount", CACHE)


def a_full_disk_keeps_no_pod_from_running(node):
    node.run("crictl", "pull", IMAGE)
    with mounted(node, "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs"):
        run_one(node, "-full")
    run_one(node, "-afterwards")
    equal(node.leftovers(), [], "left")


def a_cache_that_can_not_be_written_keeps_no_pod_from_running(node):
    node.run("crictl", "pull", IMAGE)
    with mounted(node, "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs"):
        run_one(node, "-readonly")
    run_one(node, "-writable")
    equal(node.leftovers(), [], "left")


def a_slow_registry_holds_up_only_its_own_pull(node):
    node.run("crictl", "pull", IMAGE)
    node.store.add("slow:1", {"data": os.urandom(1 << 20)}, entrypoint=["/data"])
    node.start_registry(rate=50_000)
    pull = node.popen("crictl", "pull", "wherry.test/slow:1", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for i in range(3):
            run_one(node, f"-quick{i}")
        equal(pull.poll(), None, "end of the slow pull")
    finally:
        pull.kill()
        pull.wait()
        node.start_registry()
    equal(node.leftovers(), [], "left")


def a_storm_of_execs_ends_and_leaves_nothing(node, count=100):
    """All at once, in a pod that may have few processes; those that are refused say so, and the pod lives on."""
    node.run("crictl", "pull", IMAGE)
    pod = Pod("-storm", random.Random(0))
    pod.lines, pod.pause = 1 << 20, 1000
    sandbox, container = pod.documents(node.directory)
    identity = node.run("crictl", "runp", "-r", "wherry", sandbox).stdout.strip()
    try:
        made = node.run("crictl", "create", "--no-pull", identity, container, sandbox).stdout.strip()
        node.run("crictl", "start", made)

        def execute(i):
            code = i % 7
            done = node.run("crictl", "exec", "-s", made, "/guest.wasm", "exit", str(code), check=False)
            return done.returncode == bool(code) and (not code or f"exited with {code}" in done.stderr), done.stderr
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            wrong = [text for good, text in pool.map(execute, range(count)) if not good]
        assert not wrong, f"{len(wrong)} of {count} ended otherwise: {wrong[0][-300:]}"
        equal(node.json("crictl", "inspect", made)["status"]["state"], "CONTAINER_RUNNING", "state")
    finally:
        node.run("crictl", "rmp", "-f", identity)
    equal(node.leftovers(), [], "left")


def pods_come_and_go_while_parts_are_killed(node):
    chaos(node, 20)


def pods_come_and_go_while_parts_are_killed_for_minutes(node):
    chaos(node, 180)


SMOKE = [a_full_disk_keeps_no_pod_from_running, a_cache_that_can_not_be_written_keeps_no_pod_from_running, pods_come_and_go_while_parts_are_killed]
FULL = [a_slow_registry_holds_up_only_its_own_pull, a_storm_of_execs_ends_and_leaves_nothing]
LONG = [pods_come_and_go_while_parts_are_killed_for_minutes]
