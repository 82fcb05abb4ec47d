# SPDX-License-Identifier: Apache-2.0
"""Finds and removes what a private containerd may leave on a machine.

Everything belongs to one directory, /tmp/wt-PID-RANDOM; its name is the containerd namespace
too, and so the cgroup above every container. That is how the processes, mounts, cgroups,
sockets and fifos of one containerd are told from those of another.
"""
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import time

SHIM_SOCKETS = pathlib.Path("/run/containerd/s")
RUNC_STATE = pathlib.Path("/run/containerd/runc")
CGROUPS = pathlib.Path("/sys/fs/cgroup")
NAME = "wt-{pid}-"


class Remains:
    """What exists of the containerd that lives in `directory`."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.namespace = self.directory.name
        self._sockets_before = set(_listing(SHIM_SOCKETS))

    def found(self):
        """One line for each thing that outlived its container; containerd itself is none."""
        lines = [f"process {pid}: {_command(pid)}" for pid in self.processes()]
        lines += [f"mount {point}" for point in self.mounts()]
        lines += [f"cgroup {path}" for path in self.cgroups() if path.name != self.namespace]
        lines += [f"fifo {path}" for path in self.fifos()]
        lines += [f"bundle {path}" for path in self.bundles()]
        lines += [f"socket {path}" for path in self.stale_sockets()]
        return lines

    def processes(self):
        """Shims of this containerd, their descendants, and members of its cgroups."""
        members = set()
        for group in self.cgroups():
            members.update(int(pid) for pid in _read(group / "cgroup.procs").split())
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                pid = int(entry)
                parents[pid] = _parent(pid)
                command = _command(pid)
                if "containerd-shim" in command.split(" ")[0] and self.namespace in command:
                    members.add(pid)
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in members} - members
            members |= more
            grown = bool(more)
        return sorted(members)

    def mounts(self):
        """Mount points below the directory, innermost first."""
        points = [line.split()[4] for line in _read("/proc/self/mountinfo").splitlines()]
        return sorted((p for p in points if p.startswith(f"{self.directory}/")), key=len, reverse=True)

    def cgroups(self):
        """The containers' cgroups in every hierarchy, children first."""
        return cgroups(self.namespace)

    def fifos(self):
        found = []
        for path, _, names in os.walk(self.directory / "fifo"):
            found += [p for p in (pathlib.Path(path) / n for n in names) if _is_fifo(p)]
        return found

    def bundles(self):
        return sorted((self.directory / "state" / "io.containerd.runtime.v2.task" / self.namespace).glob("*"))

    def stale_sockets(self):
        """Shim sockets made since the start that nobody listens on."""
        new = set(_listing(SHIM_SOCKETS)) - self._sockets_before
        return sorted(path for path in new if _refuses(path))

    def remove(self):
        """Kills, unmounts and deletes everything, the directory too."""
        known = self._known_sockets()
        deadline = time.monotonic() + 10
        for pid in self._daemons():
            _kill(pid)
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                _kill(pid)
            time.sleep(0.02)
        for point in self.mounts():
            subprocess.run(["umount", "-l", point], capture_output=True)
        for group in self.cgroups():
            _remove_group(group, deadline)
        for path in known | set(self.stale_sockets()):
            if path.exists() and _refuses(path):
                path.unlink(missing_ok=True)
        shutil.rmtree(RUNC_STATE / self.namespace, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _daemons(self):
        """containerd of this directory, if its harness died."""
        wanted = f"{self.directory}/config.toml"
        return [int(e) for e in os.listdir("/proc") if e.isdigit() and wanted in _command(int(e)).split(" ")]

    def _known_sockets(self):
        """Where the shims of the bundles that are still there listen."""
        address = f"{self.directory}/c.sock/{self.namespace}/"
        return {SHIM_SOCKETS / hashlib.sha256((address + bundle.name).encode()).hexdigest()
                for bundle in self.bundles()}


def cgroups(name):
    """Those of a name below the root and all below them in every hierarchy, children first."""
    groups = []
    for top in filter(pathlib.Path.is_dir, [CGROUPS / name, *CGROUPS.glob(f"*/{name}")]):
        groups += [pathlib.Path(path) for path, _, _ in os.walk(top, topdown=False)]
    return groups


def remove_cgroups(name, limit=10):
    """Whose processes are ending."""
    deadline = time.monotonic() + limit
    for group in cgroups(name):
        _remove_group(group, deadline)


def sweep_dead():
    """Removes what harnesses left that were killed before they could."""
    for directory in pathlib.Path("/tmp").glob("wt-*-*"):
        pid = directory.name.split("-")[1]
        if pid.isdigit() and not pathlib.Path("/proc", pid).exists():
            Remains(directory).remove()


def _read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _listing(directory):
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _command(pid):
    return _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def _parent(pid):
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def _is_fifo(path):
    try:
        return stat.S_ISFIFO(path.lstat().st_mode)
    except OSError:
        return False


def _refuses(path):
    """True if it is a socket that nobody listens on."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            probe.connect(str(path))
        return False
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


def _remove_group(group, deadline):
    while group.exists():
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)
