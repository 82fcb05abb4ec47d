# SPDX-License-Identifier: Apache-2.0
"""A private CRI-O with our OCI runtime as its handler: own storage, sockets, networks and cgroups."""
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess

import tools
from image import write_image
from remains import cgroups, remove_cgroups
from suite import Skip, program, wait_until

PAUSE = "localhost/pause:1"  # asked for, and never executed
CONFIG = """
[crio]
root = "{0}/root"
runroot = "{0}/runroot"
storage_driver = "vfs"
log_dir = "{0}/log"
version_file = "{0}/version"
version_file_persist = "{0}/version-persist"
clean_shutdown_file = "{0}/clean"
[crio.api]
listen = "{0}/crio.sock"
stream_address = "127.0.0.1"
stream_port = "0"
[crio.runtime]
default_runtime = "wherry"
conmon_cgroup = "pod"
cgroup_manager = "cgroupfs"
hooks_dir = ["{0}/hooks"]
pinns_path = "{0}/pinns"
namespaces_dir = "{0}/ns"
container_exits_dir = "{0}/exits"
container_attach_socket_dir = "{0}/attach"
[crio.runtime.runtimes.wherry]
runtime_path = "{1}"
runtime_type = "oci"
runtime_root = "{0}/wherry"
monitor_path = "{2}"
[crio.image]
pause_image = "{3}"
signature_policy = "{0}/policy.json"
[crio.network]
network_dir = "{0}/networks"
plugin_dirs = ["{4}"]
[crio.nri]
enable_nri = false
"""


class Crio:
    """Use as a context manager, in network and mount namespaces of one's own."""

    def __init__(self):
        self.name = f"wc-{os.getpid()}-{secrets.token_hex(3)}"
        self.directory = pathlib.Path("/tmp", self.name)
        self.environment = {**os.environ, "WHERRY_CACHE": str(self.directory / "cache"), "CONTAINERS_STORAGE_CONF": str(self.directory / "storage.conf"),
                            "CONTAINERS_REGISTRIES_CONF": str(self.directory / "registries.conf"), "CRI_CONFIG_FILE": str(self.directory / "crictl.yaml")}
        self.process = None

    def __enter__(self):
        self.directory.mkdir(mode=0o755)
        try:
            self._write_files()
            self._build_pinns()
            self.add_image(PAUSE, {"pause": b"not a program"}, ["/pause"])
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            if self.process.poll() is None:
                self.crictl("rmp", "--all", "--force", check=False)
            self.stop()
        remove_cgroups(self.name)
        subprocess.run(f"for m in $(awk '{{print $2}}' /proc/mounts | grep {self.directory}/ | sort -r); do umount -l $m; done", shell=True, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        with open(self.directory / "crio.log", "ab") as log:
            command = [tools.directory() / "bin" / "crio", "--config", self.directory / "crio.conf", "--config-dir", ""]
            self.process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        ready = '"type": "NetworkReady"'
        wait_until(lambda: self.crictl("info", check=False).stdout.replace('"status": false,\n        ' + ready, "").count(ready) == 1, "ready CRI-O", alive=self.process)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(20)

    def crictl(self, *arguments, check=True, **keywords):
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=60, **keywords)
        assert not check or done.returncode == 0, f"crictl {arguments[0]}: {(done.stderr + done.stdout).strip()[-600:]}"
        return done

    def command(self, *arguments):
        return [tools.directory() / "bin" / "crictl", *map(str, arguments)]

    def add_image(self, name, files, entrypoint):
        archive = write_image(self.directory / "image.tar", name, files, entrypoint)
        self._import(archive, name)

    def pack(self, module, name):
        archive = self.directory / "image.tar"
        subprocess.run([program("wherry"), "pack", module, "-t", name, "-o", archive], check=True, stdout=subprocess.DEVNULL)
        self._import(archive, name)

    def write(self, name, document):
        path = self.directory / name
        path.write_text(json.dumps(document))
        return path

    def leftovers(self):
        """What is there of pods when there are none."""
        left = [f"cgroup {path}" for path in cgroups(self.name) if path.name != self.name and "conmon" not in path.name]  # those are CRI-O's to remove
        left += [f"state {path}" for path in (self.directory / "wherry").glob("*") if (self.directory / "wherry").is_dir()]
        mounts = [pathlib.Path(line.split()[1]) for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        return left + [f"mount {m}" for m in mounts if self.directory in m.parents and self.directory / "root" not in m.parents]

    # --- internal

    def _write_files(self):
        place, conmon = self.directory, shutil.which("conmon")
        for name in ("networks", "hooks"):
            (place / name).mkdir()
        (place / "crio.conf").write_text(CONFIG.format(place, program("wherry-oci"), conmon, PAUSE, tools.directory() / "cni"))
        (place / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (place / "registries.conf").write_text("")
        (place / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\nrunroot = "{place}/runroot"\ngraphroot = "{place}/root"\n')
        (place / "crictl.yaml").write_text(f"runtime-endpoint: unix://{place}/crio.sock\nimage-endpoint: unix://{place}/crio.sock\n")
        addresses = {"type": "host-local", "dataDir": str(place / "addresses"), "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}
        network = {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": addresses}]}
        (place / "networks" / "10.conflist").write_text(json.dumps(network))

    def _build_pinns(self):
        """CRI-O's own program that keeps namespaces, in C."""
        sources = tools.module_directory("crio") / "pinns" / "src"
        if not shutil.which("gcc"):
            raise Skip("no gcc to build CRI-O's pinns")
        subprocess.run(["gcc", "-std=c99", "-Os", "-w", "-o", self.directory / "pinns", *sources.glob("*.c")], check=True, capture_output=True)

    def _import(self, archive, name):
        target = f"containers-storage:[vfs@{self.directory}/root+{self.directory}/runroot]{name}"
        done = subprocess.run(["skopeo", "--insecure-policy", "copy", f"oci-archive:{archive}", target], env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"skopeo: {done.stderr.strip()[-500:]}"
