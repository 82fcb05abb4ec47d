# SPDX-License-Identifier: Apache-2.0
"""Stand-ins of the distributions: what each does with its configuration at a start, and then a real containerd.

The distributions' own programs can not be had from package registries, so this is their way as their sources have it: where the files are,
what is rendered, merged or replaced, how containerd is called, and who restarts it. All of it runs on a machine's file system of its
own (`private_machine.py`), at the paths that the distributions have.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import tomllib

import tools

ANSWER = 30
RESTARTS = pathlib.Path("/run/restarts")
CRI = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
NOT_NEEDED = 'disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.devmapper"]'


def base(version, first="", systemd_cgroup=False):
    """What k3s and the like give containerd of their own."""
    return f"""# written by {{{{ .Program }}}}
version = {version}
{first}
{NOT_NEEDED}
[plugins."{CRI[version]}"]
  enable_unprivileged_ports = true
  restrict_oom_score_adj = true
[plugins."{CRI[version]}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."{CRI[version]}".containerd.runtimes.runc.options]
  SystemdCgroup = {str(systemd_cgroup).lower()}
"""


# program, what shows that it runs the machine, its arguments
SYSTEMD = ("systemctl", "/run/systemd/system", "is-active --quiet {}", "restart {}")
OPENRC = ("rc-service", "/run/openrc", "{} status", "{} restart")


class Standin:
    """Runs containerd as a service, which a script in the place of the service manager's program restarts."""
    manager = SYSTEMD
    service = "containerd"
    socket = "/run/containerd/containerd.sock"
    config = pathlib.Path("/etc/containerd/config.toml")
    bin = pathlib.Path("/usr/local/bin")
    program = "containerd"
    root, state = "/var/lib/containerd", "/run/containerd"
    systemd_cgroup = False  # runc's handler has it: no pod can be started then, for want of a systemd

    def __init__(self, containerd, place, name):
        self.place, self.name, self.process, self.refuses = place, name, None, b""
        self.bin.mkdir(parents=True, exist_ok=True)
        shutil.copy(containerd / "containerd", self.bin / self.program)
        shutil.copy(containerd / "ctr", self.bin / "ctr")
        self._service_manager()

    # --- what a distribution says of itself

    def prepare(self):
        """Makes the configuration of this start."""

    def edited(self):
        """The file that `wherry node` has to edit."""
        return self.config

    def files(self):
        """All that a person could have written."""
        return {str(p): p.read_bytes() for d in self.directories() for p in d.rglob("*") if p.is_file()}

    def directories(self):
        return [self.config.parent]

    def expected_program(self):
        return self.bin / "containerd"

    # --- the service

    def start(self):
        self.prepare()
        if self.refuses and any(self.refuses in content for content in self.files().values()):
            raise RuntimeError("the service does not start")
        pathlib.Path(self.socket).parent.mkdir(parents=True, exist_ok=True)
        with open("/run/containerd.log", "a") as log:
            self.process = subprocess.Popen([self.bin / "containerd", "--config", self.config, "--address", self.socket,
                                             "--root", self.root, "--state", self.state], stdout=log, stderr=log)
        deadline = time.monotonic() + ANSWER
        while self.ctr("version").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"containerd does not answer: {pathlib.Path('/run/containerd.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(ANSWER)

    def restart(self):
        with open(RESTARTS, "a") as log:
            log.write("restart\n")
        self.stop()
        self.start()

    def restarts(self):
        return RESTARTS.read_text().count("\n") if RESTARTS.exists() else 0

    def ctr(self, *arguments):
        return subprocess.run([self.bin / "ctr", "--address", self.socket, *arguments], capture_output=True, text=True)

    def crictl(self, *arguments):
        command = [tools.directory() / "bin" / "crictl", "--runtime-endpoint", f"unix://{self.socket}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER)
        assert done.returncode == 0, f"crictl {' '.join(map(str, arguments))}: {done.stderr}"
        return done.stdout.strip()

    def handlers(self):
        """Those of the daemon that runs, in its own words."""
        info = json.loads(self.crictl("info"))
        found = info.get("config", {}).get("containerd", {}).get("runtimes") or {}
        return {*found, *(h.get("name", "") for h in info.get("runtimeHandlers") or [])} & {"runc", "wherry"}

    def _service_manager(self):
        program, evidence, is_active, restart = self.manager
        pathlib.Path(evidence).mkdir(parents=True)
        for name in ("ask", "answer"):
            os.mkfifo(f"/run/{name}")
        script = pathlib.Path("/usr/local/sbin") / program
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"""#!/bin/sh
case "$*" in
"{is_active.format(self.service)}") exit 0;;
"{restart.format(self.service)}") echo restart >/run/ask; read answer </run/answer; exit "$answer";;
*) exit 4;;
esac
""")
        script.chmod(0o755)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            with open("/run/ask") as ask:
                ask.read()
            try:
                self.restart()
                answer = "0"
            except RuntimeError:
                answer = "1"
            with open("/run/answer", "w") as out:
                out.write(answer + "\n")


class Rancher(Standin):
    """k3s: writes the configuration from the first template that is there, with its own configuration as `base`."""
    service = "k3s"
    socket = "/run/k3s/containerd/containerd.sock"
    state = "/run/k3s/containerd"
    data = pathlib.Path("/var/lib/rancher/k3s")
    beside, program, link = "k3s", "k3s", True
    versions, imports = (3, 2), False

    def __init__(self, *where):
        self.bin = self.data / "data/0123abcd/bin"
        self.root = str(self.data / "agent/containerd")
        self.config = self.data / "agent/etc/containerd/config.toml"
        self.config.parent.mkdir(parents=True)
        super().__init__(*where)
        if self.link:
            (self.bin / "containerd").symlink_to(self.program)
        (self.bin / self.beside).touch()
        pathlib.Path("/usr/local/bin/k3s").write_text(f'#!/bin/sh\n[ "$1" = ctr ] && shift && exec {self.bin}/ctr "$@"\nexit 3\n')
        pathlib.Path("/usr/local/bin/k3s").chmod(0o755)

    def template(self, version):
        return self.config.parent / ("config.toml.tmpl" if version == 2 else f"config-v{version}.toml.tmpl")

    def prepare(self):
        version = next((v for v in self.versions if self.template(v).exists()), self.versions[0])
        own = pathlib.Path("/run/base.toml")
        own.write_text(base(version, f'imports = ["{self.config.parent}/config-v{version}.toml.d/*.toml"]' if self.imports else "", self.systemd_cgroup))
        user = self.template(version) if self.template(version).exists() else own
        done = subprocess.run([self.place / "render", user, own], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        self.config.write_text(done.stdout)

    def edited(self):
        if self.imports:
            return self.config.parent / f"config-v{self.versions[0]}.toml.d/wherry.toml"
        return self.template(self.versions[0])

    def files(self):
        return {n: c for n, c in super().files().items() if n != str(self.config)}


class K3sOld(Rancher):
    """With containerd 1.7 there is no other template."""
    versions = (2,)


class K3sAgentOpenRc(Rancher):
    """An agent, on Alpine."""
    service, manager = "k3s-agent", OPENRC


class K3sImports(Rancher):
    imports = True


class K3sMine(Rancher):
    """Somebody has a template of the old kind: it is what counts, with containerd 2 too."""

    def __init__(self, *where):
        super().__init__(*where)
        self.template(2).write_text('# mine\n{{ template "base" . }}\n')

    def edited(self):
        return self.template(2)


class K3sElsewhere(Rancher):
    """--data-dir"""
    data = pathlib.Path("/srv/k3s")


class Rke2(Rancher):
    service = "rke2-server"
    systemd_cgroup = True
    data = pathlib.Path("/var/lib/rancher/rke2")
    beside, program, link = "kubelet", "containerd", False

    def __init__(self, *where):
        super().__init__(*where)
        pathlib.Path("/usr/local/bin/k3s").unlink()
        (self.data / "bin").symlink_to(self.bin)


class Rke2Elsewhere(Rke2):
    data = pathlib.Path("/srv/rke2")


class MicroK8s(Standin):
    """Replaces variables in its template."""
    service = "snap.microk8s.daemon-containerd"
    data, common = pathlib.Path("/var/snap/microk8s/7"), pathlib.Path("/var/snap/microk8s/common")
    bin = pathlib.Path("/snap/microk8s/7/bin")
    socket = "/var/snap/microk8s/common/run/containerd.sock"
    root, state = "/var/snap/microk8s/common/var/lib/containerd", "/var/snap/microk8s/common/run/containerd"

    def __init__(self, *where):
        super().__init__(*where)
        self.config = self.data / "args/containerd.toml"
        self.config.parent.mkdir(parents=True)
        pathlib.Path("/var/snap/microk8s/current").symlink_to("7")
        pathlib.Path("/snap/microk8s/current").symlink_to("7")
        self.edited().write_text(base(2).replace("{{ .Program }}", "us") + f"""
[plugins."{CRI[2]}".cni]
  bin_dir = "${{SNAP_DATA}}/opt/cni/bin"
""")

    def prepare(self):
        self.config.write_text(self.edited().read_text().replace("${SNAP_DATA}", str(self.data)))

    def edited(self):
        return pathlib.Path("/var/snap/microk8s/current/args/containerd-template.toml")

    def files(self):
        return {n: c for n, c in super().files().items() if n != str(self.config)}


class K0s(Standin):
    """Merges its drop-ins into its own table, and hangs containerd up when one changes."""
    service = "k0sworker"
    socket = "/run/k0s/containerd.sock"
    root, state = "/var/lib/k0s/containerd", "/run/k0s/containerd"
    bin = pathlib.Path("/var/lib/k0s/bin")
    config = pathlib.Path("/etc/k0s/containerd.toml")
    drop_ins = pathlib.Path("/etc/k0s/containerd.d")
    mark = "# k0s_managed=true\n"

    def __init__(self, *where):
        self.drop_ins.mkdir(parents=True)
        super().__init__(*where)
        pathlib.Path("/usr/local/bin/k0s").write_text(f'#!/bin/sh\n[ "$1" = ctr ] && shift && exec {self.bin}/ctr "$@"\nexit 3\n')
        pathlib.Path("/usr/local/bin/k0s").chmod(0o755)
        threading.Thread(target=self._watch, daemon=True).start()

    def managed(self):
        return not self.config.exists() or self.mark in self.config.read_text()

    def prepare(self):
        if not self.managed():
            return
        own = tomllib.loads(base(2, systemd_cgroup=self.systemd_cgroup))
        for file in sorted(self.drop_ins.glob("*.toml")):
            merge(own, tomllib.loads(file.read_text()))
        pathlib.Path("/run/k0s").mkdir(exist_ok=True)
        pathlib.Path("/run/k0s/containerd-cri.toml").write_text("version = 2\n" + toml({"plugins": own["plugins"]}))
        self.config.write_text(f'{self.mark}version = 2\n{NOT_NEEDED}\nimports = ["/run/k0s/containerd-cri.toml"]\n')

    def edited(self):
        return self.drop_ins / "wherry.toml"

    def _state(self):
        return {(p.name, p.stat().st_mtime_ns) for p in self.drop_ins.glob("*.toml")}

    def _watch(self):
        seen = self._state()
        while True:
            time.sleep(0.2)
            now = self._state()
            if now == seen or not self.process:
                continue
            seen = now
            self.prepare()
            with open(RESTARTS, "a") as log:
                log.write("hang up\n")
            self.stop(signal.SIGHUP)
            time.sleep(0.5)
            try:
                self.start()
            except RuntimeError:
                pass  # tried again at the next change


class K0sSystemd(K0s):
    """runc's table is in the file that is imported only."""
    systemd_cgroup = True


class K0sMine(K0s):
    """Somebody has taken the configuration over: k0s merges nothing."""
    systemd_cgroup = True

    def __init__(self, *where):
        super().__init__(*where)
        self.config.write_text(base(2, systemd_cgroup=True).replace("{{ .Program }}", "me"))

    def edited(self):
        return self.config


class Kind(Standin):
    """The file of kind's node image, from its Go module."""
    systemd_cgroup = True

    def __init__(self, *where):
        super().__init__(*where)
        self.config.parent.mkdir(parents=True, exist_ok=True)
        for file in self.config.parent.iterdir():
            file.unlink()
        shutil.copy(self.place / "kind.toml", self.config)
        (self.config.parent / "cri-base.json").write_text(self.spec())

    def spec(self):
        done = subprocess.run([self.bin / "ctr", "oci", "spec"], capture_output=True, text=True, check=True)
        return done.stdout


class Kubeadm(Standin):
    """`containerd config default`, of the version that it is."""

    def __init__(self, *where):
        super().__init__(*where)
        self.config.parent.mkdir(parents=True, exist_ok=True)
        for file in self.config.parent.iterdir():
            file.unlink()
        default = subprocess.run([self.bin / "containerd", "config", "default"], capture_output=True, text=True, check=True).stdout
        self.config.write_text(default)

    def edited(self):
        text = self.config.read_text()
        imported = "/etc/containerd/conf.d/*.toml" in text and "version = 2" not in text
        return self.config.parent / "conf.d/wherry.toml" if imported else self.config


def merge(table, patch):
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            merge(table[key], value)
        else:
            table[key] = value


def toml(table, path=()):
    """Tables of strings, numbers, truth values and lists of strings are all that is needed."""
    plain = {k: v for k, v in table.items() if not isinstance(v, dict)}
    text = f"[{'.'.join(json.dumps(p) for p in path)}]\n" if path else ""
    text += "".join(f"{json.dumps(k)} = {json.dumps(v)}\n" for k, v in plain.items())
    return text + "".join(toml(v, (*path, k)) for k, v in table.items() if isinstance(v, dict))
