# SPDX-License-Identifier: Apache-2.0
"""The security context, seen in the files and processes of the machine."""
import pathlib

from place import busybox, container, httpbin, once, pod
from suite import Skip, equal


def _status(p, pod="p", name="c"):
    lines = pathlib.Path(f"/proc/{p.pid(pod, name)}/status").read_text().splitlines()
    return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}


def a_container_runs_as_its_user_and_group(p):
    made = pod(container("sleep", securityContext={"runAsUser": 1234, "runAsGroup": 4321}), securityContext={"supplementalGroups": [777]})
    p.create(made)
    p.wait_ready()
    seen = _status(p)
    equal((set(seen["Uid"]), set(seen["Gid"])), ({"1234"}, {"4321"}), "user and group")
    assert "777" in seen["Groups"], seen["Groups"]


def files_are_the_users_and_the_volumes_group(p):
    place = {"name": "data", "emptyDir": {}}
    made = pod(container("sleep", mounts={"data": "/data"}, securityContext={"runAsUser": 1234}), volumes=[place], securityContext={"fsGroup": 4321},
               initContainers=[container("append", "/data/note", "x", name="first", mounts={"data": "/data"}, securityContext={"runAsUser": 1234})])
    p.create(made)
    p.wait_ready()
    seen = (p.root() / "data/note").stat()
    equal((seen.st_uid, seen.st_gid), (1234, 4321), "owner of the file")


def root_is_refused_where_it_must_not_be(p):
    p.create(pod(container("sleep", securityContext={"runAsNonRoot": True})))
    p.wait(lambda: p.container().get("state", {}).get("waiting", {}).get("reason") == "CreateContainerConfigError", "refusal")


def a_read_only_root_can_not_be_written(p):
    p.create(once("append", "/tmp/note", "x", securityContext={"readOnlyRootFilesystem": True}))
    p.wait_phase("Failed")
    assert "ead-only" in p.logs(), p.logs()


def a_restricted_pod_has_nothing_left_to_lose(p):
    p.cluster.kubectl("label", "namespace", p.name, "pod-security.kubernetes.io/enforce=restricted")
    hard = {"runAsNonRoot": True, "runAsUser": 1000, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}}
    p.create(pod(httpbin(securityContext=hard, readinessProbe={"httpGet": {"path": "/healthz", "port": 3000}, "periodSeconds": 1})))
    p.wait_ready()
    seen = _status(p)
    equal([seen[k] for k in ("CapEff", "CapPrm", "CapBnd")], [["0000000000000000"]] * 3, "capabilities")
    equal((seen["NoNewPrivs"], seen["Seccomp"]), (["1"], ["2"]), "no new privileges, seccomp")


def even_root_has_few_capabilities(p):
    p.create(pod(container("sleep")))
    p.wait_ready()
    effective = int(_status(p)["CapEff"][0], 16)
    allowed = sum(1 << n for n in (0, 1, 3, 10))  # CHOWN, DAC_OVERRIDE, FOWNER, NET_BIND_SERVICE
    assert not effective & ~allowed, f"{effective:#x}"


def a_pod_may_have_users_of_its_own(p):
    p.create(pod(container("sleep"), hostUsers=False))
    p.wait(lambda: p.container().get("state", {}).get("running") or _refused(p), "start or refusal")
    if said := _refused(p):
        raise Skip(f"containerd: {said[:200]}")
    own = pathlib.Path(f"/proc/{p.pid()}/uid_map").read_text().split()
    assert own[0] == "0" and own[1] != "0", f"the map is {own}"


def _refused(p):
    return next((e["message"] for e in p.get("events")["items"] if e["type"] == "Warning"), "")


def a_host_network_pod_has_the_nodes_network(p):
    said = p.completed(once("get", "127.0.0.1", 10248, "/healthz", hostNetwork=True))  # the kubelet's
    assert said.endswith("ok"), said


def a_privileged_native_container_is_as_asked(p):
    p.create(pod(busybox("grep CapEff /proc/self/status; sleep 1000", name="c", securityContext={"privileged": True})))
    p.wait_log("CapEff")
    assert int(p.logs().split()[1], 16) >> 21 & 1, p.logs()


SMOKE = [a_container_runs_as_its_user_and_group, a_restricted_pod_has_nothing_left_to_lose]
FULL = [files_are_the_users_and_the_volumes_group, root_is_refused_where_it_must_not_be, a_read_only_root_can_not_be_written, even_root_has_few_capabilities,
        a_pod_may_have_users_of_its_own, a_host_network_pod_has_the_nodes_network, a_privileged_native_container_is_as_asked]
