# SPDX-License-Identifier: Apache-2.0
"""`wherry node` on stand-ins of the distributions with real containerds: see `standins.py`."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from configs import need_programs
import tools
from remains import remove_cgroups
from suite import Skip

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 240
KIND = "sigs.k8s.io/kind@v0.33.0"

# name: (class of standins.py, containerd, scenarios)
NODES = {
    "k3s of containerd 1.7": ("K3sOld", "1.7", ("life_with_a_pod", "does_not_start")),
    "k3s of containerd 2": ("Rancher", "2.4", ("life_with_a_pod", "does_not_start")),
    "k3s's agent on OpenRC": ("K3sAgentOpenRc", "2.4", ("life",)),
    "k3s of containerd 2 with imports": ("K3sImports", "2.4", ("life_with_a_pod",)),
    "k3s of containerd 2 with a template of somebody's": ("K3sMine", "2.4", ("life_with_a_pod",)),
    "k3s with --data-dir": ("K3sElsewhere", "2.4", ("life_with_a_pod",)),
    "RKE2": ("Rke2", "2.4", ("life",)),
    "RKE2 with --data-dir": ("Rke2Elsewhere", "2.4", ("life",)),
    "MicroK8s": ("MicroK8s", "1.7", ("life_with_a_pod", "does_not_start")),
    "k0s": ("K0s", "1.7", ("life_with_a_pod", "does_not_start")),
    "k0s with systemd's cgroups": ("K0sSystemd", "1.7", ("life",)),
    "k0s with a configuration of somebody's": ("K0sMine", "1.7", ("life",)),
    "kind of containerd 1.7": ("Kind", "1.7", ("life",)),
    "kind of containerd 2": ("Kind", "2.4", ("life",)),
    "kubeadm of containerd 1.7": ("Kubeadm", "1.7", ("life_with_a_pod",)),
    "kubeadm of containerd 2": ("Kubeadm", "2.4", ("life_with_a_pod", "does_not_start")),
}


def go(*arguments):
    if reason := tools.missing_reason():
        raise Skip(f"Go {reason}")
    done = subprocess.run(["go", *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT, cwd=HERE,
                          env={**os.environ, "GO111MODULE": "off" if arguments[0] == "build" else "on", "CGO_ENABLED": "0"})
    if done.returncode != 0 and arguments[0] == "mod":
        raise Skip(f"no module {arguments[-1]}: {done.stdout} {done.stderr}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def on_a_node(distribution, version, scenario):
    need_programs()
    containerd, reason = tools.containerd(version)
    reason = reason or tools.ensure("cri")
    if reason:
        raise Skip(reason)
    with tempfile.TemporaryDirectory(prefix="wherry-machine-") as name:
        place = pathlib.Path(name)
        (place / "over").mkdir()
        go("build", "-o", place / "render", HERE / "render.go")
        if distribution == "Kind":
            module = json.loads(go("mod", "download", "-json", KIND))["Dir"]
            shutil.copy(f"{module}/images/base/files/etc/containerd/config.toml", place / "kind.toml")
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, HERE / "private_machine.py", distribution,
                               containerd, place, scenario], capture_output=True, text=True, timeout=TIMEOUT)
        remove_cgroups(place.name)
    lines = done.stderr.strip().splitlines() or ["it ended without a word"]
    assert done.returncode == 0, "\n".join([lines[-1], *lines])


SENTENCES = {
    "life": "found, installed, seen by containerd, kept over a restart, uninstalled",
    "life_with_a_pod": "found, installed, with a pod that runs over a restart and stops the uninstallation, uninstalled",
    "does_not_start": "taken back where containerd does not start with it",
}


def add_tests(suite):
    for name, (distribution, version, scenarios) in NODES.items():
        for scenario in scenarios:
            suite.test(f"a stand-in of {name}: {SENTENCES[scenario]}")(
                lambda arguments=(distribution, version, scenario): on_a_node(*arguments))
