# SPDX-License-Identifier: Apache-2.0
"""What happens to the node under running pods. Each of these has the cluster for itself."""
import os
import shutil
import signal

from cluster import NODE_NAME
from place import SHIM, busybox, container, deployment, httpbin, pod, pod_spec
from suite import BUILD, equal, wait_until

READY = {"httpGet": {"path": "/healthz", "port": 3000}, "periodSeconds": 1}


def _survivors(p):
    """Two guests and a native container, all ready; returns what must not change."""
    p.create(pod(httpbin(readinessProbe=READY), container("tick", 50, name="ticks"), busybox("while true; do sleep 0.1; done")))
    p.wait_ready()
    return _identity(p)


def _identity(p):
    return {c["name"]: (c["containerID"], c["restartCount"]) for c in p.status()["containerStatuses"]}


def _still_works(p, before):
    p.wait_ready()
    equal(_identity(p), before, "containers")
    equal(p.fetch(p.address(), 3000), "ok\n", "answer")
    p.wait(lambda: p.run("logs", "p", "-c", "ticks").returncode == 0, "answer of the kubelet")  # the node counts as ready before
    count = len(p.logs("p", "ticks").splitlines())
    p.wait(lambda: len(p.logs("p", "ticks").splitlines()) > count, "more lines in the log")
    lines = list(map(int, p.logs("p", "ticks").split()))
    missing = sorted(set(range(lines[-1] + 1)) - set(lines))
    equal(lines, sorted(set(lines)), "lines of the log")
    # A stream over ttrpc has no acknowledgement: what was on its way to a containerd that ends is lost with it.
    assert len(missing) <= (1 if p.cluster.sandbox_api else 0), f"lines {missing} of {len(lines)} are missing"
    for name, program in (("ticks", "/guest.wasm"), ("native", "sh")):
        words = ("exit", "7") if name == "ticks" else ("-c", "exit 7")
        equal(p.run("exec", "p", "-c", name, "--", program, *words).returncode, 7, f"exit code of an exec in {name}")
    equal(p.deleted(), {"c": 143, "ticks": 143, "native": 137}, "exit codes at the end")
    p.create(pod(httpbin(readinessProbe=READY), name="after"))
    p.wait_ready("after")


def pods_survive_a_restart_of_the_kubelet(p):
    before = _survivors(p)
    p.cluster.daemons["kubelet"].stop()
    p.cluster.daemons["kubelet"].start()
    p.cluster.await_node()
    _still_works(p, before)


def _containerd_again(p, number):
    before = _survivors(p)
    p.cluster.daemons["containerd"].stop(number)
    equal(p.fetch(p.address(), 3000), "ok\n", "answer without containerd")
    p.cluster.daemons["containerd"].start()
    p.cluster.wait_containerd()
    p.cluster.await_node()
    _still_works(p, before)


def pods_survive_a_restart_of_containerd(p):
    _containerd_again(p, signal.SIGTERM)


def pods_survive_the_death_of_containerd(p):
    _containerd_again(p, signal.SIGKILL)


def what_ends_while_containerd_is_away_is_noticed(p):
    p.create(pod(container("tick", 100, 30), restartPolicy="Never"))
    p.wait_ready()
    pid = p.pid()
    p.cluster.daemons["containerd"].stop(signal.SIGKILL)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}") or _is_zombie(pid), "end of the guest")
    p.cluster.daemons["containerd"].start()
    p.cluster.wait_containerd()
    p.wait_phase("Succeeded")
    said = p.logs().split()  # what came later has no reader: containerd opens no fifo of a container that has ended
    equal(said, [str(i) for i in range(len(said))], "lines")


def _is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def the_shim_is_upgraded_under_running_pods(p):
    before = _survivors(p)
    with p.console("exec", "-it", "p", "-c", "ticks", "--", "sh") as user:
        user.read_until("/ # ")
        _replace_programs(p)
        user.type("echo $((6 * 7))\nexit 5\n")
        equal(user.wait(), 5, "exit code of a shell that was there before")
        assert "\n42\n" in user.text, user.text
    equal(p.run("exec", "p", "-c", "ticks", "--", "/guest.wasm", "exit", "4").returncode, 4, "exit code of an exec after the upgrade")
    _still_works(p, before)


def _replace_programs(p):
    for program in p.cluster.shims.iterdir():  # a new file each, as a package manager makes it
        if program.is_file():
            shutil.copy2(BUILD / "bin" / program.name, program.with_suffix(".new"))
            os.replace(program.with_suffix(".new"), program)


def a_drain_empties_the_node(p):
    p.create(deployment("web", 2, pod_spec(httpbin(readinessProbe=READY))))
    p.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    p.kubectl("drain", NODE_NAME, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--pod-selector=app=web", "--timeout=60s")
    phases = {i["status"]["phase"] for i in p.get("pods", "-l", "app=web")["items"]}
    equal(phases, {"Pending"}, "phases")
    p.kubectl("uncordon", NODE_NAME)
    p.kubectl("rollout", "status", "deployment/web", "--timeout=60s")


def a_killed_shim_fails_its_pod_and_no_other(p):
    p.create(pod(container("sleep"), name="victim"), pod(httpbin(readinessProbe=READY), name="other"))
    p.wait_ready("victim")
    p.wait_ready("other")
    before = p.container("other")["containerID"]
    sandbox = p.cluster.json("crictl", "pods", "--name", "victim", "--namespace", p.name, "-o", "json")["items"][0]["id"]
    shim = next(pid for pid, line in p.cluster.processes().items() if SHIM in line.split(" ")[0] and sandbox in line)
    os.kill(shim, signal.SIGKILL)
    p.wait(lambda: p.container("victim").get("restartCount", 0) > 0, "restart", "victim")
    p.wait_ready("victim")
    equal(p.container("other")["containerID"], before, "container of the other pod")


SMOKE = [pods_survive_a_restart_of_containerd]
FULL = [pods_survive_a_restart_of_the_kubelet, pods_survive_the_death_of_containerd, what_ends_while_containerd_is_away_is_noticed,
        the_shim_is_upgraded_under_running_pods, a_drain_empties_the_node, a_killed_shim_fails_its_pod_and_no_other]
