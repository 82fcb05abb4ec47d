# SPDX-License-Identifier: Apache-2.0
"""Volumes as a guest sees them while it runs."""

from place import HTTPBIN, HTTPBIN_IMAGE, busybox, container, pod, shell
from suite import Skip, equal

TOKEN = {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}


def _config(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _touch(p):
    p.kubectl("annotate", "--overwrite", "pod", "p", "touched=now")  # the kubelet looks at once


def a_guest_reads_what_became_of_a_config_map(p):
    """By the path, by a descriptor of the directory that it has had from the beginning, and by an exec."""
    script = "while true; do cat /config/port; readlink /config/port; sleep 0.2; done"
    p.create(_config("config", port="first\n"), pod(shell(script, mounts={"config": "/config"}), volumes=[{"name": "config", "configMap": {"name": "config"}}]))
    p.wait_log("first\n..data/port")
    p.kubectl("patch", "configmap", "config", "-p", '{"data":{"port":"second\\n","more":"x"}}')
    _touch(p)
    p.wait_log("second\n..data/port", timeout=120)
    equal(p.kubectl("exec", "p", "--", "cat", "/config/port", "/config/more"), "second\nx", "what an exec reads")
    equal(p.container()["restartCount"], 0, "restarts")


def all_sources_are_in_one_projected_volume_and_change_in_it(p):
    sources = [{"configMap": {"name": "config", "items": [{"key": "a", "path": "deep/a"}]}}, {"secret": {"name": "secret"}}, TOKEN,
               {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                                          {"path": "memory", "resourceFieldRef": {"containerName": "c", "resource": "limits.memory", "divisor": "1Mi"}}]}}]
    made = pod(shell("cd /all; cat deep/a word memory labels; cut -d . -f 1 token | wc -c; while true; do echo now $(cat labels); sleep 0.2; done", mounts={"all": "/all"},
                     resources={"limits": {"memory": "64Mi"}}), labels={"tier": "front"}, volumes=[{"name": "all", "projected": {"sources": sources}}])
    p.create(_config("config", a="one\n"), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secret"}, "stringData": {"word": "hush\n"}}, made)
    p.wait_log('one\nhush\n64tier="front"')
    p.kubectl("label", "--overwrite", "pod", "p", "tier=back")
    p.wait_log('now tier="back"', timeout=120)


def an_image_is_a_volume(p):
    """Images of modules and of native programs, whole and a directory of one; nobody can write to them."""
    if p.cluster.version == "1.7":
        raise Skip("containerd 1.7 mounts no images")
    volumes = [{"name": "module", "image": {"reference": HTTPBIN_IMAGE}}, {"name": "native", "image": {"reference": "wherry.test/busybox:1"}}]
    reader = shell("ls /module; cat /etc2/group; echo x > /module/x || echo refused; sleep 1000", mounts={"module": "/module"})
    reader["volumeMounts"].append({"name": "native", "mountPath": "/etc2", "subPath": "etc"})
    p.create(pod(reader, volumes=volumes))
    p.wait_log("refused")
    said = p.logs()
    assert said.startswith("httpbin.wasm\n") and "nogroup:x:65534" in said, said
    equal((p.root() / "module/httpbin.wasm").read_bytes(), HTTPBIN.read_bytes(), "file of the image")


def a_module_of_an_image_volume_runs(p):
    """What a debug container or a plug-in host does: the program is not of the container's own image."""
    if p.cluster.version == "1.7":
        raise Skip("containerd 1.7 mounts no images")
    made = container(name="c", command=["/module/httpbin.wasm"], mounts={"module": "/module"}, env=[{"name": "PORT", "value": "3000"}],
                     readinessProbe={"httpGet": {"path": "/healthz", "port": 3000}, "periodSeconds": 1})
    p.create(pod(made, volumes=[{"name": "module", "image": {"reference": HTTPBIN_IMAGE}}]))
    p.wait_ready()


def read_only_means_what_is_mounted_below_too(p):
    if p.cluster.version == "1.7":
        raise Skip("containerd 1.7 knows no recursive read-only mounts")
    place = p.cluster.directory / "host" / p.name
    (place / "below").mkdir(parents=True)
    p.cluster.run("mount", "-t", "tmpfs", "tmpfs", place / "below")
    script = "for f in /host/x /host/below/x; do echo x > $f && echo wrote $f || echo refused $f; done"
    try:
        for name, recursive, seen in (("plain", "Disabled", "refused /host/x\nwrote /host/below/x\n"), ("whole", "Enabled", "refused /host/x\nrefused /host/below/x\n")):
            made = pod(shell(script), name=name, restartPolicy="Never", volumes=[{"name": "host", "hostPath": {"path": str(place)}}])
            made["spec"]["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": "/host", "readOnly": True, "recursiveReadOnly": recursive}]
            said = p.completed(made, pod=name)
            equal("".join(line + "\n" for line in said.splitlines() if line.split()[0] in ("wrote", "refused")), seen, f"writes where recursiveReadOnly is {recursive}")
    finally:
        p.cluster.run("umount", place / "below")


def what_is_mounted_later_is_seen_where_asked(p):
    place = p.cluster.directory / "host" / p.name
    (place / "below").mkdir(parents=True)
    made = pod(container("sleep"), volumes=[{"name": "host", "hostPath": {"path": str(place)}}])
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": "/in", "mountPropagation": "HostToContainer"}, {"name": "host", "mountPath": "/apart"}]
    p.create(made)
    p.wait_ready()
    p.cluster.run("sh", "-ec", f"mount -t tmpfs tmpfs {place}/below; echo late > {place}/below/note")
    try:
        equal(p.kubectl("exec", "p", "--", "cat", "/in/below/note"), "late\n", "file of the later mount")
        equal(p.run("exec", "p", "--", "cat", "/apart/below/note").returncode, 1, "exit code where nothing propagates")
    finally:
        p.cluster.run("umount", place / "below")


def sub_paths_are_directories_and_may_be_computed(p):
    made = shell("echo $POD > /mine/name; ls /whole/*; cat /whole/logs-p/name", env=[{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}])
    made["volumeMounts"] = [{"name": "data", "mountPath": "/mine", "subPathExpr": "logs-$(POD)"}, {"name": "data", "mountPath": "/whole"}]
    equal(p.completed(pod(made, restartPolicy="Never", volumes=[{"name": "data", "emptyDir": {}}])), "name\np\n", "what was said")


def a_read_only_root_leaves_volumes_writable(p):
    script = "echo x > /note || echo refused; echo kept > /tmp/note; cat /tmp/note"
    made = shell(script, mounts={"tmp": "/tmp"}, securityContext={"readOnlyRootFilesystem": True, "runAsUser": 1000, "runAsNonRoot": True})
    said = p.completed(pod(made, restartPolicy="Never", volumes=[{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]))
    assert "refused\nkept\n" in said, said


def a_volume_of_a_group_is_shared_by_users_of_it(p):
    """Two users that have nothing but fsGroup in common, one of them native."""
    first = shell("echo first > /data/note; chmod 2>/dev/null; ls -ln /data/note; id", name="first", mounts={"data": "/data"}, securityContext={"runAsUser": 1001})
    second = busybox("until cat /data/note; do sleep 0.1; done; echo second >> /data/own; id -G; sleep 1000", mounts={"data": "/data"}, securityContext={"runAsUser": 1002})
    third = shell("until [ -e /data/own ]; do sleep 0.1; done; cat /data/own; id -G; sleep 1000", mounts={"data": "/data"}, securityContext={"runAsUser": 1003})
    p.create(pod(second, third, initContainers=[first], volumes=[{"name": "data", "emptyDir": {}}], securityContext={"fsGroup": 4321, "supplementalGroups": [777]}))
    p.wait_ready()
    for name, wanted in (("native", "first\n0 777 4321\n"), ("c", "second\n0 777 4321\n")):
        p.wait_log("4321", container=name)
        said = p.logs("p", name).split("\n")
        equal((said[-3], set(said[-2].split())), (wanted.split("\n")[0], {"0", "777", "4321"}), f"what {name} read, and its groups")


SMOKE = [a_guest_reads_what_became_of_a_config_map]
FULL = [all_sources_are_in_one_projected_volume_and_change_in_it, an_image_is_a_volume, a_module_of_an_image_volume_runs,
        read_only_means_what_is_mounted_below_too, what_is_mounted_later_is_seen_where_asked, sub_paths_are_directories_and_may_be_computed,
        a_read_only_root_leaves_volumes_writable, a_volume_of_a_group_is_shared_by_users_of_it]
