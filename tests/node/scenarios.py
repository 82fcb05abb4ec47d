# SPDX-License-Identifier: Apache-2.0
"""What is done with `wherry node`, without any option but a time limit, on the node of a distribution."""
import json
import pathlib
import subprocess
import tomllib

from image import write_image
from suite import BUILD, SOURCE, equal, wait_until

TIMEOUT = 120


def wherry(action, *arguments, check=0, program=BUILD / "bin" / "wherry"):
    done = subprocess.run([program, "node", action, "--timeout", "30s", *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    equal(done.returncode, check, f"exit code of {action} ({done.stdout}{done.stderr})")
    return done


class Pod:
    """A pod of the machine's network, with a guest that runs until it is killed, by Kubernetes' way to containerd."""

    def __init__(self, node):
        self.node, self.place = node, pathlib.Path("/run/pod")
        self.place.mkdir()
        probe = SOURCE / "tests/shim/guests/probe.wasm"
        self._import(self._pause_name(), {"pause": pathlib.Path("/bin/true")}, ["/pause"])
        self._import("wherry.test/probe:1", {"probe.wasm": probe}, ["/probe.wasm"])
        pod = {"metadata": {"name": "pod", "namespace": "default", "uid": "1"}, "log_directory": str(self.place),
               "linux": {"cgroup_parent": f"/{node.name}", "security_context": {"namespace_options": {"network": 2}}}}
        container = {"metadata": {"name": "probe"}, "image": {"image": "wherry.test/probe:1"}, "args": ["loop"], "log_path": "log"}
        for name, content in (("pod", pod), ("container", container)):
            (self.place / f"{name}.json").write_text(json.dumps(content))
        self.id = node.crictl("runp", "--runtime", "wherry", self.place / "pod.json")
        self.container = node.crictl("create", self.id, self.place / "container.json", self.place / "pod.json")
        node.crictl("start", self.container)

    def _import(self, name, files, entrypoint):
        archive = write_image(self.place / "image.tar", name, files, entrypoint)
        done = self.node.ctr("--namespace", "k8s.io", "images", "import", archive)
        equal(done.returncode, 0, f"exit code of the import ({done.stderr})")

    def _pause_name(self):
        dump = subprocess.run([self.node.bin / "containerd", "--config", self.node.config, "config", "dump"], capture_output=True, text=True, check=True)
        plugins = tomllib.loads(dump.stdout)["plugins"]
        if images := plugins.get("io.containerd.cri.v1.images"):
            return images["pinned_images"]["sandbox"]
        return plugins["io.containerd.grpc.v1.cri"]["sandbox_image"]

    def state(self):
        return json.loads(self.node.crictl("inspect", self.container))["status"]["state"]

    def remove(self):
        self.node.crictl("stopp", self.id)
        self.node.crictl("rmp", self.id)


def life(node, make_pod=lambda node: None):
    before = node.files()
    equal(node.handlers(), {"runc"}, "handlers before")
    first = wherry("install").stdout
    assert str(node.expected_program()) in first.splitlines()[0], first
    assert f"configuration {node.edited()}: handler `wherry`" in first and "test container after the restart: ran" in first, first
    block = node.edited().read_text().split("# wherry: begin")[1]
    equal("SystemdCgroup = true" in block, node.systemd_cgroup, f"the handler has runc's SystemdCgroup ({block})")
    equal((node.handlers(), node.restarts()), ({"runc", "wherry"}, 1), "handlers and restarts after the installation")
    second = wherry("install").stdout
    assert "nothing to change" in second, second
    equal(node.restarts(), 1, "restarts after a second installation")
    equal(json.loads(wherry("status", "--json").stdout)["problems"], 0, "problems")
    pod = make_pod(node)
    node.stop()
    node.start()
    equal(node.handlers(), {"runc", "wherry"}, "handlers after a restart of the node")
    if pod:
        equal(pod.state(), "CONTAINER_RUNNING", "the pod over a restart of containerd")
        assert "1 pod runs with it here" in wherry("uninstall", check=1).stderr
        pod.remove()
    wherry("uninstall", program="/opt/wherry/bin/wherry")
    equal((node.files(), node.restarts()), (before, 2), "files and restarts after the uninstallation")
    wait_until(lambda: node.handlers() == {"runc"}, "end of the handler")
    assert not pathlib.Path("/opt/wherry").exists() and not pathlib.Path("/var/lib/wherry").exists(), "files are left"


def life_with_a_pod(node):
    life(node, Pod)


def does_not_start(node):
    """The distribution does not start with the handler: it is taken back."""
    before = node.files()
    node.refuses = b"runtimes.wherry"
    done = wherry("install", "--timeout", "5s", check=1)
    assert done.stderr.startswith("error: ") and "the configuration is as before" in done.stderr, done.stderr
    equal((node.files(), node.handlers()), (before, {"runc"}), "files and handlers")
    node.refuses = b""
    wherry("install")
    equal(node.handlers(), {"runc", "wherry"}, "handlers")
    wherry("uninstall")
    equal(node.files(), before, "files after the uninstallation")
