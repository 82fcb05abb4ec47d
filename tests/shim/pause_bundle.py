# SPDX-License-Identifier: Apache-2.0
"""A pod's pause container without containerd: its config.json and its life over ttrpc."""
import os


def config(**linux):
    return {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/pause"], "cwd": "/"},
        "root": {"path": "rootfs"},
        "annotations": {"io.kubernetes.cri.container-type": "sandbox"},
        "linux": {
            "cgroupsPath": f"/wherry-test-{os.getpid()}/pause",
            "namespaces": [{"type": name} for name in ("pid", "ipc", "uts", "mount", "network")],
            **linux,
        },
    }


def whole_life(shim, bundle, container="p1"):
    """Create to Delete of one pause container; returns its pid."""
    pid = shim.call("Create", {1: container, 2: str(bundle)})[1][0]
    shim.call("Start", {1: container})
    waiting = shim.send("Wait", {1: container})
    shim.call("Kill", {1: container, 3: 9})
    assert shim.answer(waiting)[1] == [137]
    shim.call("Delete", {1: container})
    remove_cgroup()
    return pid


def remove_cgroup():
    """The parent that all of this process's pause containers had."""
    import glob
    for path in glob.glob(f"/sys/fs/cgroup/*/wherry-test-{os.getpid()}") + glob.glob(f"/sys/fs/cgroup/wherry-test-{os.getpid()}"):
        try:
            os.rmdir(path)
        except OSError:
            pass
