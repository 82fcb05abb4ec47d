# SPDX-License-Identifier: Apache-2.0
"""A node of one's own: containerd with CRI in its own network, mount, pid, IPC and cgroup namespaces.

    with Node("2.4") as node:
        node.run("crictl", "info")

Nothing leaves the network namespace, /run and /var are private, and the end of the namespace's first process ends every
daemon, shim and container. All of a node's cgroups are below one of its name, which is the root that its processes see.
"""
import contextlib
import functools
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import images  # noqa: E402
import tools  # noqa: E402
from console import Console  # noqa: E402
from store import Store  # noqa: E402
from suite import Skip, wait_until  # noqa: E402

CGROUPS = pathlib.Path("/sys/fs/cgroup")
REGISTRY_PORT = 5000
NODE_ADDRESS = "10.200.0.1"
POD_NETWORK = "10.244.0.0/16"
# What the kubelet sets for the whole machine. The node sees files that hold these values already, so the machine's stay.
KUBELET_SYSCTLS = {"vm/overcommit_memory": 1, "kernel/panic": 10, "kernel/panic_on_oops": 1,
                   "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}

# The first process. After its cgroup has become the root, it moves to a leaf (version 2 wants that), then waits for ever.
INIT = r"""
set -e
mount --make-rshared /
for group in $GROUPS_OF_NODE; do
  mkdir -p $group/daemons
  case $group in */cpuset/*) for f in cpus mems; do cat $group/cpuset.$f > $group/daemons/cpuset.$f; done;; esac
  echo 0 > $group/daemons/cgroup.procs
done
for group in $GROUPS_OF_NODE; do
  mount --bind $group ${group%/*}
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns /run/containerd $NODE/var $NODE/proc
mount -t tmpfs tmpfs $NODE/var
mkdir $NODE/var/upper $NODE/var/work
mount -t overlay -o lowerdir=/var,upperdir=$NODE/var/upper,workdir=$NODE/var/work overlay /var
mkdir -p /var/lib/kubelet /var/log/containers /var/cache
mount -t tmpfs -o mode=755 tmpfs /var/cache
mount --bind $NODE/kubelet /var/lib/kubelet
mount -t proc proc $NODE/proc  # whole: without one, user namespaces may not mount their own
for name in $SYSCTLS; do
  mount --bind $NODE/sysctl/$name /proc/sys/$name
done
ip link set lo up
ip link add wn0 type veth peer name wn1  # in place of a network card; nothing is behind it
ip addr add $ADDRESS/24 dev wn0
ip link set wn0 up
ip link set wn1 up
ip route add default dev wn0  # so that service addresses have a route
echo 1 > /proc/sys/net/ipv4/ip_forward
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
ln -s $NODE/c.sock /run/containerd/containerd.sock  # cAdvisor looks only there
touch $NODE/ready
exec sleep infinity
"""
# A daemon joins the node's cgroup, which nsenter does not do.
JOIN = 'for f in /sys/fs/cgroup/daemons/cgroup.procs /sys/fs/cgroup/*/daemons/cgroup.procs; do [ ! -e $f ] || echo 0 > $f; done; exec "$@"'

CNI = {"cniVersion": "1.0.0", "name": "wherry", "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": POD_NETWORK}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": True}}]}

CONFIG = """
root = '{node}/root'
state = '{node}/state'
[grpc]
  address = '{node}/c.sock'
[ttrpc]
  address = '{node}/c.sock.ttrpc'
[debug]
  level = 'debug'
[plugins.'io.containerd.internal.v1.opt']
  path = '{node}/opt'
"""
CONFIG_1 = """version = 2
disabled_plugins = ['io.containerd.snapshotter.v1.blockfile', 'io.containerd.tracing.processor.v1.otlp', 'io.containerd.internal.v1.tracing']
""" + CONFIG + """
[plugins.'io.containerd.grpc.v1.cri']
  sandbox_image = '{pause}'
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
[plugins.'io.containerd.grpc.v1.cri'.cni]
  bin_dir = '{cni}'
  conf_dir = '{node}/cni'
[plugins.'io.containerd.grpc.v1.cri'.registry]
  config_path = '{node}/certs.d'
"""
CONFIG_2 = "version = 3\n" + CONFIG + """
[plugins.'io.containerd.nri.v1.nri']
  socket_path = '{node}/nri.sock'
[plugins.'io.containerd.transfer.v1.local']
  config_path = '{node}/certs.d'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{pause}'
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '{node}/certs.d'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{cni}']
  conf_dir = '{node}/cni'
"""
HANDLER = """[plugins.'{plugin}'.containerd.runtimes.{name}]
  runtime_type = '{type}'
  pod_annotations = ['wherry.dev/*']
  container_annotations = ['wherry.dev/*']
"""
# The shim makes the pods, and streams go over ttrpc.
SANDBOX_API = "  sandboxer = 'shim'\n  io_type = 'streaming'\n"
SETTINGS = {"2.4": (CONFIG_2, "io.containerd.cri.v1.runtime"), "1.7": (CONFIG_1, "io.containerd.grpc.v1.cri"),
            "1.6": (CONFIG_1, "io.containerd.grpc.v1.cri")}


class NodeError(Exception):
    """The node itself, not the thing under test, failed."""


class Daemon:
    """A process of the node, started again with the same arguments."""

    def __init__(self, node, name, command):
        self.node, self.name, self.command = node, name, [str(c) for c in command]
        self.log = node.directory / "log" / name
        self._process = None
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(self.node.inside("/bin/sh", "-c", JOIN, "sh", *self.command), cwd="/", stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, env=self.node.environment, start_new_session=True)

    @property
    def pid(self):
        """The daemon's, seen from outside: the one child of nsenter."""
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children:
            raise NodeError(f"{self.name} has ended: {self.last_lines()}")
        return int(children[0])

    def is_running(self):
        return self._process.poll() is None

    def stop(self, number=signal.SIGTERM):
        if self.is_running():
            with contextlib.suppress(NodeError, ProcessLookupError, FileNotFoundError):
                os.kill(self.pid, number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise NodeError(f"{self.name} does not end") from None

    def stall(self, seconds):
        """Stops it for a while. nsenter stops with its child, and has to be woken too."""
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self._process.pid, signal.SIGCONT)
        os.kill(self.pid, signal.SIGCONT)

    def last_lines(self, count=5):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


class Node:
    """containerd and a registry. containerd: "2.4", "1.7" or "1.6"; shims: a directory that is copied and put first on containerd's PATH;
    handlers: {CRI runtime handler: runtime type}; environment: variables added to containerd's; sandbox_api: our handler makes pods by
    containerd's Sandbox API (2.x)."""

    def __init__(self, containerd="2.4", shims=None, handlers=None, environment=None, fill=None, sandbox_api=False):
        need_root_and_programs()
        binaries, reason = tools.containerd(containerd)
        reason = reason or tools.ensure("cni", "cri")
        if reason:
            raise Skip(reason)
        sweep_dead()
        self.version = containerd
        self.directory = pathlib.Path("/tmp", f"wk-{os.getpid()}-{secrets.token_hex(3)}")
        self.directory.mkdir(mode=0o755)
        for name in ("log", "cni", "kubelet", "certs.d/_default", "registry"):
            (self.directory / name).mkdir(parents=True)
        self.shims = self.directory / "shims"
        if shims:
            shutil.copytree(shims, self.shims)
        self.socket = self.directory / "c.sock"
        self.containerd_log = self.directory / "log" / "containerd"
        self.store = Store(self.directory / "registry")
        self.busybox = images.add_base(self.store)
        if fill:
            fill(self)
        tools.ensure("runc")  # without it there is Debian's
        path = [str(self.shims), str(binaries), str(tools.directory() / "bin"), str(tools.directory() / "runc"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        endpoint = f"unix://{self.socket}"
        self.environment = {**os.environ, "PATH": ":".join(path), "CONTAINERD_ADDRESS": str(self.socket), "CONTAINER_RUNTIME_ENDPOINT": endpoint,
                            "IMAGE_SERVICE_ENDPOINT": endpoint, "KUBECONFIG": str(self.directory / "admin.kubeconfig"), "HOME": "/root",
                            "PYTHONDONTWRITEBYTECODE": "1", "CRI_CONFIG_FILE": str(self.directory / "crictl.yaml"), **(environment or {})}
        self.handlers = handlers or {"runc": "io.containerd.runc.v2", "wherry": "io.containerd.wherry.v1"}
        self.sandbox_api = sandbox_api
        self.daemons = {}
        self._holder = None
        self._binaries = binaries

    def __enter__(self):
        try:
            self._make_namespaces()
            self._configure()
            self.start_registry()
            self.spawn("containerd", self._binaries / "containerd", "--config", self.directory / "config.toml")
            self.wait_containerd()
            for image in (images.PAUSE, images.BUSYBOX):
                self.run("crictl", "pull", image)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Removes all traces. Safe to call twice."""
        if self._holder:
            for daemon in reversed(self.daemons.values()):
                with contextlib.suppress(NodeError):
                    daemon.stop(signal.SIGKILL)
            self._holder.kill()
            self._holder.wait()
            self._holder = None
        remove(self.directory)

    # --- processes

    def inside(self, *command):
        """The argument vector that runs a command in the node's namespaces."""
        return ["nsenter", "-t", str(self.first_pid), "-m", "-n", "-p", "-i", "-C", "-w/", "--", *map(str, command)]

    def spawn(self, name, *command):
        self.daemons[name] = Daemon(self, name, command)
        return self.daemons[name]

    def start_registry(self, rate=0):
        """Starts the registry, or starts it again; rate: bytes a second of one answer."""
        if old := self.daemons.get("registry"):
            old.stop(signal.SIGKILL)
            old.log.unlink()
        registry = self.spawn("registry", sys.executable, HERE / "registry.py", self.directory / "registry", REGISTRY_PORT, rate)
        wait_until(lambda: "listening" in registry.log.read_text(), "registry")

    def run(self, *command, check=True, timeout=120, stdin=None):
        """Runs a command in the node to its end: the CompletedProcess with text."""
        done = subprocess.run(self.inside(*command), env=self.environment, text=True, errors="replace", input=stdin or "",
                              capture_output=True, timeout=timeout)
        if check and done.returncode != 0:
            raise NodeError(f"{' '.join(map(str, command))[:200]} exited {done.returncode}: {(done.stderr.strip() or done.stdout.strip())[-600:]}")
        return done

    def popen(self, *command, **options):
        """Starts a command in the node; it dies with the process that is returned."""
        return subprocess.Popen(self.inside("setpriv", "--pdeathsig", "KILL", "--", *command), env=self.environment, text=True, errors="replace", **options)

    def console(self, *command):
        """Starts a command in the node with a terminal: a Console."""
        full = ["setsid", "--ctty", *self.inside("setpriv", "--pdeathsig", "KILL", "--", *command)]
        return Console(functools.partial(subprocess.Popen, full, env=self.environment))

    def json(self, *command):
        return json.loads(self.run(*command).stdout)

    def wait_containerd(self):
        daemon = self.daemons["containerd"]
        wait_until(lambda: self.run("crictl", "info", check=False).returncode == 0 or not daemon.is_running(), "answer of containerd", 60)
        if not daemon.is_running():
            raise NodeError(f"containerd ended: {daemon.last_lines()}")

    # --- what is there

    def cgroups(self):
        """Every cgroup below the node's own except that of its daemons, seen from outside."""
        return [path for top in node_groups(self.directory.name) for path in subgroups(top) if path.name != "daemons" and path != top]

    def processes(self):
        """{pid: command line} of all that runs in the node, seen from outside."""
        members = {int(pid) for top in node_groups(self.directory.name)[:1] for group in subgroups(top) for pid in _members(group)}
        found = {}
        for pid in sorted(members):
            with contextlib.suppress(OSError):
                found[pid] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return found

    def leftovers(self, timeout=20):
        """What is left when every pod was removed, one line each. Waits a while, since containerd cleans up behind its client."""
        deadline = time.monotonic() + timeout
        while True:
            found = self._leftovers()
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def _leftovers(self):
        own = {d.name for d in self.daemons.values()}
        daemons = {self.daemons[name].pid for name in own} | {self.first_pid, self._holder.pid}
        lines = [f"process {pid} {line[:160]}" for pid, line in self.processes().items() if pid not in daemons]
        root = pathlib.Path("/proc", str(self.first_pid), "root")
        mounts = pathlib.Path("/proc", str(self.first_pid), "mounts").read_text().splitlines()
        lines += [f"mount {m.split()[1]}" for m in mounts if "/state/" in m]
        lines += [f"cgroup {g}" for g in self.cgroups() if len(g.name) == 64]
        lines += [f"socket {p.name}" for p in _listing(root / "run/containerd/s")]
        lines += [f"fifo {p}" for p in (root / "run/containerd/fifo").glob("**/*") if not p.is_dir()]
        lines += [f"bundle {p.name}" for p in self._bundles() if not p.name.startswith(".")]
        return lines

    def hidden_bundles(self):
        """Those that containerd was removing when it died."""
        return [p.name for p in self._bundles() if p.name.startswith(".")]

    def _bundles(self):
        return _listing(self.directory / "state/io.containerd.runtime.v2.task/k8s.io")

    def network_leftovers(self):
        """What is left of pods' networks, which containerd and CNI make."""
        spaces = _listing(pathlib.Path("/proc", str(self.first_pid), "root/run/netns"))
        addresses = [p for p in _listing(self.directory / "addresses/wherry") if p.name[0].isdigit()]
        return [f"network namespace {p.name}" for p in spaces] + [f"address {p.name}" for p in addresses]

    # --- internal

    def _make_namespaces(self):
        groups = make_groups(self.directory.name)
        for name, value in KUBELET_SYSCTLS.items():
            path = self.directory / "sysctl" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
        sysctls = [n for n in KUBELET_SYSCTLS if pathlib.Path("/proc/sys", n).exists()]
        environment = {**os.environ, "NODE": str(self.directory), "GROUPS_OF_NODE": " ".join(map(str, groups)), "ADDRESS": NODE_ADDRESS,
                       "SYSCTLS": " ".join(sysctls)}
        join = 'for g in $GROUPS_OF_NODE; do echo 0 > $g/cgroup.procs; done; exec "$@"'
        with open(self.directory / "log" / "init", "wb") as log:
            self._holder = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "/bin/sh", "-c", join, "sh", "unshare", "--mount", "--propagation", "slave", "--net", "--ipc",
                 "--pid", "--cgroup", "--fork", "--kill-child=SIGKILL", "--mount-proc", "/bin/sh", "-c", INIT],
                env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        ready = self.directory / "ready"
        wait_until(lambda: ready.exists() or self._holder.poll() is not None, "namespaces")
        if not ready.exists():
            raise NodeError(f"no namespaces: {(self.directory / 'log' / 'init').read_text()}")
        children = pathlib.Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        self.first_pid = int(children[0])

    def _configure(self):
        template, plugin = SETTINGS[self.version]
        text = template.format(node=self.directory, cni=tools.directory() / "cni", pause=images.PAUSE)
        text += f"[plugins.'{plugin}'.containerd]\n  default_runtime_name = 'runc'\n"
        for name, kind in self.handlers.items():
            text += HANDLER.format(plugin=plugin, name=name, type=kind) + (SANDBOX_API if self.sandbox_api and name == "wherry" else "")
        (self.directory / "config.toml").write_text(text)
        network = json.loads(json.dumps(CNI))
        network["plugins"][0]["ipam"]["dataDir"] = str(self.directory / "addresses")
        (self.directory / "cni" / "10-wherry.conflist").write_text(json.dumps(network))
        (self.directory / "crictl.yaml").write_text(f"runtime-endpoint: unix://{self.socket}\nimage-endpoint: unix://{self.socket}\n")
        registry = f"http://127.0.0.1:{REGISTRY_PORT}"  # every registry's name means this one
        (self.directory / "certs.d" / "_default" / "hosts.toml").write_text(
            f'server = "{registry}"\n[host."{registry}"]\n  capabilities = ["pull", "resolve"]\n')


def need_root_and_programs():
    if os.geteuid() != 0:
        raise Skip("a node needs root")
    for name in ("nsenter", "unshare", "setpriv", "ip", "iptables", "runc", "cc"):
        if not shutil.which(name):
            raise Skip(f"no {name}")
    if not images.BUSYBOX_PROGRAM.is_file():
        raise Skip("no busybox-static")


def make_groups(name):
    """The node's cgroup in each hierarchy."""
    groups = []
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and point.startswith(str(CGROUPS)):
            group = pathlib.Path(point, name)
            group.mkdir()
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (group / file).exists() and kind == "cgroup":
                    (group / file).write_text((group.parent / file).read_text())
            groups.append(group)
    return groups


def _listing(directory):
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def _members(group):
    try:
        return (group / "cgroup.procs").read_text().split()
    except OSError:
        return []


def node_groups(name):
    return [g for g in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")) if g.is_dir()]


def subgroups(top):
    """A cgroup and all below it, children first."""
    return [pathlib.Path(path) for path, _, _ in os.walk(top, topdown=False)]


def remove(directory):
    """Removes what a node left: its processes, cgroups and files. Its namespaces went with its first process."""
    deadline = time.monotonic() + 20
    for group in (g for top in node_groups(directory.name) for g in subgroups(top)):
        while group.exists():
            with contextlib.suppress(OSError):
                for pid in _members(group):
                    os.kill(int(pid), signal.SIGKILL)
                if (group / "freezer.state").exists():
                    (group / "freezer.state").write_text("THAWED")
            try:
                group.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
    shutil.rmtree(directory, ignore_errors=True)


def sweep_dead():
    """Removes what a harness left that was killed before it could."""
    for directory in pathlib.Path("/tmp").glob("wk-*-*"):
        pid = directory.name.split("-")[1]
        if pid.isdigit() and not pathlib.Path("/proc", pid).exists():
            remove(directory)
