# SPDX-License-Identifier: Apache-2.0
"""The chart on a one-node Kubernetes whose containerd does not know Wherry: install, use, uninstall."""
import json
import pathlib
import subprocess
import sys
import tempfile

from suite import SOURCE, equal, program, wait_until

sys.path.insert(0, str(SOURCE / "tests" / "k8s"))
from cluster import Cluster  # noqa: E402
from keys import SERVER  # noqa: E402

NAMESPACE = "wherry-system"
HANDLER = "wherry-node"  # the cluster has a class `wherry` of its own
PROGRAMS = ("wherry", "wherryc", "containerd-shim-wherry-v1", "wherry-label")
STATE = pathlib.Path("/var/lib/wherry")


def supervise_containerd(cluster):
    """Stands in for systemd: whoever kills it gets a new one."""
    config, pid = cluster.directory / "config.toml", cluster.directory / "containerd.pid"
    cluster.daemons["containerd"].stop()
    cluster.spawn("containerd", "sh", "-c", f"while :; do {cluster._binaries}/containerd --config {config} & echo $! > {pid}; wait $!; "
                                            f"rm -f {cluster.socket} {cluster.socket}.ttrpc; done")
    cluster.wait_containerd()
    return f"kill $(cat {pid})"


def import_images(cluster):
    with tempfile.TemporaryDirectory() as directory:
        node, server = pathlib.Path(directory, "node.tar"), pathlib.Path(directory, "httpbin.tar")
        programs = pathlib.Path(directory, "bin")
        programs.mkdir()
        for name in PROGRAMS:  # with debug information they would fill the installer's memory: /opt is a tmpfs here
            subprocess.run(["strip", "-o", programs / name, program(name)], check=True)
        subprocess.run([SOURCE / "deploy" / "image" / "build.py", programs, node, "wherry.test/node:v1"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([program("wherry"), "pack", SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm", "-t", "wherry.test/httpbin:v1",
                        "-o", server], check=True, stdout=subprocess.DEVNULL)
        for tar in (node, server):
            cluster.run("ctr", "-n", "k8s.io", "images", "import", "--platform", "linux/amd64", tar)


def rolled_out(cluster):
    done = cluster.run("kubectl", "-n", NAMESPACE, "rollout", "status", "daemonset/wherry-node", "--timeout=120s", check=False)
    logs = cluster.run("kubectl", "-n", NAMESPACE, "logs", "daemonset/wherry-node", "--all-containers", check=False).stdout
    equal(done.returncode, 0, f"exit code of the rollout ({logs[-500:]})")
    return logs


def serves_the_example(cluster):
    example = (SOURCE / "examples" / "kubernetes" / "httpbin.yaml").read_text().replace("runtimeClassName: wherry ", f"runtimeClassName: {HANDLER} ")
    cluster.run("kubectl", "apply", "-f", "-", stdin=example)
    cluster.run("kubectl", "rollout", "status", "deployment/httpbin", "--timeout=120s")
    address = cluster.run("kubectl", "get", "service", "httpbin", "-o", "jsonpath={.spec.clusterIP}").stdout
    wait_until(lambda: '"a": "b"' in cluster.run("curl", "-fsS", "-m", "5", f"http://{address}/get?a=b", check=False).stdout, "an answer", 60)
    cluster.run("kubectl", "delete", "--wait", "-f", "-", stdin=example)


def node_labels(cluster):
    nodes = json.loads(cluster.run("kubectl", "get", "nodes", "-o", "json").stdout)["items"]
    return {n["metadata"]["name"]: {k: v for k, v in n["metadata"]["labels"].items() if k.startswith("wherry.dev/")} for n in nodes}


def deploy(cluster, action, values):
    cluster.run("helm", action, "wherry", SOURCE / "deploy" / "helm" / "wherry", "--namespace", NAMESPACE, *(["--create-namespace"] if action == "install" else []),
                *(word for name, value in values.items() for word in ("--set-string", f"{name}={value}")))


def where_it_fails_pods_wait(cluster, values):
    """The installer fails on the node: no label, and a pod of the class goes there only after it is mended."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waits"},
           "spec": {"runtimeClassName": HANDLER, "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "c", "image": "wherry.test/httpbin:v1", "imagePullPolicy": "Never"}]}}

    def why_it_waits():
        conditions = json.loads(cluster.run("kubectl", "get", "pod", "waits", "-o", "json").stdout)["status"].get("conditions", [])
        return "".join(c.get("message", "") for c in conditions if c["type"] == "PodScheduled" and c["status"] == "False")

    deploy(cluster, "upgrade", values | {"install.config": "/no/such/config.toml"})
    wait_until(lambda: list(node_labels(cluster).values()) == [{}], "no label", 90)
    cluster.run("kubectl", "apply", "-f", "-", stdin=json.dumps(pod))
    wait_until(lambda: "node affinity/selector" in why_it_waits(), "a pod that no node takes", 30)
    deploy(cluster, "upgrade", values)
    cluster.run("kubectl", "wait", "--for=condition=Ready", "pod/waits", "--timeout=100s")
    equal(list(node_labels(cluster).values()), [{"wherry.dev/installed": "true"}], "labels of the node")
    cluster.run("kubectl", "delete", "pod", "waits")
    rolled_out(cluster)


def its_token_can_do_nothing_else(cluster):
    """What a thief could do with the token of the container that sets the label."""
    pod = cluster.run("kubectl", "-n", NAMESPACE, "get", "pods", "-l", "app.kubernetes.io/component=node", "-o", "jsonpath={.items[0].metadata.name}").stdout
    node, = node_labels(cluster)
    bound = cluster.run("kubectl", "-n", NAMESPACE, "create", "token", "wherry-node", "--bound-object-kind=Pod", f"--bound-object-name={pod}").stdout.strip()
    loose = cluster.run("kubectl", "-n", NAMESPACE, "create", "token", "wherry-node").stdout.strip()
    cluster.run("kubectl", "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "another", "labels": {"a": "b"}}}))

    def patch(token, name, patch, kind="node"):
        done = cluster.run("curl", "-sS", "-m", "10", "-o", "/dev/stdout", "-w", "\n%{http_code}", "--cacert", cluster.keys.path("ca.crt"),
                           "-X", "PATCH", "-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/merge-patch+json",
                           "-d", json.dumps(patch), f"{SERVER}/api/v1/{kind}s/{name}")
        body, status = done.stdout.rsplit("\n", 1)
        return int(status), json.loads(body).get("message", "")

    def labels(**changes):
        return {"metadata": {"labels": {k.replace("__", ".dev/"): v for k, v in changes.items()}}}

    try:
        wait_until(lambda: patch(bound, node, labels(stolen="x"))[0] != 200, "the policy in force")  # it takes the server a moment
        for token, name, change, reason in (
                (bound, node, labels(stolen="x"), "its own labels only"),
                (bound, node, {"metadata": {"labels": {"kubernetes.io/hostname": None}}}, "its own labels only"),
                (bound, node, {"metadata": {"labels": {"kubernetes.io/hostname": "x"}}}, "its own labels only"),
                (bound, node, {"metadata": {"annotations": {"a": "b"}}}, "labels only"),
                (bound, node, {"spec": {"unschedulable": True}}, "labels only"),
                (bound, node, {"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}, "labels only"),
                (bound, "another", labels(wherry__installed="true"), "the node only that it runs on"),
                (loose, node, labels(wherry__installed="true"), "the node only that it runs on")):
            status, message = patch(token, name, change)
            equal((status, reason in message), (422, True), f"the answer to {change} ({message})")
        equal(patch(bound, "default", labels(a="b"), "namespace")[0], 403, "another kind of object")
        equal(patch(bound, node, labels(wherry__installed="true")), (200, ""), "its own label")
    finally:
        cluster.run("kubectl", "delete", "node", "another")
    equal(node_labels(cluster), {node: {"wherry.dev/installed": "true"}}, "labels")


def the_chart_installs_serves_and_leaves_nothing():
    for name in PROGRAMS:
        program(name)
    with Cluster(handlers={"runc": "io.containerd.runc.v2"}) as cluster:
        config = cluster.directory / "config.toml"
        before = config.read_bytes()
        existed = STATE.exists()
        STATE.mkdir(exist_ok=True)
        try:
            for directory in ("/opt", STATE):  # the machine's stay as they are
                cluster.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory)
            restart = supervise_containerd(cluster)
            import_images(cluster)
            values = {"image.repository": "wherry.test/node", "image.tag": "v1", "runtimeClass.name": HANDLER, "install.handler": HANDLER,
                      "install.config": config, "install.socket": cluster.socket, "install.restartCommand": restart}
            equal(list(node_labels(cluster).values()), [{}], "labels of the node")
            deploy(cluster, "install", values)
            assert "test container after the restart: ran" in rolled_out(cluster)
            wait_until(lambda: list(node_labels(cluster).values()) == [{"wherry.dev/installed": "true"}], "the node's label")
            its_token_can_do_nothing_else(cluster)
            where_it_fails_pods_wait(cluster, values)
            serves_the_example(cluster)
            cluster.run("helm", "uninstall", "wherry", "--namespace", NAMESPACE)
            rolled_out(cluster)
            equal(list(node_labels(cluster).values()), [{}], "labels of the node")
            equal(config.read_bytes(), before, "containerd's configuration")
            equal(cluster.run("ls", "-A", "/opt", STATE).stdout.split(), ["/opt:", f"{STATE}:"], "what is left")
        finally:
            cluster.close()
            if not existed:
                STATE.rmdir()
