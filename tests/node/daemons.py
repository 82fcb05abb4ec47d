# SPDX-License-Identifier: Apache-2.0
"""`wherry node` on real containerds, with the Kubernetes plug-in, started and restarted by the test."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

import tools
from containerd import Containerd
from remains import cgroups
from suite import BUILD, Skip, equal, program, wait_until

TIMEOUT = 180
KILLS = int(os.environ.get("WHERRY_NODE_KILLS", 8))
NOT_NEEDED = ("io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.btrfs",
              "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.zfs",
              "io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing")


def containerd_1_6():
    if not pathlib.Path("/usr/bin/containerd").is_file():
        raise Skip("no containerd package")
    return pathlib.Path("/usr/bin/containerd")


def built(version):
    directory, reason = tools.containerd(version)
    if not directory:
        raise Skip(reason)
    return directory / "containerd"


# (containerd, version of its file, with imports)
KINDS = {
    "containerd 1.6": (containerd_1_6, 2, False),
    "containerd 1.7": (lambda: built("1.7"), 2, False),
    "containerd 1.7 with imports": (lambda: built("1.7"), 2, True),
    "containerd 2.4, version 2": (lambda: built("2.4"), 2, False),
    "containerd 2.4, version 2 with imports": (lambda: built("2.4"), 2, True),
    "containerd 2.4, version 3": (lambda: built("2.4"), 3, False),
    "containerd 2.4, version 3 with imports": (lambda: built("2.4"), 3, True),
    "containerd 2.4, version 4": (lambda: built("2.4"), 4, False),
    "containerd 2.4, version 4 with imports": (lambda: built("2.4"), 4, True),
}


class Node(Containerd):
    """A containerd that `wherry node` may restart: by a script, with its process id in a file."""

    def __init__(self, binary, version, imports):
        self.version, self.imports = version, imports
        super().__init__(binary=binary)
        self.config = self.directory / "config.toml"
        # not below /tmp, where others could exchange what root runs
        self.own = pathlib.Path(tempfile.mkdtemp(prefix="wherry-node-", dir="/run"))
        self.own.chmod(0o755)
        self.bin, self.state = self.own / "wherry" / "bin", self.own / "state"
        self.pid_file = self.directory / "pid"
        self.restarts = self.directory / "restarts"
        self.script = self.directory / "restart"
        self.write_script()

    def write_script(self, first=""):
        # one restart after the other, as a service manager has it: a killed call's goes on
        self.script.write_text(f"""#!/bin/sh
exec 9>{self.directory}/restart.lock
flock 9
echo restart >>{self.restarts}
{first}
kill $(cat {self.pid_file})
while kill -0 $(cat {self.pid_file}) 2>/dev/null && ! grep -q '^State:.Z' /proc/$(cat {self.pid_file})/status; do sleep 0.02; done
rm -f {self.address} {self.address}.ttrpc
setsid {self.binary} --config {self.config} </dev/null >>{self.log_path} 2>&1 9>&- &
echo $! >{self.pid_file}
""")
        self.script.chmod(0o755)

    def start(self, timeout=30):
        super().start(timeout)
        self.pid_file.write_text(str(self.process.pid))

    def close(self):
        try:
            if self.pid_file.exists() and self.process and int(self.pid_file.read_text()) != self.process.pid:
                os.kill(int(self.pid_file.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass
        super().close()
        shutil.rmtree(self.own, ignore_errors=True)

    def _write_config(self, _):
        disabled = ", ".join(f'"{name}"' for name in NOT_NEEDED)
        imports = f'imports = ["{self.directory}/conf.d/*.toml"]' if self.imports else ""
        server = (f"[plugins.'io.containerd.server.v1.grpc']\n  address = '{self.address}'\n"
                  f"[plugins.'io.containerd.server.v1.ttrpc']\n  address = '{self.address}.ttrpc'"
                  if self.version >= 4 else f"[grpc]\n  address = '{self.address}'\n[ttrpc]\n  address = '{self.address}.ttrpc'")
        cri = "io.containerd.cri.v1.runtime" if self.version >= 3 else "io.containerd.grpc.v1.cri"
        self.fifo_directory.mkdir()
        (self.directory / "tmp").mkdir()
        (self.directory / "config.toml").write_text(f"""# a node's
version = {self.version}
root = "{self.directory}/root"
state = "{self.directory}/state"
temp = "{self.directory}/tmp"
disabled_plugins = [{disabled}]
{imports}
{server}
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.directory}/opt"
[plugins."{cri}"]
  restrict_oom_score_adj = true
[plugins."{cri}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"  # must survive
""")

    # --- what is under test

    def command(self, action, *arguments):
        return [program("wherry"), "node", action, "--config", self.config, "--socket", self.address, "--bin-dir", self.bin,
                "--state", self.state, "--restart-command", self.script, "--timeout", "20s", *arguments]

    def node(self, action, *arguments, check=0):
        command = [str(word) for word in self.command(action, *arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._environment) as child:
            output, errors = child.communicate(timeout=TIMEOUT)
        equal(child.returncode, check, f"exit code of {action} ({output}{errors})")
        equal(list(cgroups(f"wherry-node-trial-{child.pid}")), [], "cgroups of the test container")
        return subprocess.CompletedProcess(command, child.returncode, output, errors)

    def handlers(self):
        dump = subprocess.run([self.binary, "--config", self.config, "config", "dump"], capture_output=True, text=True).stdout
        return {name for name in ("runc", "wherry") if f"containerd.runtimes.{name}]" in dump}

    def restart_count(self):
        return self.restarts.read_text().count("\n") if self.restarts.exists() else 0

    def answers(self):
        return self.ctr("version", check=False).returncode == 0


def node_of(kind):
    for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
        program(name)
    if os.geteuid() != 0:
        raise Skip("needs root")
    find, version, imports = KINDS[kind]
    return Node(find(), version, imports)


def configuration(node):
    return {str(p): p.read_bytes() for p in node.directory.glob("*.toml")} | \
           {str(p): p.read_bytes() for p in node.directory.glob("conf.d/*")}


def whole_life(kind):
    with node_of(kind) as node:
        before = configuration(node)
        first = node.node("install").stdout
        assert "test container of the new binaries: ran" in first and "test container after the restart: ran" in first, first
        equal((node.handlers(), node.restart_count()), ({"runc", "wherry"}, 1), "handlers and restarts")
        equal(configuration(node) == before, False, "configuration unchanged")
        second = node.node("install").stdout
        assert "nothing to change" in second, second
        equal(node.restart_count(), 1, "restarts")
        report = json.loads(node.node("status", "--json").stdout)
        equal(report["problems"], 0, "problems")
        node.node("uninstall")
        equal((configuration(node), node.handlers(), node.restart_count()), (before, {"runc"}, 2), "configuration, handlers and restarts")
        assert not node.bin.exists() and not node.state.exists(), "files are left"
        namespaces = node.ctr("namespaces", "ls", "-q").stdout.split()
        assert "wherry-node-trial" not in namespaces, namespaces


def rolls_back():
    with node_of("containerd 1.6") as node:
        before = configuration(node)
        # the daemon dies of the new handler, as it may of a plug-in that does not start
        node.write_script(f"grep -q runtimes.wherry {node.config} && kill $(cat {node.pid_file}) && exit 3")
        done = node.node("install", "--timeout", "5s", check=1)
        assert "ended with 3" in done.stderr and "the configuration is as before" in done.stderr, done.stderr
        equal(configuration(node), before, "configuration")
        assert node.answers(), "containerd does not run"
        status = node.node("status", check=1).stdout
        assert "it was rolled back: " in status, status
        restarts = node.restart_count()
        watch = subprocess.Popen([str(w) for w in node.command("install", "--watch")], stdout=subprocess.PIPE, text=True)
        line = ""
        while "not tried again" not in line:  # the end of the stream is a failure below
            line = watch.stdout.readline()
            if not line:
                break
        watch.terminate()
        equal((watch.wait(TIMEOUT), "not tried again" in line), (0, True), "exit code of --watch, and what it says")
        equal(node.restart_count(), restarts, "restarts: a watcher would restart containerd for ever")
        node.write_script()
        node.node("install")
        equal(node.handlers(), {"runc", "wherry"}, "handlers")
        node.node("uninstall")
        equal(configuration(node), before, "configuration")


def survives_a_kill():
    with node_of("containerd 1.6") as node:
        before = configuration(node)
        reached = node.directory / "reached"
        node.write_script(f"touch {reached}; while test -e {reached}; do sleep 0.05; done")
        for action, rest in (("install", ["install", "uninstall"]), ("install", ["uninstall"])):
            child = subprocess.Popen([str(w) for w in node.command(action)], stdout=subprocess.DEVNULL, start_new_session=True)
            wait_until(reached.exists, "the restart", timeout=60, alive=child)
            os.killpg(child.pid, signal.SIGKILL)  # with its script: containerd is not restarted
            child.wait()
            reached.unlink()
            assert b"wherry: begin" in node.config.read_bytes(), "killed before the edit"
            assert "was broken off" in node.node("status", check=1).stdout
            script = node.script.read_text()
            node.write_script()
            for again in rest:
                node.node(again)
                if again == "install":
                    equal(node.handlers(), {"runc", "wherry"}, "handlers")
            equal(configuration(node), before, "configuration")
            node.script.write_text(script)


def killed_after(node, action, seconds):
    with subprocess.Popen([str(w) for w in node.command(action)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=node._environment) as child:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()


def survives_kills_at_any_moment(kind):
    seed = int(os.environ.get("WHERRY_NODE_SEED", 1))
    moments = random.Random(seed)
    with node_of(kind) as node:
        before = configuration(node)
        started = time.monotonic()
        node.node("install")
        span = time.monotonic() - started
        installed = configuration(node)
        node.node("uninstall")
        for nth in range(KILLS):
            when = moments.uniform(0, span)
            killed_after(node, "install", when)
            where = f"after kill {nth} at {when:.3f} s, seed {seed}"
            if nth % 2 == 0:
                node.node("install")
                equal((configuration(node), node.handlers()), (installed, {"runc", "wherry"}), f"configuration and handlers {where}")
            killed_after(node, "uninstall", moments.uniform(0, span))
            node.node("uninstall")
            equal((configuration(node), node.handlers(), node.answers()), (before, {"runc"}, True), f"configuration, handlers, answer {where}")
            equal(sorted(node.own.rglob("*")), [], f"what is left {where}")


def shims(directory):
    found = []
    for link in pathlib.Path("/proc").glob("[0-9]*/exe"):
        try:
            if os.readlink(link).startswith(str(directory)):
                found.append(link)
        except OSError:
            pass  # it ended meanwhile
    return found


def running_pods_keep_their_shim():
    with node_of("containerd 1.6") as node:
        node.node("install")
        rootfs = node.directory / "rootfs"
        rootfs.mkdir()
        shutil.copy(pathlib.Path(__file__).parents[1] / "shim" / "guests" / "probe.wasm", rootfs)
        node.ctr("run", "--detach", "--rootfs", "--runtime", node.bin / "containerd-shim-wherry-v1", rootfs, "pod", "/probe.wasm", "loop")
        refused = node.node("uninstall", check=1)
        assert "1 pod runs with it here" in refused.stderr, refused.stderr
        with tempfile.TemporaryDirectory() as other:
            for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
                shutil.copy(BUILD / "bin" / name, other)
            with open(pathlib.Path(other) / "containerd-shim-wherry-v1", "ab") as shim:
                shim.write(b"\0")  # another build, as far as anybody can see
            node.node("install", "--from", other)
            equal(node.tasks()["pod"][1], "RUNNING", "the pod after the upgrade")
            equal(node.restart_count(), 1, "restarts: none for binaries alone")
            refused = node.node("uninstall", check=1)
            assert "1 pod runs" in refused.stderr, refused.stderr
        node.remove("pod")
        wait_until(lambda: not shims(node.bin), "the end of the shim")
        node.node("uninstall")


def one_at_a_time():
    with node_of("containerd 1.6") as node:
        reached = node.directory / "reached"
        node.write_script(f"touch {reached}; while test -e {reached}; do sleep 0.05; done")
        child = subprocess.Popen([str(w) for w in node.command("install")], stdout=subprocess.DEVNULL)
        wait_until(reached.exists, "the restart", timeout=60, alive=child)
        refused = node.node("install", check=1)
        assert "another `wherry node` is at work here" in refused.stderr, refused.stderr
        reached.unlink()
        equal(child.wait(TIMEOUT), 0, "exit code of the first")


def an_import_that_replaces_the_table():
    """containerd 1.x takes an imported plug-in's table for the whole of it: no edit of the file can add a handler."""
    with node_of("containerd 1.7 with imports") as node:
        (node.directory / "conf.d").mkdir()
        (node.directory / "conf.d" / "other.toml").write_text("version = 2\n" + "".join(
            f'[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]\n  runtime_type = "io.containerd.runc.v2"\n' for name in ("runc", "other")))
        before = configuration(node)
        done = node.node("install", check=1)
        assert "with the edit containerd does not see handler `wherry`; the configuration is as before" in done.stderr, done.stderr
        equal((configuration(node), node.answers(), node.restart_count()), (before, True, 0), "configuration, answer and restarts")


def many_at_once():
    with node_of("containerd 2.4, version 3") as node:
        before = configuration(node)
        started = [subprocess.Popen([str(w) for w in node.command("install")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                    text=True, env=node._environment) for _ in range(8)]
        errors = [child.communicate(timeout=TIMEOUT)[1] for child in started]
        codes = [child.returncode for child in started]
        assert set(codes) <= {0, 1} and 0 in codes, codes
        for code, error in zip(codes, errors):
            assert code == 0 or ("another `wherry node` is at work here" in error and error.count("\n") == 1), error
        equal((node.handlers(), node.restart_count()), ({"runc", "wherry"}, 1), "handlers and restarts")
        node.node("uninstall")
        equal(configuration(node), before, "configuration")


def broken_binaries_replace_nothing():
    with node_of("containerd 1.6") as node:
        before = configuration(node)
        with tempfile.TemporaryDirectory() as other:
            for name in ("wherry", "wherryc"):
                shutil.copy(BUILD / "bin" / name, other)
            broken = pathlib.Path(other) / "containerd-shim-wherry-v1"
            broken.write_text("#!/bin/sh\nexit 1\n")
            done = node.node("install", "--from", other, check=1)
            assert "the test container ended with" in done.stderr, done.stderr
        equal((configuration(node), node.restart_count()), (before, 0), "configuration and restarts")
        assert not (node.bin / "containerd-shim-wherry-v1").exists(), "the broken shim is in place"


def add_tests(suite):
    for kind in KINDS:
        suite.test(f"{kind}: install, status, uninstall, each with containerd's consent")(lambda kind=kind: whole_life(kind))
    for kind in ("containerd 1.7", "containerd 2.4, version 4 with imports"):
        suite.test(f"{kind}: killed at any moment of an installation, the next call finishes or undoes it")(
            lambda kind=kind: survives_kills_at_any_moment(kind))
    for function in (rolls_back, survives_a_kill, running_pods_keep_their_shim, one_at_a_time, many_at_once, an_import_that_replaces_the_table, broken_binaries_replace_nothing):
        suite.test(function.__name__.replace("_", " "))(function)
