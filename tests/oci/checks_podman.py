# SPDX-License-Identifier: Apache-2.0
"""Podman with wherry-oci for its runtime."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from bundle import BUSYBOX, HTTPBIN
from checks_terminal import at_terminal, read_until
from suite import Skip, equal, guest, program, wait_until

# Podman asks for limits that not every machine lets root have.
OPTIONS = ("--network=none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")


class Podman:
    def __init__(self, place):
        self.place = place
        (place / "storage.conf").write_text(f'[storage]\ndriver = "vfs"\nrunroot = "{place}/run"\ngraphroot = "{place}/graph"\n')
        self._environment = dict(os.environ, CONTAINERS_STORAGE_CONF=str(place / "storage.conf"), WHERRY_CACHE=str(place / "cache"))
        # Not by --runtime-flag: podman 4.3 forgets it where its stop or start deletes the container itself.
        runtime = place / "wherry-oci"
        runtime.write_text(f'#!/bin/sh\nexec {program("wherry-oci")} --root={place}/oci "$@"\n')
        runtime.chmod(0o755)
        self._base = [shutil.which("podman"), "--cgroup-manager=cgroupfs", "--events-backend=none", "--tmpdir", f"{place}/tmp",
                      "--runtime", str(runtime)]

    def run(self, *words, typed=""):
        done = subprocess.run([*self._base, *map(str, words)], input=typed.encode(), capture_output=True, env=self._environment, timeout=120)
        # By hand: what a terminal makes of the end of a line shall be seen.
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    @contextlib.contextmanager
    def started(self, *words, **streams):
        """One command as a process; killed at the end of the block if it still runs."""
        process = subprocess.Popen([*self._base, *map(str, words)], env=self._environment, **streams)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def ok(self, *words):
        done = self.run(*words)
        equal(done.returncode, 0, f"{words[0]} ({done.stderr[-400:]})")
        return done.stdout

    def load(self, module, name):
        image = self.place / "image.tar"
        subprocess.run([program("wherry"), "pack", module, "-t", name, "-o", image], check=True, capture_output=True)
        self.ok("load", "-i", image)


def users_of(directory):
    """The processes that have it on their command line."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if directory.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


@contextlib.contextmanager
def podman():
    if not shutil.which("podman"):
        raise Skip("podman is not installed")
    with tempfile.TemporaryDirectory(prefix="wp-", ignore_cleanup_errors=True) as directory:
        machine = Podman(pathlib.Path(directory))
        try:
            yield machine
        finally:
            machine.run("rm", "-af", "-t", "0")
            # What conmon starts at the end of an exec would make the directory anew.
            wait_until(lambda: not users_of(directory), "end of podman's processes")


def register(suite):
    @suite.test("podman runs a module")
    def _():
        with podman() as machine:
            machine.load(guest("c-hello.wasm"), "wherry.test/hello:1")
            words = ("run", "--rm", *OPTIONS, "--env", "GREETING=hi")
            done = machine.run(*words, "wherry.test/hello:1", "x")
            equal((done.returncode, done.stdout), (42, "hello from C, argc=2\narg x\nGREETING=hi\n"), f"run ({done.stderr[-400:]})")
            done = machine.run(*words, "-t", "wherry.test/hello:1", "x")
            equal((done.returncode, done.stdout), (42, "hello from C, argc=2\r\narg x\r\nGREETING=hi\r\n"), f"run -t ({done.stderr[-400:]})")
            equal(machine.run("ps", "-aq").stdout, "", "containers")

    @suite.test("podman executes modules and native programs, and shows statistics")
    def _():
        with podman() as machine:
            machine.load(HTTPBIN, "wherry.test/httpbin:1")
            volumes = ["-v", f"{guest('c-hello.wasm')}:/bin/c-hello.wasm:ro"]
            if BUSYBOX.is_file():
                volumes += ["-v", f"{BUSYBOX}:/bin/busybox:ro"]
            machine.ok("run", "-d", "--name", "c", *OPTIONS, *volumes, "--env", "PORT=3000", "wherry.test/httpbin:1")
            done = machine.run("exec", "--env", "GREETING=hi", "c", "c-hello.wasm", "x")
            equal((done.returncode, done.stdout), (42, "hello from C, argc=2\narg x\nGREETING=hi\n"), f"exec ({done.stderr[-400:]})")
            done = machine.run("exec", "c", "nope")
            equal(done.returncode, 127, f"exit code of what there is not ({done.stderr[-400:]})")
            if not BUSYBOX.is_file():
                raise Skip("the rest needs busybox-static")
            done = machine.run("exec", "-i", "--user", "5:6", "--workdir", "/bin", "c", "busybox", "sh", typed="id -u; pwd; exit 3")
            equal((done.returncode, done.stdout), (3, "5\n/bin\n"), f"exec -i ({done.stderr[-400:]})")
            done = machine.run("exec", "-t", "c", "busybox", "tty")
            equal((done.returncode, done.stdout), (0, "/dev/pts/0\r\n"), f"exec -t ({done.stderr[-400:]})")
            with at_terminal(machine.started, "exec", "-it", "c", "busybox", "sh", "-c", "read line; busybox stty size; exit 4") as (process, master, _):
                os.write(master, b"key\r")
                read_until(master, "30 90\r\n")
                equal(process.wait(60), 4, "exit code of exec -it")
            machine.ok("exec", "-d", "c", "busybox", "sleep", "1000")
            assert "busybox sleep 1000" in machine.ok("top", "c", "args"), machine.ok("top", "c", "args")
            memory = machine.ok("stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", "c").split()
            assert int(memory[0]) >= 2 and memory[1] != "0B", memory

    @suite.test("podman stops, starts, pauses and updates")
    def _():
        with podman() as machine:
            machine.load(HTTPBIN, "wherry.test/httpbin:1")
            machine.ok("run", "-d", "--name", "c", *OPTIONS, "--env", "PORT=3000", "wherry.test/httpbin:1")
            machine.ok("pause", "c")
            machine.ok("unpause", "c")
            machine.ok("update", "--memory", "64m", "c")
            machine.ok("stop", "-t", "20", "c")
            equal(machine.ok("inspect", "--format", "{{.State.ExitCode}}", "c"), "143\n", "exit code: it took SIGTERM")
            machine.ok("start", "c")
            equal(machine.ok("inspect", "--format", "{{.State.Status}}", "c"), "running\n", "status")
