# SPDX-License-Identifier: Apache-2.0
"""`wherry node` killed, and failed by the system, at each system call that changes or opens something."""
import collections
import pathlib
import re
import shutil
import subprocess
import tempfile

from configs import K3S, TIMEOUT, Tree, V2, V3, need_programs
from suite import Skip, equal, program

BINARIES = ("wherry", "wherryc", "containerd-shim-wherry-v1")
CHANGING = ("write", "sendfile", "rename", "unlink", "rmdir", "mkdir", "fsync", "fchmod", "fchown", "chown", "flock")
FORMS = {
    "a block": {"etc/containerd/config.toml": V2},
    "a new file": {"etc/hostname": "node\n"},
    "a drop-in": {"etc/containerd/config.toml": V3.format(imports='imports = ["conf.d/*.toml"]')},
    "a template": {K3S + "config.toml": V2},
}
# what the injected calls are, what happens to them
FAULTS = {
    "killed": (CHANGING, "signal=KILL"),
    "with a full disk": ((*CHANGING, "openat"), "error=ENOSPC"),
    "with a broken disk": ((*CHANGING, "openat"), "error=EIO"),
}


class Place:
    """A machine's file system, copied from an earlier one, and small binaries to install on it."""

    def __init__(self, tree, source):
        self.tree, self.source = tree, source

    @property
    def root(self):
        return self.tree.root

    def command(self, action):
        rest = ["--from", self.source] if action == "install" else []
        return [program("wherry"), "node", action, "--host-root", self.root, "--no-restart", "--no-check", *rest]

    def run(self, action, *prefix):
        return subprocess.run([*prefix, *self.command(action)], capture_output=True, text=True, timeout=TIMEOUT)

    def must(self, action):
        done = self.run(action)
        equal(done.returncode, 0, f"exit code of {action} ({done.stdout}{done.stderr})")

    def content(self):
        """Every file and directory of the machine."""
        return {str(p.relative_to(self.root)): p.read_bytes() if p.is_file() else None for p in self.root.rglob("*")}

    def back_to(self, content):
        for child in self.root.iterdir():
            shutil.rmtree(child)
        for name, data in content.items():
            path = self.root / name
            (path if data is None else path.parent).mkdir(parents=True, exist_ok=True)
            if data is not None:
                path.write_bytes(data)

    def calls(self, action, names):
        """How often each of the calls is made; does the action."""
        with tempfile.NamedTemporaryFile("r") as log:
            done = self.run(action, "strace", "-f", "-qq", "-o", log.name, "-e", "trace=" + ",".join(names))
            equal(done.returncode, 0, f"exit code under strace ({done.stderr})")
            return collections.Counter(re.findall(r"^\d+ +(\w+)\(", log.read(), re.MULTILINE))

    def injected(self, action, call, fault, nth):
        return self.run(action, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:{fault}:when={nth}")


def same(actual, expected, what):
    for name in sorted(actual.keys() | expected.keys()):
        equal(actual.get(name, "missing"), expected.get(name, "missing"), f"{what}: {name}")


def is_configuration(name):
    return name.startswith(("etc/", K3S))


def configuration(content):
    return {name: data for name, data in content.items() if data is not None and is_configuration(name)}


def check_end(place, done, fault):
    if fault.startswith("signal"):
        equal(done.returncode, -9, "how it ended")
    else:
        assert done.returncode in (0, 1), f"exit code {done.returncode} {done.stderr}"
        assert done.returncode == 0 or re.fullmatch(r"error: [^\n]+\n", done.stderr), done.stderr


def one_fault(place, action, start, states, fault, call, nth):
    before, installed = states
    place.back_to(start)
    done = place.injected(action, call, fault, nth)
    check_end(place, done, fault)
    broken = place.content()
    ours = {n: d for n, d in configuration(broken).items() if n in {*configuration(before), *configuration(installed)}}
    assert ours in (configuration(before), configuration(installed)), f"the configuration is neither the old nor the new one: {ours}"
    place.must("uninstall")
    same(place.content(), before, "the machine after an uninstallation")
    place.back_to(broken)
    place.must("install")
    same(configuration(place.content()), configuration(installed), "the configuration after another installation")
    place.must("uninstall")
    same(place.content(), before, "the machine after both")


def each_call(files, action, what):
    need_programs()
    if not shutil.which("strace"):
        raise Skip("no strace package")
    calls, fault = FAULTS[what]
    with Tree(files) as tree, tempfile.TemporaryDirectory() as source:
        for name in BINARIES:
            (pathlib.Path(source) / name).write_text(name)
        place = Place(tree, source)
        for name in ("opt", "var/lib"):
            (place.root / name).mkdir(parents=True, exist_ok=True)
        before = place.content()
        place.must("install")
        installed = place.content()
        start = before if action == "install" else installed
        place.back_to(start)
        counts = place.calls(action, calls)
        assert counts["write"] > 0 and counts["fsync" if action == "install" else "unlink"] > 2, counts
        for call, count in counts.items():
            for nth in range(1, count + 1):
                try:
                    one_fault(place, action, start, (before, installed), fault, call, nth)
                except AssertionError as error:
                    raise AssertionError(f"{call} {nth} of {count}: {error}") from error


def add_tests(suite):
    for form, files in FORMS.items():
        for action in ("install", "uninstall"):
            for what in FAULTS if form == "a block" else ("killed", "with a full disk"):
                suite.test(f"{action} of {form}, {what} at each system call, is finished or undone by the next call", alone=False)(
                    lambda files=files, action=action, what=what: each_call(files, action, what))
