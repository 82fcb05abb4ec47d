# SPDX-License-Identifier: Apache-2.0
"""What is in one pod: its volumes, environment, probes, life and limits."""
import json
import pathlib

import registry
from place import ARTIFACT_IMAGE, PRIVATE_IMAGE, TLS_IMAGE, busybox, container, httpbin, once, pod, service, shell
from suite import Skip, equal

FAST = {"periodSeconds": 1, "failureThreshold": 1}


def _object(kind, name, **content):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **content}


def _field(path):
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


# --- volumes and environment

def a_config_map_and_a_secret_are_files_and_variables(p):
    said = p.completed(
        _object("ConfigMap", "config", data={"greeting": "hello"}), _object("Secret", "secret", stringData={"word": "hush"}),
        once("print", "/config/greeting", "/secret/word", mounts={"config": "/config", "secret": "/secret"},
             volumes=[{"name": "config", "configMap": {"name": "config"}}, {"name": "secret", "secret": {"secretName": "secret"}}]))
    equal(said, "hellohush", "files")
    said = p.completed(once("env", "GREETING", "WORD", name="q", env=[
        {"name": "GREETING", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "greeting"}}},
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "word"}}}]), pod="q")
    equal(said, "GREETING=hello\nWORD=hush\n", "variables")


def containers_share_an_empty_dir(p):
    volumes = [{"name": "shared", "emptyDir": {}}]
    writer = container("append", "/shared/note", "from the first", name="writer", mounts={"shared": "/shared"})
    said = p.completed(once("print", "/shared/note", mounts={"shared": "/shared"}, volumes=volumes, initContainers=[writer]))
    equal(said, "from the first\n", "what the second read")


def a_host_path_is_written_and_read_only_where_asked(p):
    place = p.cluster.directory / "host" / p.name
    place.mkdir(parents=True)
    volumes = [{"name": "host", "hostPath": {"path": str(place)}}]
    p.completed(once("append", "/host/note", "written", mounts={"host": "/host"}, volumes=volumes))
    equal((place / "note").read_text(), "written\n", "file of the host")
    second = once("append", "/host/note", "again", name="q", volumes=volumes)
    second["spec"]["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": "/host", "readOnly": True}]
    p.create(second)
    p.wait_phase("Failed", "q")
    assert "ead-only" in p.logs("q"), p.logs("q")
    equal((place / "note").read_text(), "written\n", "file of the host")


def a_sub_path_is_mounted_as_a_file(p):
    mount = [{"name": "config", "mountPath": "/etc/app.conf", "subPath": "a"}]
    made = once("print", "/etc/app.conf", volumes=[{"name": "config", "configMap": {"name": "config"}}])
    made["spec"]["containers"][0]["volumeMounts"] = mount
    equal(p.completed(_object("ConfigMap", "config", data={"a": "one", "b": "two"}), made), "one", "file")


def the_downward_api_tells_of_the_pod(p):
    said = p.completed(once(
        "env", "NAME", "SPACE", "NODE", "CPU", resources={"limits": {"cpu": "500m", "memory": "64Mi"}},
        env=[{"name": "NAME", **_field("metadata.name")}, {"name": "SPACE", **_field("metadata.namespace")}, {"name": "NODE", **_field("spec.nodeName")},
             {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}}]))
    equal(said, f"NAME=p\nSPACE={p.name}\nNODE=wherry-node\nCPU=500\n", "variables")
    labelled = once("print", "/pod/labels", name="q", mounts={"pod": "/pod"}, volumes=[
        {"name": "pod", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}])
    labelled["metadata"]["labels"] = {"tier": "front"}
    equal(p.completed(labelled, pod="q"), 'tier="front"', "labels")


def names_of_the_pod_are_in_its_files(p):
    said = p.completed(once("print", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", hostAliases=[{"ip": "10.9.8.7", "hostnames": ["friend"]}]))
    assert "10.9.8.7\tfriend" in said and "nameserver 10.96.0.10" in said and said.endswith("p\n"), said


def a_pod_may_choose_its_name_and_its_name_servers(p):
    resolver = {"nameservers": ["10.9.8.7"], "searches": ["one.test", "two.test"], "options": [{"name": "ndots", "value": "3"}]}
    p.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sub"}, "spec": {"clusterIP": "None", "selector": {"x": "y"}}})
    said = p.completed(pod(shell("cat /etc/resolv.conf; hostname; cat /etc/hostname"), restartPolicy="Never", dnsPolicy="None", dnsConfig=resolver,
                           hostname="own", subdomain="sub", setHostnameAsFQDN=True))
    name = f"own.sub.{p.name}.svc.cluster.local"
    equal(said, f"search one.test two.test\nnameserver 10.9.8.7\noptions ndots:3\n{name}\n{name}\n", "what was said")


def services_are_variables_where_wanted(p):
    p.create(service("web", 80, 3000))
    address = p.get("service", "web")["spec"]["clusterIP"]
    for name, wanted, seen in (("with", True, f"{address}:80"), ("without", False, "(unset):(unset)")):
        said = p.completed(once("env", "WEB_SERVICE_HOST", "WEB_SERVICE_PORT", name=name, enableServiceLinks=wanted), pod=name)
        equal(":".join(line.split("=")[1] for line in said.splitlines()), seen, f"address {name}")


def all_fields_of_the_downward_api_are_variables(p):
    fields = {"UID": "metadata.uid", "IP": "status.podIP", "HOST": "status.hostIP", "ACCOUNT": "spec.serviceAccountName", "TIER": "metadata.labels['tier']",
              "NOTE": "metadata.annotations['note']"}
    limits = {"MEMORY": "limits.memory", "ASKED": "requests.cpu"}
    env = [{"name": n, **_field(path)} for n, path in fields.items()] + [{"name": n, "valueFrom": {"resourceFieldRef": {"resource": r}}} for n, r in limits.items()]
    made = once("env", *fields, *limits, env=env, resources={"limits": {"memory": "64Mi", "cpu": "2"}, "requests": {"cpu": "100m"}})
    made["metadata"].update(labels={"tier": "front"}, annotations={"note": "a b"})
    said = dict(line.split("=", 1) for line in p.completed(made).splitlines())
    seen = p.get("pod", "p")
    equal(said, {"UID": seen["metadata"]["uid"], "IP": seen["status"]["podIP"], "HOST": seen["status"]["hostIP"], "ACCOUNT": "default", "TIER": "front", "NOTE": "a b",
                 "MEMORY": str(64 << 20), "ASKED": "1"}, "variables")


def sysctls_of_the_pod_are_set_in_it(p):
    wanted = {"net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1"}
    p.create(pod(container("sleep"), busybox("sleep 1000"), securityContext={"sysctls": [{"name": n, "value": v} for n, v in wanted.items()]}))
    p.wait_ready()
    for name, value in wanted.items():
        equal(p.kubectl("exec", "p", "-c", "native", "--", "cat", f"/proc/sys/{name.replace('.', '/')}").strip(), value, name)
    for kind in ("net", "ipc"):
        equal(*(pathlib.Path(f"/proc/{p.pid(name=n)}/ns/{kind}").readlink() for n in ("c", "native")), f"{kind} namespace of the guest")


def rules_of_the_node_hold_for_a_guest(p):
    """As a controller of network policies writes them: by the pod's address, on the node."""
    p.create(pod(httpbin(readinessProbe={"exec": {"command": ["true"]}, "periodSeconds": 1})))
    p.wait_ready()
    rule = ("OUTPUT", "-d", p.address(), "-p", "tcp", "-j", "REJECT")

    def answers():
        return p.fetch(p.address(), 3000, check=False) == "ok\n"
    p.wait(answers, "answer without a rule")
    p.cluster.run("iptables", "-I", *rule)
    try:
        assert not answers(), "an answer in spite of the rule"
    finally:
        p.cluster.run("iptables", "-D", *rule)
    assert answers(), "no answer after the rule"


def a_service_account_token_is_for_its_audience(p):
    source = {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}}
    said = p.completed(once("print", "/token/token", mounts={"token": "/token"}, volumes=[{"name": "token", "projected": {"sources": [source]}}]))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": said, "audiences": ["vault"]}}
    status = json.loads(p.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review)))["status"]
    equal((status.get("authenticated"), status["user"]["username"]), (True, f"system:serviceaccount:{p.name}:default"), "review")


def a_guest_calls_the_api_server_with_its_token(p):
    """The guest has no TLS: a native sidecar adds it, as a mesh would."""
    if not p.cluster.has_tls_image:
        raise Skip("no socat to make the sidecar of")
    p.kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods")
    p.kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={p.name}:default")
    home = "/var/run/secrets/kubernetes.io/serviceaccount"
    sidecar = container("socat", "TCP-LISTEN:8001,fork,reuseaddr", f"OPENSSL:10.96.0.1:443,cafile={home}/ca.crt", image=TLS_IMAGE, name="tls",
                        restartPolicy="Always", startupProbe={"tcpSocket": {"port": 8001}, "periodSeconds": 1})
    said = p.completed(once("get", "127.0.0.1", 8001, f"/api/v1/namespaces/{p.name}/pods", f"{home}/token", initContainers=[sidecar]))
    assert said.startswith("HTTP/1.1 200") and '"name": "p"' in said or '"name":"p"' in said, said[:300]


# --- probes

def an_http_probe_makes_a_pod_ready(p):
    p.create(pod(httpbin(readinessProbe={"httpGet": {"path": "/healthz", "port": 3000}, **FAST})))
    p.wait_ready()


def a_tcp_probe_makes_a_pod_ready(p):
    p.create(pod(httpbin(readinessProbe={"tcpSocket": {"port": 3000}, **FAST})))
    p.wait_ready()


def a_grpc_probe_makes_a_pod_ready(p):
    p.create(pod(container("health", 50051, readinessProbe={"grpc": {"port": 50051}, **FAST})))
    p.wait_ready()


def an_exec_probe_of_a_module_makes_a_pod_ready(p):
    p.create(pod(container("sleep", readinessProbe={"exec": {"command": ["/guest.wasm", "exit", "0"]}, "timeoutSeconds": 5, **FAST})))
    p.wait_ready()


def a_cncf_artifact_is_ready_by_an_exec_probe_of_itself(p):
    p.create(pod(container("/app.wasm", "sleep", image=ARTIFACT_IMAGE, readinessProbe={"exec": {"command": ["/app.wasm", "exit", "0"]}, "timeoutSeconds": 5, **FAST})))
    p.wait_ready()


def a_private_artifact_runs_where_the_pod_has_its_secret(p):
    p.create(pod(container("/app.wasm", "print", "/etc/hostname", image=PRIVATE_IMAGE), name="without", restartPolicy="Never"))
    p.wait(lambda: "ImagePull" in p.container("without").get("state", {}).get("waiting", {}).get("reason", ""), "refusal of the image", "without")
    p.kubectl("create", "secret", "docker-registry", "key", "--docker-server=wherry.test", f"--docker-username={registry.USER}",
              f"--docker-password={registry.PASSWORD}")
    equal(p.completed(pod(container("/app.wasm", "print", "/etc/hostname", image=PRIVATE_IMAGE), restartPolicy="Never", imagePullSecrets=[{"name": "key"}])),
          "p\n", "output")


def an_exec_probe_of_the_toolbox_sees_a_file_come_and_go(p):
    p.create(pod(container("sleep", mounts={"tmp": "/tmp"}, readinessProbe={"exec": {"command": ["cat", "/tmp/healthy"]}, "timeoutSeconds": 5, **FAST}),
                 volumes=[{"name": "tmp", "emptyDir": {}}]))
    p.wait_phase("Running")
    p.wait(lambda: any("Readiness probe failed" in e["message"] for e in p.get("events")["items"]), "failed probe")
    file = p.root() / "tmp" / "healthy"
    file.write_text("")
    p.wait_ready()


def a_failed_liveness_probe_restarts_the_container(p):
    p.create(pod(httpbin(livenessProbe={"httpGet": {"path": "/missing", "port": 3000}, **FAST}), terminationGracePeriodSeconds=1))
    p.wait(lambda: p.container().get("restartCount", 0) > 0, "restart")
    equal(p.container()["lastState"]["terminated"]["exitCode"], 143, "exit code")


# --- life

def termination_is_graceful(p):
    p.create(pod(container("sleep"), terminationGracePeriodSeconds=20))
    p.wait_ready()
    equal(p.deleted(), {"c": 143}, "exit codes")


def a_pre_stop_hook_runs_before_the_signal(p):
    place = p.cluster.directory / "host" / p.name
    place.mkdir(parents=True)
    hook = {"preStop": {"exec": {"command": ["/guest.wasm", "append", "/host/note", "stopping"]}}}
    p.create(pod(container("sleep", mounts={"host": "/host"}, lifecycle=hook), volumes=[{"name": "host", "hostPath": {"path": str(place)}}]))
    p.wait_ready()
    p.kubectl("delete", "pod", "p")
    equal((place / "note").read_text(), "stopping\n", "what the hook wrote")


def a_post_start_hook_runs(p):
    hook = {"postStart": {"exec": {"command": ["/guest.wasm", "append", "/tmp/note", "started"]}}}
    p.create(pod(container("sleep", mounts={"tmp": "/tmp"}, lifecycle=hook), volumes=[{"name": "tmp", "emptyDir": {}}]))
    p.wait_ready()
    equal((p.root() / "tmp/note").read_text(), "started\n", "what the hook wrote")


def the_kernels_kill_is_reported_as_oom_killed(p):
    """A file in memory counts against the limit; no allocation of the guest's fails before."""
    writer = ["/data/file", "x" * 4000]
    made = pod(container("fill", *writer, mounts={"data": "/data"}, resources={"limits": {"memory": "32Mi"}}), restartPolicy="Never",
               volumes=[{"name": "data", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}])
    p.create(made)
    p.wait_phase("Failed")
    ended = p.container()["state"]["terminated"]
    equal((ended["reason"], ended["exitCode"]), ("OOMKilled", 137), "end")


def memory_grow_fails_before_the_kernel_kills(p):
    p.create(once("eat", 200, resources={"limits": {"memory": "64Mi"}}))
    p.wait_phase("Failed")
    equal(p.container()["state"]["terminated"]["exitCode"], 7, "exit code")


def a_last_message_reaches_the_status(p):
    p.create(once("append", "/dev/termination-log", "famous last words"))
    p.wait_phase("Succeeded")
    equal(p.container()["state"]["terminated"]["message"], "famous last words\n", "message")


def a_trap_is_an_error_with_its_reason(p):
    p.create(once("trap"))
    p.wait_phase("Failed")
    equal(p.container()["state"]["terminated"]["exitCode"], 134, "exit code")
    assert "unreachable" in p.logs(), p.logs()


def a_missing_entrypoint_is_a_clear_event(p):
    p.create(pod(container(command=["/nothing.wasm"])))
    p.wait(lambda: any("nothing.wasm" in e["message"] for e in p.get("events")["items"] if e["type"] == "Warning"), "event with the name")


# --- several containers

def an_ordinary_init_container_runs_first(p):
    said = p.completed(once("print", "/data/note", mounts={"data": "/data"}, volumes=[{"name": "data", "emptyDir": {}}],
                            initContainers=[container("append", "/data/note", "a", name="first", mounts={"data": "/data"}),
                                            container("append", "/data/note", "b", name="second", mounts={"data": "/data"})]))
    equal(said, "a\nb\n", "order")


def a_sidecar_outlives_nothing_but_the_others(p):
    sidecar = httpbin(name="sidecar", restartPolicy="Always", startupProbe={"httpGet": {"path": "/healthz", "port": 3000}, **FAST, "failureThreshold": 30})
    said = p.completed(once("get", "127.0.0.1", 3000, "/healthz", initContainers=[sidecar]))
    assert said.startswith("HTTP/1.1 200") and said.endswith("ok\n"), said
    equal(p.container(name="sidecar")["state"]["terminated"]["exitCode"], 143, "exit code of the sidecar")


def a_native_sidecar_shares_network_and_volume(p):
    native = busybox("echo from busybox > /data/note; until printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 3000; do sleep 0.1; done; sleep 1000",
                     mounts={"data": "/data"})
    p.create(pod(httpbin(mounts={"data": "/data"}), native, volumes=[{"name": "data", "emptyDir": {}}]))
    p.wait_ready()
    p.wait_log("ok", container="native")
    equal((p.root() / "data/note").read_text(), "from busybox\n", "file of the sidecar")


def a_native_init_container_prepares_for_a_module(p):
    said = p.completed(once("print", "/data/note", mounts={"data": "/data"}, volumes=[{"name": "data", "emptyDir": {}}],
                            initContainers=[busybox("echo prepared > /data/note", mounts={"data": "/data"})]))
    equal(said, "prepared\n", "file")


# --- limits

def _value(group, controller, file):
    return (group[controller] / file).read_text().strip()


def limits_are_those_of_the_cgroups(p):
    p.create(pod(container("sleep", resources={"limits": {"cpu": "300m", "memory": "64Mi"}, "requests": {"cpu": "100m", "memory": "32Mi"}})))
    p.wait_ready()
    group = p.groups()
    if "memory" not in group:
        raise Skip("looks at version 1 of cgroups")
    equal(_value(group, "memory", "memory.limit_in_bytes"), str(64 << 20), "memory of the container")
    equal(_value(group, "cpu", "cpu.cfs_quota_us"), "30000", "cpu of the container")
    above = {c: g.parent for c, g in group.items()}
    equal(_value(above, "memory", "memory.limit_in_bytes"), str((64 + 8) << 20), "memory of the pod, with the overhead")
    equal(_value(above, "cpu", "cpu.cfs_quota_us"), "31000", "cpu of the pod, with the overhead")


def limits_of_the_pod_hold_for_all_its_containers(p):
    made = pod(container("sleep"), resources={"limits": {"cpu": "200m", "memory": "48Mi"}})
    p.create(made)
    p.wait_ready()
    group = p.groups()
    if "memory" not in group:
        raise Skip("looks at version 1 of cgroups")
    equal(_value({c: g.parent for c, g in group.items()}, "memory", "memory.limit_in_bytes"), str((48 + 8) << 20), "memory of the pod")


def a_resize_happens_in_place(p):
    p.create(pod(container("sleep", resources={"limits": {"cpu": "300m", "memory": "64Mi"}})))
    p.wait_ready()
    if "memory" not in (group := p.groups()):
        raise Skip("looks at version 1 of cgroups")
    change = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "400m", "memory": "96Mi"}, "limits": {"cpu": "400m", "memory": "96Mi"}}}]}}
    p.kubectl("patch", "pod", "p", "--subresource", "resize", "--type=strategic", "-p", json.dumps(change))
    p.wait(lambda: _value(group, "memory", "memory.limit_in_bytes") == str(96 << 20) and _value(group, "cpu", "cpu.cfs_quota_us") == "40000",
           "new limits in the cgroup")
    equal(p.container()["restartCount"], 0, "restarts")


def a_resize_goes_down_and_reaches_native_containers_too(p):
    def resources(cpu, memory):
        return {k: {"cpu": cpu, "memory": memory} for k in ("requests", "limits")}
    p.create(pod(container("sleep", resources=resources("300m", "64Mi")), busybox("sleep 1000", resources=resources("300m", "64Mi"))))
    p.wait_ready()
    groups = {name: p.groups(name) for name in ("c", "native")}
    if "memory" not in groups["c"]:
        raise Skip("looks at version 1 of cgroups")
    change = {"spec": {"containers": [{"name": name, "resources": resources("200m", "48Mi")} for name in groups]}}
    p.kubectl("patch", "pod", "p", "--subresource", "resize", "--type=strategic", "-p", json.dumps(change))
    for name, group in groups.items():
        p.wait(lambda group=group: (_value(group, "memory", "memory.limit_in_bytes"), _value(group, "cpu", "cpu.cfs_quota_us")) == (str(48 << 20), "20000"),
               f"new limits of {name}")
        p.wait(lambda name=name: p.container(name=name)["resources"]["limits"] == {"cpu": "200m", "memory": "48Mi"}, f"new limits in the status of {name}")
        equal(p.container(name=name)["restartCount"], 0, "restarts")


def limits_of_a_pod_change_in_place(p):
    def resources(cpu, memory):
        return {"limits": {"cpu": cpu, "memory": memory}, "requests": {"cpu": cpu, "memory": memory}}
    p.create(pod(container("sleep"), resources=resources("200m", "48Mi")))
    p.wait_ready()
    group = p.groups()
    if "memory" not in group:
        raise Skip("looks at version 1 of cgroups")
    done = p.run("patch", "pod", "p", "--subresource", "resize", "--type=strategic", "-p", json.dumps({"spec": {"resources": resources("300m", "96Mi")}}))
    if "feature gate" in done.stderr or "forbidden" in done.stderr.lower():
        raise Skip(done.stderr.strip())
    equal(done.returncode, 0, f"exit code ({done.stderr})")
    above = {c: g.parent for c, g in group.items()}
    p.wait(lambda: (_value(above, "memory", "memory.limit_in_bytes"), _value(above, "cpu", "cpu.cfs_quota_us")) == (str((96 + 8) << 20), "31000"), "new limits in the pod's cgroup")
    equal(p.container()["restartCount"], 0, "restarts")


SMOKE = [
    a_config_map_and_a_secret_are_files_and_variables, containers_share_an_empty_dir, a_host_path_is_written_and_read_only_where_asked,
    the_downward_api_tells_of_the_pod, a_cncf_artifact_is_ready_by_an_exec_probe_of_itself, an_http_probe_makes_a_pod_ready, a_grpc_probe_makes_a_pod_ready, an_exec_probe_of_a_module_makes_a_pod_ready,
    termination_is_graceful, the_kernels_kill_is_reported_as_oom_killed, a_sidecar_outlives_nothing_but_the_others,
    limits_are_those_of_the_cgroups,
]
FULL = [
    a_sub_path_is_mounted_as_a_file, names_of_the_pod_are_in_its_files,
    a_pod_may_choose_its_name_and_its_name_servers, services_are_variables_where_wanted, all_fields_of_the_downward_api_are_variables,
    sysctls_of_the_pod_are_set_in_it, rules_of_the_node_hold_for_a_guest, a_resize_goes_down_and_reaches_native_containers_too, limits_of_a_pod_change_in_place,
    a_service_account_token_is_for_its_audience, a_guest_calls_the_api_server_with_its_token, a_tcp_probe_makes_a_pod_ready,
    an_exec_probe_of_the_toolbox_sees_a_file_come_and_go, a_private_artifact_runs_where_the_pod_has_its_secret,
    a_native_sidecar_shares_network_and_volume, a_failed_liveness_probe_restarts_the_container, a_pre_stop_hook_runs_before_the_signal,
    a_post_start_hook_runs, memory_grow_fails_before_the_kernel_kills, a_last_message_reaches_the_status, a_trap_is_an_error_with_its_reason,
    a_missing_entrypoint_is_a_clear_event, an_ordinary_init_container_runs_first, a_native_init_container_prepares_for_a_module,
    limits_of_the_pod_hold_for_all_its_containers, a_resize_happens_in_place,
]
