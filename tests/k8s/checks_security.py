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


def _need_user_namespaces(p):
    if p.cluster.version == "1.7":
        raise Skip("containerd 1.7 tells the kubelet nothing of user namespaces")


def _host_root(p, **names):
    """The host's number of a container's root."""
    inside, outside, size = map(int, pathlib.Path(f"/proc/{p.pid(**names)}/uid_map").read_text().split())
    assert inside == 0 and outside >= 65536 and size == 65536, (inside, outside, size)
    return outside


def a_pod_may_have_users_of_its_own(p):
    _need_user_namespaces(p)
    data = {"name": "data", "emptyDir": {}}
    p.create(pod(container("sleep", mounts={"data": "/data"}, securityContext={"runAsUser": 1000}), volumes=[data], hostUsers=False, hostname="own",
                 initContainers=[container("append", "/data/note", "x", name="first", mounts={"data": "/data"}, securityContext={"runAsUser": 1000}),
                                 container("append", "/tmp/note", "x", name="second")]))
    p.wait_ready()
    root = _host_root(p)
    seen = _status(p)
    equal((set(seen["Uid"]), seen["Gid"][0]), ({str(root + 1000)}, str(root)), "user and group on the node")
    equal((p.root() / "etc/passwd").stat().st_uid, root, "owner of the image's file on the node")
    equal((p.root() / "data/note").stat().st_uid, root + 1000, "owner of the volume's file for the container")
    volumes = p.cluster.directory / "kubelet/pods" / p.get("pod", "p")["metadata"]["uid"] / "volumes"
    equal((volumes / "kubernetes.io~empty-dir/data/note").stat().st_uid, 1000, "owner of the volume's file on the node")
    equal(p.kubectl("exec", "p", "-c", "c", "--", "/guest.wasm", "print", "/etc/hostname").strip(), "own", "exec")


def pods_with_users_of_their_own_have_different_ones(p):
    _need_user_namespaces(p)
    serving = {"readinessProbe": {"httpGet": {"path": "/healthz", "port": 3000}, "periodSeconds": 1}}
    p.create(*(pod(httpbin(**serving), name=name, hostUsers=False) for name in ("a", "b")))
    for name in ("a", "b"):
        p.wait_ready(name)
    first, second = (_host_root(p, pod=name) for name in ("a", "b"))
    assert abs(first - second) >= 65536, (first, second)


def a_native_sidecar_shares_the_pods_users(p):
    _need_user_namespaces(p)
    script = "cat /proc/self/uid_map; echo to-stdout > /dev/stdout; touch /data/note; sleep 1000"
    p.create(pod(container("sleep", mounts={"data": "/data"}), busybox(script, mounts={"data": "/data"}), volumes=[{"name": "data", "emptyDir": {}}], hostUsers=False))
    p.wait(lambda: _condition_ready(p) or _refused(p), "start or refusal")
    if "need runc 1.2" in (said := _refused(p)):
        raise Skip(said)
    p.wait_ready()
    p.wait_log("to-stdout", container="native")
    root = _host_root(p)
    equal(p.logs("p", "native").split()[:2], ["0", str(root)], "the map in the sidecar")
    p.wait(lambda: (p.root() / "data/note").exists(), "file of the sidecar")
    equal((p.root() / "data/note").stat().st_uid, root, "owner of the sidecar's file for the guest")
    equal(pathlib.Path(f"/proc/{p.pid()}/ns/user").readlink(), pathlib.Path(f"/proc/{p.pid(name='native')}/ns/user").readlink(), "user namespace")
    equal(p.kubectl("exec", "p", "-c", "native", "--", "id", "-u").strip(), "0", "exec in the sidecar")


def a_tracer_in_the_pods_users_can_not_read_a_guest(p):
    _need_user_namespaces(p)
    script = "while true; do for p in /proc/[0-9]*; do echo $(cat $p/comm) $(cat $p/maps 2>/dev/null | wc -l); done; echo seen; sleep 1; done"
    tracer = busybox(script, securityContext={"capabilities": {"add": ["SYS_PTRACE"]}})
    p.create(pod(container("sleep"), tracer, hostUsers=False, shareProcessNamespace=True))
    p.wait(lambda: _condition_ready(p) or _refused(p), "start or refusal")
    if "need runc 1.2" in (said := _refused(p)):
        raise Skip(said)
    p.wait_log("seen", container="native")
    lines = [words for words in map(str.split, p.logs("p", "native").splitlines()) if len(words) == 2]
    readable = {comm for comm, maps in lines if maps != "0"}
    hidden = {comm for comm, maps in lines if maps == "0"}
    assert "sh" in readable, f"the tracer can not even read itself: {lines}"
    ours = {"wherry-pause", pathlib.Path(f"/proc/{p.pid()}/comm").read_text().strip()}
    assert len(ours) == 2 and ours <= hidden and not ours & readable, lines


def _condition_ready(p):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in p.status().get("conditions", []))


def _refused(p):
    return next((e["message"] for e in p.get("events")["items"] if e["type"] == "Warning"), "")


def a_host_network_pod_has_the_nodes_network(p):
    said = p.completed(once("get", "127.0.0.1", 10248, "/healthz", hostNetwork=True))  # the kubelet's
    assert said.endswith("ok"), said


def a_privileged_native_container_is_as_asked(p):
    p.create(pod(busybox("grep CapEff /proc/self/status; sleep 1000", name="c", securityContext={"privileged": True})))
    p.wait_log("CapEff")
    assert int(p.logs().split()[1], 16) >> 21 & 1, p.logs()


SMOKE = [a_container_runs_as_its_user_and_group, a_pod_may_have_users_of_its_own, a_restricted_pod_has_nothing_left_to_lose]
FULL = [files_are_the_users_and_the_volumes_group, root_is_refused_where_it_must_not_be, a_read_only_root_can_not_be_written, even_root_has_few_capabilities,
        pods_with_users_of_their_own_have_different_ones, a_native_sidecar_shares_the_pods_users,
        a_tracer_in_the_pods_users_can_not_read_a_guest, a_host_network_pod_has_the_nodes_network, a_privileged_native_container_is_as_asked]
