# SPDX-License-Identifier: Apache-2.0
"""A small virtual machine with cgroup v2, for hosts that have v1: a Debian kernel, an initramfs, a shell script.

The packages of the kernel and of what only the machine shall have are downloaded by apt into the cache directory and unpacked, never installed.
"""
import gzip
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

from tools import cache_directory

QEMU = "qemu-system-x86_64"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
BUSYBOX = pathlib.Path("/bin/busybox")
END = "machine: the script ended with "

PAUSE = "wherry.test/pause:1"
# /config.toml of a containerd in the machine: for ctr alone, or with CRI and our handler.
_CONTAINERD = """version = 2
root = "/run/root"
state = "/run/state"
[grpc]
  address = "/run/c.sock"
"""
CONTAINERD = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n' + _CONTAINERD
CONTAINERD_WITH_CRI = _CONTAINERD + f"""[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
  default_runtime_name = "wherry"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wherry]
  runtime_type = "io.containerd.wherry.v1"
"""

# The root is moved to a tmpfs: pivot_root does not work on the initramfs itself.
INIT = """#!/bin/busybox sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
/bin/busybox --install -s /bin
if [ "$1" != moved ]; then
  mkdir /moved
  mount -t tmpfs -o size=90%,mode=755 tmpfs /moved
  for name in /*; do
    [ "$name" = /moved ] || cp -a "$name" /moved/
  done
  exec switch_root /moved /init moved
fi
mkdir -p /proc /sys /dev /tmp /run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
mkdir -p /etc
echo '127.0.0.1 localhost' > /etc/hosts
touch /etc/resolv.conf
if [ -e /run-script.service ]; then
  mkdir -p /etc/systemd/system
  mv /run-script.service /etc/systemd/system/
  exec /lib/systemd/systemd --unit=run-script.service --log-level=warning
fi
/run-script
"""

RUN_SCRIPT = """#!/bin/busybox sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
sh /script 2>&1
echo "machine: the script ended with $?"
sync
poweroff -f
"""

# With systemd as number 1: the only unit there is runs the script.
SYSTEMD = pathlib.Path("/lib/systemd/systemd")
SERVICE = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/run-script
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
Delegate=yes
KillMode=process
TimeoutStartSec=infinity
"""


def missing_reason():
    """Why no machine can be booted here, or None."""
    if not shutil.which(QEMU):
        return f"no {QEMU}"
    if not BUSYBOX.is_file():
        return "no busybox-static"
    try:
        kernel()
    except (OSError, subprocess.SubprocessError) as error:
        return f"no kernel: {error}"
    return None


def kernel():
    """The path of a bootable kernel, downloaded once."""
    directory = cache_directory() / "kernel"
    found = sorted(directory.glob("vmlinuz-*"))
    if found:
        return found[-1]
    directory.mkdir(parents=True, exist_ok=True)
    text = subprocess.run(["apt-cache", "depends", KERNEL_PACKAGE], capture_output=True, text=True, check=True).stdout
    package = re.findall(r"Depends: (linux-image-\S+)", text)
    if not package:
        raise OSError(f"apt knows no {KERNEL_PACKAGE}")
    with tempfile.TemporaryDirectory() as place:
        image = next(_unpack(package[0], place).glob("boot/vmlinuz-*"))
        shutil.copy(image, directory / (image.name + ".new"))
        os.replace(directory / (image.name + ".new"), directory / image.name)
    return directory / image.name


def package(name):
    """The directory of a package's files, downloaded once. Never installed: it may change how this machine boots."""
    directory = cache_directory() / "packages" / name
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as place:
            files = _unpack(name, place)
            try:
                files.rename(directory)
            except OSError:  # another run was faster
                if not directory.is_dir():
                    raise
    return directory


def _unpack(name, place):
    os.chmod(place, 0o755)
    subprocess.run(["apt-get", "-q", "download", name], cwd=place, check=True, capture_output=True, timeout=300)
    archive = next(pathlib.Path(place).glob("*.deb"))
    files = pathlib.Path(place) / "files"
    subprocess.run(["dpkg", "-x", archive, files], check=True, capture_output=True)
    return files


def with_libraries(*programs):
    """{path in the machine: file} of programs and the shared libraries they need, at their own places."""
    files = {}
    for program in map(pathlib.Path, programs):
        files[str(program)] = program
        text = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        for name in re.findall(r"(/\S+) \(0x", text):
            files[name] = pathlib.Path(name)
    return files


def at(directory, file):
    """The file in another directory of the machine, with its libraries."""
    files = with_libraries(file)
    return {**files, f"{directory}/{file.name}": files.pop(str(file))}


def run(files, script, timeout=300, memory="1536M", systemd=False, parameters=""):
    """Boots, runs the script and returns (its exit code or None, what was printed). files: {path: Path or bytes}; parameters: the kernel's."""
    if systemd:
        files = {**files, **with_libraries(SYSTEMD), "/run-script.service": SERVICE.encode()}
    with tempfile.TemporaryDirectory() as place:
        image = pathlib.Path(place) / "initramfs"
        contents = {"/init": INIT.encode(), "/run-script": RUN_SCRIPT.encode(), "/script": script.encode(),
                    "/bin/busybox": BUSYBOX, **files}
        image.write_bytes(gzip.compress(_cpio(contents), 1))
        command = [QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", memory, "-nographic", "-no-reboot",
                   "-net", "none", "-kernel", kernel(), "-initrd", image,
                   "-append", "console=ttyS0 quiet panic=-1 systemd.unified_cgroup_hierarchy=1 " + parameters]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
            output = done.stdout
        except subprocess.TimeoutExpired as late:
            output = late.stdout or b""
    text = output.decode(errors="replace").replace("\r\n", "\n")
    ended = re.search(f"{END}(\\d+)", text)
    return (int(ended[1]) if ended else None), text


def _cpio(contents):
    """An archive in the "newc" format that the kernel unpacks."""
    out = bytearray()
    entries = {}
    for path, content in contents.items():
        parts = path.strip("/").split("/")
        for i in range(1, len(parts)):
            entries.setdefault("/".join(parts[:i]), None)
        entries["/".join(parts)] = content
    for number, (name, content) in enumerate(sorted(entries.items()), 1):
        if content is None:
            _entry(out, number, name, stat.S_IFDIR | 0o755, b"")
        else:
            data = content if isinstance(content, bytes) else content.read_bytes()
            _entry(out, number, name, stat.S_IFREG | 0o755, data)
    _entry(out, 0, "TRAILER!!!", 0, b"")
    return bytes(out)


def _entry(out, inode, name, mode, data):
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    out += b"070701" + "".join(f"{f:08x}" for f in fields).encode() + name.encode() + b"\0"
    out += bytes(-len(out) % 4) + data
    out += bytes(-len(out) % 4)
