# SPDX-License-Identifier: Apache-2.0
"""Native containers beside Wasm ones: what they share, and what a service mesh makes of it."""
import pathlib

from place import MESH_IMAGE, busybox, container, httpbin, pod, shell
from suite import Skip, equal

READY = {"httpGet": {"path": "/healthz", "port": 3000}, "periodSeconds": 1}
SOON = {"periodSeconds": 1, "failureThreshold": 30}
PROXY_USER = 1337


def _namespace(p, kind, name="c", pod="p"):
    return pathlib.Path(f"/proc/{p.pid(pod, name)}/ns/{kind}").readlink()


def two_modules_and_a_native_program_are_one_pod(p):
    talk = "until wget -qO - http://127.0.0.1:3000/healthz; do sleep 0.1; done; cat /data/note; sleep 1000"
    p.create(pod(httpbin(name="server"), shell(f"echo from a module > /data/note; {talk}", name="second", mounts={"data": "/data"}),
                 busybox(f"until [ -s /data/note ]; do sleep 0.1; done; {talk}", mounts={"data": "/data"}), volumes=[{"name": "data", "emptyDir": {}}]))
    p.wait_ready()
    for name in ("second", "native"):
        p.wait_log("ok\nfrom a module\n", container=name)
    for kind in ("net", "ipc", "uts"):
        equal(len({_namespace(p, kind, name) for name in ("server", "second", "native")}), 1, f"{kind} namespaces")
    equal(len({_namespace(p, "pid", name) for name in ("server", "second", "native")}), 3, "PID namespaces")


def processes_of_all_containers_are_seen_where_shared(p):
    p.create(pod(container("sleep"), busybox("sleep 1234"), shareProcessNamespace=True))
    p.wait_ready()
    for name in ("c", "native"):
        listing = p.kubectl("exec", "p", "-c", name, "--", "ps")
        assert "sleep 1234" in listing and "guest.wasm" in listing, f"{name}: {listing}"
    equal(_namespace(p, "pid"), _namespace(p, "pid", "native"), "PID namespace")
    p.kubectl("exec", "p", "-c", "native", "--", "sh", "-c", "kill -TERM $(ps | grep [g]uest.wasm | awk '{print $1}')")
    p.wait(lambda: p.container().get("restartCount") == 1, "restart of the guest that its neighbour ended")
    equal((p.container()["lastState"]["terminated"]["exitCode"], p.container(name="native")["restartCount"]), (143, 0), "exit code, and restarts of the neighbour")


def the_nodes_processes_and_ipc_are_seen_where_asked(p):
    p.create(pod(container("sleep"), hostPID=True, hostIPC=True))
    p.wait_ready()
    node = pathlib.Path(f"/proc/{p.cluster.first_pid}/ns")
    for kind in ("pid", "ipc"):
        equal(_namespace(p, kind), (node / kind).readlink(), f"{kind} namespace")
    listing = p.kubectl("exec", "p", "--", "ps")
    assert "kubelet" in listing, listing
    equal(p.kubectl("exec", "p", "--", "cat", "/proc/1/comm"), "sleep\n", "the node's first process")  # `sleep infinity` holds the namespaces


def a_native_sidecar_is_a_full_one(p):
    """restartPolicy: Always: started first, probed, restarted when it fails, executed in, stopped last."""
    script = "trap 'echo told; exit 0' TERM; echo up > /data/up; while true; do sleep 0.1; done"
    sidecar = {**busybox(script, name="side", mounts={"data": "/data"}), "restartPolicy": "Always",
               "startupProbe": {"exec": {"command": ["cat", "/data/up"]}, **SOON}}
    main = shell("cat /data/up; until [ -e /data/end ]; do sleep 0.1; done", mounts={"data": "/data"})
    p.create(pod(main, restartPolicy="Never", initContainers=[sidecar], volumes=[{"name": "data", "emptyDir": {}}], terminationGracePeriodSeconds=20))
    p.wait_log("up\n")
    assert "trap" in p.kubectl("exec", "p", "-c", "side", "--", "cat", "/proc/1/cmdline")
    p.run("exec", "p", "-c", "side", "--", "sh", "-c", "kill -KILL -1; kill -TERM 1")
    p.wait(lambda: p.container(name="side").get("restartCount") == 1, "restart of the sidecar")
    p.wait(lambda: p.run("exec", "p", "-c", "side", "--", "touch", "/data/end").returncode == 0, "exec in the new one")
    p.wait_phase("Succeeded")
    equal(p.container(name="side")["state"]["terminated"]["exitCode"], 0, "exit code of the sidecar")
    assert p.logs("p", "side").endswith("told\n"), p.logs("p", "side")


def a_mesh_leads_all_traffic_of_a_module_through_its_proxy(p):
    """As Istio's injector writes it: an init container with NET_ADMIN redirects TCP in and out to the proxy, which has a user of its own."""
    rules = ["PREROUTING -p tcp -j REDIRECT --to-ports 15006", f"OUTPUT -p tcp -m owner ! --uid-owner {PROXY_USER} ! -d 127.0.0.1/32 -j REDIRECT --to-ports 15001"]
    script = "; ".join(f"/usr/sbin/iptables -t nat -A {rule}" for rule in rules)
    first = container("sh", "-ec", script, name="rules", image=MESH_IMAGE, securityContext={"capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]}, "runAsUser": 0})
    proxy = container("/proxy", 15001, 15006, name="proxy", image=MESH_IMAGE, restartPolicy="Always", securityContext={"runAsUser": PROXY_USER},
                      startupProbe={"tcpSocket": {"port": 15006}, **SOON})
    p.create(pod(httpbin(), name="other"), pod(httpbin(readinessProbe=READY), initContainers=[first, proxy]))
    p.wait_ready("other")
    p.wait_ready()
    equal(p.fetch(p.address(), 3000), "ok\n", "answer through the proxy")
    p.wait_log(f"15006: {p.address()}:3000\n", container="proxy")
    other = p.address("other")
    equal(p.kubectl("exec", "p", "-c", "c", "--", "wget", "-T", "5", "-qO", "-", f"http://{other}:3000/healthz"), "ok\n", "answer of the other pod")
    p.wait_log(f"15001: {other}:3000\n", container="proxy")


def figures_of_native_containers_are_the_kubelets_too(p):
    p.create(pod(container("spin", resources={"limits": {"cpu": "100m", "memory": "64Mi"}}), busybox("while true; do true; done", resources={"limits": {"cpu": "100m", "memory": "64Mi"}})))
    p.wait_ready()

    def figures():
        text = p.cluster.kubectl("get", "--raw", "/api/v1/nodes/wherry-node/proxy/metrics/resource")
        rows = [line for line in text.splitlines() if f'namespace="{p.name}"' in line and line.startswith("container_")]
        return {(n, k): float(line.split()[1]) for line in rows for k in ("cpu_usage_seconds_total", "memory_working_set_bytes") for n in ("c", "native")
                if line.startswith(f"container_{k}") and f'container="{n}"' in line}
    p.wait(lambda: len(figures()) == 4 and min(figures()[n, "cpu_usage_seconds_total"] for n in ("c", "native")) > 1, "a second of CPU time each", timeout=90)
    for name in ("c", "native"):
        group = p.groups(name)
        if "memory" not in group:
            raise Skip("looks at version 1 of cgroups")
        seen, used = figures()[name, "cpu_usage_seconds_total"], int((group["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        assert seen <= used < seen + 5, f"{name}: {seen} s reported, {used} s in the cgroup"
        held = int((group["memory"] / "memory.usage_in_bytes").read_text())
        assert 0 < figures()[name, "memory_working_set_bytes"] <= held + (4 << 20), f"{name}: {figures()} and {held}"


SMOKE = [two_modules_and_a_native_program_are_one_pod]
FULL = [processes_of_all_containers_are_seen_where_shared, the_nodes_processes_and_ipc_are_seen_where_asked, a_native_sidecar_is_a_full_one,
        a_mesh_leads_all_traffic_of_a_module_through_its_proxy, figures_of_native_containers_are_the_kubelets_too]
