# SPDX-License-Identifier: Apache-2.0
"""A private dockerd over a private containerd: own data, sockets, containerd namespace and cgroups."""
import os
import re
import shutil
import subprocess

import tools
from containerd import WHERRY
from suite import BUILD, Skip, wait_until

TIMEOUT = 60
FIRST_CLIENT = 25  # that speaks what the daemon still understands


def programs():
    """(dockerd, docker); skips where they are missing or too old."""
    daemon = next(tool.path for tool in tools.TOOLS if tool.name == "dockerd")
    if not tools.is_built("docker"):
        raise Skip("no dockerd that takes a shim by its name: `tests/lib/tools.py docker` builds one, Debian's 20.10 is too old")
    for client in dict.fromkeys(filter(None, (shutil.which("docker"), "/usr/local/bin/docker", "/usr/bin/docker"))):
        if os.path.exists(client) and _major(client) >= FIRST_CLIENT:
            return daemon, client
    raise Skip(f"no docker client of version {FIRST_CLIENT} or newer")


def _major(client):
    text = subprocess.run([client, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"version (\d+)\.", text)
    return int(found[1]) if found else 0


class Docker:
    """Use as a context manager, inside a Containerd and in network namespaces of one's own."""

    def __init__(self, containerd):
        self.containerd = containerd
        self.daemon, self.client = programs()
        self.place = containerd.directory / "docker"
        self.socket = self.place / "docker.sock"
        self.log = self.place / "log"
        self.process = None

    def __enter__(self):
        self.place.mkdir()
        (self.place / "daemon.json").write_text("{}")  # not the machine's
        environment = dict(os.environ, PATH=f"{BUILD / 'bin'}:{os.environ['PATH']}", DOCKER_RAMDISK="1")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.daemon, "--host", f"unix://{self.socket}", "--data-root", self.place / "data", "--exec-root", self.place / "exec",
                 "--pidfile", self.place / "pid", "--containerd", self.containerd.address,
                 "--containerd-namespace", self.containerd.namespace, "--containerd-plugins-namespace", self.containerd.namespace + "-plugins",
                 "--cgroup-parent", f"/{self.containerd.namespace}", "--iptables=false", "--ip6tables=false", "--bridge=none", "--userland-proxy=false",
                 "--storage-driver", "vfs", "--config-file", self.place / "daemon.json"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            wait_until(lambda: self("version", check=False).returncode == 0, "answer of dockerd", timeout=TIMEOUT, alive=self.process)
        except AssertionError as error:
            self.__exit__()
            raise AssertionError(f"{error}: {self.log_text()[-800:]}") from error
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            names = self("ps", "-aq", check=False).stdout.split()
            if names:
                self("rm", "--force", *names, check=False)
            self.process.terminate()
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        subprocess.run(["umount", "--recursive", "--lazy", self.place / "exec" / "netns"], capture_output=True)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def command(self, *arguments):
        return [self.client, "--host", f"unix://{self.socket}", *map(str, arguments)]

    def __call__(self, *arguments, check=True, stdin=None):
        """Runs the client to its end."""
        environment = dict(os.environ, DOCKER_CONFIG=str(self.place / "client"))
        done = subprocess.run(self.command(*arguments), env=environment, capture_output=True, text=True, errors="replace",
                              input=stdin or "", timeout=TIMEOUT)
        assert not check or done.returncode == 0, f"docker {arguments[0]} exited {done.returncode}: {done.stderr.strip()}"
        return done

    def run(self, *arguments, check=False, **keywords):
        return self("run", "--runtime", WHERRY, *arguments, check=check, **keywords)
