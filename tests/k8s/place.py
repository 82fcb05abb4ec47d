# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes namespace of one test, and manifests in a few words."""
import contextlib
import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import images
import machine
from cluster import Cluster
from node import NODE_ADDRESS
from store import MANIFEST, compiled
from suite import BUILD, SOURCE, Skip, program, wait_until

GUEST_IMAGE = "wherry.test/guest:1"
ARTIFACT_IMAGE = "wherry.test/artifact:1"  # the same module
PRIVATE_IMAGE = "wherry.test/private/artifact:1"  # and again
HTTPBIN_IMAGE = "wherry.test/httpbin:1"
TLS_IMAGE = "wherry.test/tls:1"
MESH_IMAGE = "wherry.test/mesh:1"
HTTPBIN = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
HERE = pathlib.Path(__file__).resolve().parent
FETCH = "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=5).read().decode())"
SHIM = "containerd-shim-wherry-v1"


def fill(node):
    """The images of the cluster tests."""
    with tempfile.TemporaryDirectory() as work:
        module = pathlib.Path(work) / "guest.wasm"
        try:
            subprocess.run(["clang-19", "--target=wasm32-wasi", "-Os", "-s", "-o", module, HERE / "guest.c"], check=True, capture_output=True)
        except FileNotFoundError:
            raise Skip("no clang-19 to build the guest") from None
        node.store.add("guest:1", {"guest.wasm": module, "etc/passwd": b"root:x:0:0::/:/\n", "tmp/empty": b""}, entrypoint=["/guest.wasm"])
        users = {"etc/passwd": b"root:x:0:0::/:/\napp:x:1000:1000::/:/\n", "etc/group": b"app:x:1000:\n"}
        for name, user in (("numbered:1", "1234"), ("named:1", "app")):
            node.store.add(name, {"guest.wasm": module, **users}, entrypoint=["/guest.wasm"], user=user)
        node.store.name(["artifact:1", "private/artifact:1"], _artifact(node.store, module.read_bytes())["digest"])
        node.store.add("mesh:1", node.busybox, {path.lstrip("/"): file for path, file in iptables_files().items()},
                       {"proxy": compiled(work, "proxy", (HERE / "proxy.c").read_text())})
    node.store.add("httpbin:1", {"httpbin.wasm": HTTPBIN}, entrypoint=["/httpbin.wasm"])
    node.store.add("httpbin:2", {"httpbin.wasm": HTTPBIN}, entrypoint=["/httpbin.wasm"], labels={"version": "2"})
    files = tls_files()
    node.has_tls_image = bool(files)
    if files:
        node.store.add("tls:1", {path.lstrip("/"): file for path, file in files.items()} | {"bin/socat": files[shutil.which("socat")]}, environment=["PATH=/bin"])


def _artifact(store, module):
    """A CNCF Wasm OCI artifact: the module is the layer."""
    layer = store.blob(module, "application/wasm")
    config = store.document({"architecture": "wasm", "os": "wasip1", "layerDigests": [layer["digest"]]}, "application/vnd.wasm.config.v0+json")
    return store.document({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}, MANIFEST)


def iptables_files():
    """The node's iptables with its libraries and extensions."""
    real = pathlib.Path(shutil.which("iptables")).resolve()
    parts = [path for place in pathlib.Path("/usr/lib").glob("**/xtables") for path in place.iterdir() if path.suffix == ".so"]
    return machine.with_libraries(real, *parts) | {"/usr/sbin/iptables": pathlib.Path(shutil.which("iptables"))}


def tls_files():
    """socat with its libraries, or {}."""
    socat = shutil.which("socat")
    return machine.with_libraries(socat) if socat else {}


class Lazy:
    """A node or cluster that is started when the first test asks for it; why it can not be is each test's reason to be skipped.

    It lives as long as the thread that asked."""

    def __init__(self, kind=Cluster, **keywords):
        self._kind = kind
        self._keywords = keywords
        self._stack = contextlib.ExitStack()
        self._lock = threading.Lock()
        self._node = None
        self._missing = None

    def __call__(self):
        with self._lock:
            return self._started()

    def _started(self):
        if self._missing:
            raise Skip(self._missing)
        if self._node is None:
            program(SHIM)
            try:
                self._node = self._stack.enter_context(self._kind(**{"shims": BUILD / "bin", "fill": fill, **self._keywords}))
            except Skip as reason:
                self._missing = str(reason)
                raise
        return self._node

    def close(self):
        self._stack.close()
        self._node = None


class Place:
    """A fresh namespace. Use as a context manager."""

    _numbers = itertools.count()

    def __init__(self, cluster):
        self.cluster = cluster
        self.name = f"t{next(self._numbers)}"

    def __enter__(self):
        self.cluster.kubectl("create", "namespace", self.name)
        wait_until(lambda: self.cluster.run("kubectl", "get", "-n", self.name, "sa", "default", check=False).returncode == 0, "service account")
        return self

    def __exit__(self, *_):
        self.cluster.kubectl("delete", "namespace", self.name, "--wait=false")

    def kubectl(self, *arguments, **keywords):
        return self.cluster.kubectl("-n", self.name, *arguments, **keywords)

    def run(self, *arguments, **keywords):
        """kubectl as a CompletedProcess, whatever its exit code."""
        return self.cluster.run("kubectl", "-n", self.name, *arguments, check=False, **keywords)

    def popen(self, *arguments, **options):
        return self.cluster.popen("kubectl", "-n", self.name, *arguments, **options)

    def console(self, *arguments):
        """kubectl with a terminal: a Console."""
        return self.cluster.console("kubectl", "-n", self.name, *arguments)

    def get(self, *arguments):
        return self.cluster.get("-n", self.name, *arguments)

    def create(self, *objects):
        text = "\n---\n".join(map(json.dumps, objects))
        self.kubectl("create", "-f", "-", stdin=text)

    def status(self, pod="p"):
        return self.get("pod", pod)["status"]

    def container(self, pod="p", name="c"):
        """The status of one container of any kind, or {}."""
        status = self.status(pod)
        kinds = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
        return next((c for kind in kinds for c in status.get(kind, []) if c["name"] == name), {})

    def wait(self, condition, what, pod="p", timeout=60):
        """Waits until condition() holds; says what the pod looks like when it does not."""
        try:
            wait_until(_slowly(condition), what, timeout)
        except AssertionError as late:
            raise AssertionError(f"{late}; {self._describe(pod)}") from None

    def wait_ready(self, pod="p", timeout=60):
        self.wait(lambda: _condition(self.status(pod), "Ready"), "ready pod", pod, timeout)

    def wait_phase(self, phase, pod="p", timeout=60):
        self.wait(lambda: self.status(pod)["phase"] == phase, f"phase {phase}", pod, timeout)

    def wait_gone(self, pod="p", timeout=60):
        self.wait(lambda: self.run("get", "pod", pod).returncode != 0, "end of the pod", pod, timeout)

    def wait_log(self, text, pod="p", container="c", timeout=60):
        self.wait(lambda: text in self.run("logs", pod, "-c", container).stdout, f"{text!r} in the log", pod, timeout)

    def logs(self, pod="p", container="c", *options):
        return self.kubectl("logs", pod, "-c", container, *options)

    def completed(self, *objects, pod="p", container="c"):
        """Creates the objects, waits until the pod has succeeded, and returns what it printed."""
        self.create(*objects)
        self.wait_phase("Succeeded", pod)
        return self.logs(pod, container)

    def address(self, pod="p"):
        return self.status(pod)["podIP"]

    def fetch(self, address, port, path="/healthz", check=True):
        """GET from the node; without check, "" where there is no answer."""
        done = self.cluster.run(sys.executable, "-c", FETCH, f"http://{address}:{port}{path}", check=False)
        assert done.returncode == 0 or not check, f"GET {path} from {address}:{port}: {done.stderr.strip()[-300:]}"
        return done.stdout

    def pid(self, pod="p", name="c"):
        """The process of a container, seen from outside."""
        identity = self.container(pod, name)["containerID"].removeprefix("containerd://")
        inside = self.cluster.json("crictl", "inspect", identity)["info"]["pid"]
        return _outer_pid(self.cluster, inside)

    def root(self, pod="p", name="c"):
        """A container's root directory, seen from outside."""
        return pathlib.Path("/proc", str(self.pid(pod, name)), "root")

    def deleted(self, pod="p"):
        """Deletes a pod: {container: the exit code that its status had before it went}."""
        watch = self.popen("get", "pod", pod, "--watch", "--output-watch-events", "-o", "json", stdout=subprocess.PIPE)
        self.kubectl("delete", "pod", pod, "--wait=false")
        self.wait_gone(pod)
        watch.kill()
        return {c["name"]: c["state"]["terminated"]["exitCode"] for c in _containers(watch.communicate()[0]) if "terminated" in c["state"]}

    def groups(self, name="c", pod="p"):
        """{controller: a container's cgroup}, seen from outside; version 1 of cgroups has controllers."""
        rows = [line.split(":", 2) for line in pathlib.Path(f"/proc/{self.pid(pod, name)}/cgroup").read_text().splitlines()]
        return {c: pathlib.Path("/sys/fs/cgroup", c, path.lstrip("/")) for _, names, path in rows for c in names.split(",") if c}

    def _describe(self, pod):
        status = json.loads(self.run("get", "pod", pod, "-o", "json").stdout or "{}").get("status", {})
        states = {c["name"]: c.get("state") for k in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses") for c in status.get(k, [])}
        events = self.run("get", "events", "-o", "custom-columns=:.reason,:.message", "--no-headers").stdout.splitlines()[-6:]
        return f"phase {status.get('phase')}, {json.dumps(states)[:500]}, events: {' | '.join(' '.join(e.split()) for e in events)[-700:]}"


def _containers(text):
    """The statuses of containers in what a watch printed."""
    decoder, place = json.JSONDecoder(), 0
    while (place := text.find("{", place)) >= 0:
        try:
            event, place = decoder.raw_decode(text, place)
        except ValueError:
            return
        yield from event["object"].get("status", {}).get("containerStatuses", [])


def _slowly(condition):
    """kubectl is a process of its own: ask five times a second at most."""
    def asked():
        if condition():
            return True
        time.sleep(0.2)
        return False
    return asked


def _condition(status, kind):
    return any(c["type"] == kind and c["status"] == "True" for c in status.get("conditions", []))


def _outer_pid(node, inside):
    """The number that a process of the node has outside."""
    level = len(_numbers(node.first_pid)) - 1
    for entry in node.processes():
        with contextlib.suppress(OSError):
            numbers = _numbers(entry)
            if len(numbers) > level and numbers[level] == str(inside):
                return entry
    raise AssertionError(f"no process {inside} in the node")


def _numbers(pid):
    """A process's numbers in the PID namespaces from ours down to its own."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith("NSpid:")).split()[1:]


# --- manifests

def container(*arguments, image=GUEST_IMAGE, name="c", mounts=None, **more):
    """A container of the guest, or of an image; mounts: {volume: path}."""
    made = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", **more}
    if arguments:
        made["args" if image == GUEST_IMAGE else "command"] = [str(a) for a in arguments]
    if mounts:
        made["volumeMounts"] = [{"name": v, "mountPath": p} for v, p in mounts.items()]
    return made


def pod_spec(*containers, **more):
    return {"runtimeClassName": "wherry", "terminationGracePeriodSeconds": 2, "containers": list(containers), **more}


def pod(*containers, name="p", labels=None, annotations=None, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}, "annotations": annotations or {}},
            "spec": pod_spec(*containers, **spec)}


def once(*arguments, name="p", **spec):
    """A pod that runs the guest to its end."""
    keywords = {k: spec.pop(k) for k in ("mounts", "env", "resources", "securityContext", "image", "terminationMessagePolicy") if k in spec}
    return pod(container(*arguments, **keywords), name=name, restartPolicy="Never", **spec)


def template(labels, spec):
    return {"metadata": {"labels": labels}, "spec": spec}


def deployment(name, replicas, spec, **more):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(labels, spec), **more}}


def service(name, port, target, kind="ClusterIP"):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"type": kind, "selector": {"app": name}, "ports": [{"port": port, "targetPort": target}]}}


def httpbin(**more):
    return container(image=HTTPBIN_IMAGE, ports=[{"containerPort": 3000}], env=[{"name": "PORT", "value": "3000"}], **more)


def shell(script, name="c", **more):
    """A container of the guest's image whose program is the toolbox's shell."""
    return container(name=name, command=["sh", "-c", script], **more)


def busybox(script, name="native", **more):
    return container("sh", "-c", script, image=images.BUSYBOX, name=name, **more)


__all__ = ["ARTIFACT_IMAGE", "GUEST_IMAGE", "HTTPBIN", "HTTPBIN_IMAGE", "Lazy", "MESH_IMAGE", "NODE_ADDRESS", "PRIVATE_IMAGE", "Place", "SHIM", "TLS_IMAGE", "busybox", "container", "deployment",
           "fill", "httpbin", "once", "pod", "pod_spec", "service", "shell", "template"]
