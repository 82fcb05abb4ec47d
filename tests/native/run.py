#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Native programs under our runtime: containers that the node's runc runs for the shim."""
# timeout: 300
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import tools  # noqa: E402
from containerd import WHERRY, Containerd, HarnessError  # noqa: E402
from image import write_image  # noqa: E402
from suite import BUILD, Skip, Suite, equal, program, wait_until  # noqa: E402

BUSYBOX = pathlib.Path("/bin/busybox")
IMAGE = "wherry.test/busybox:1"
BROKEN = {"bin/broken": b"\x7fELF\2\1\1" + bytes(57), "bin/script": b"#!/bin/none\n"}
SH = ("/bin/busybox", "sh", "-c")
suite = Suite()


class World:
    """A containerd with the image, started for the first test that asks."""

    def __init__(self, version):
        self.version = version
        self.daemon = None
        self.missing = None

    def get(self):
        if self.missing:
            raise Skip(self.missing)
        if not self.daemon:
            try:
                self.daemon = self.start()
            except (Skip, HarnessError) as reason:
                self.missing = str(reason)
                raise Skip(self.missing) from reason
        return self.daemon

    def start(self):
        program("containerd-shim-wherry-v1")
        if not BUSYBOX.is_file():
            raise Skip("no busybox-static")
        if not shutil.which("runc"):
            raise Skip("no runc")
        binary = {"1.6": pathlib.Path("/usr/bin/containerd")}.get(self.version)
        if not binary:
            directory, reason = tools.containerd(self.version)
            if reason:
                raise Skip(reason)
            binary = directory / "containerd"
        daemon = Containerd(binary=binary, shim_directory=BUILD / "bin")
        daemon.__enter__()
        tar = write_image(daemon.directory / "busybox.tar", IMAGE, {"bin/busybox": BUSYBOX, **BROKEN}, ["/bin/busybox"])
        daemon.import_image(tar)
        return daemon

    def close(self):
        if self.daemon:
            self.daemon.__exit__(None, None, None)


def register(world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    def run(name, *words, options=(), **more):
        return world.get().run(IMAGE, name, *words, options=options, **more)

    @test("a program's output and exit code are its own")
    def _():
        done = run("c1", *SH, "echo out; echo err >&2; exit 7")
        equal((done.returncode, done.stdout), (7, "out\n"), f"run ({done.stderr})")
        assert "err\n" in done.stderr, done.stderr
        done = run("c2", *SH, "cat", stdin="through\n")
        equal((done.returncode, done.stdout), (0, "through\n"), "cat")

    @test("a program that is not there is one line, and nothing is left")
    def _():
        done = run("c3", "/bin/none")
        assert done.returncode != 0 and "/bin/none" in done.stderr, done
        done = run("c4", "/bin/broken")
        assert done.returncode != 0 and "exec format error" in done.stderr, done
        done = run("c4", "/bin/script")
        assert done.returncode != 0 and "no such file or directory" in done.stderr, done
        equal(world.get().leaks(), [], "leaks")

    @test("signals, pause, statistics and execs reach it")
    def _():
        daemon = world.get()
        daemon.ctr("run", "-d", "--runtime", WHERRY, IMAGE, "c5", *SH, "trap 'exit 3' TERM; while :; do sleep 0.1; done")
        try:
            pid, status = daemon.tasks()["c5"]
            equal(status, "RUNNING", "status")
            assert pathlib.Path(f"/proc/{pid}/exe").resolve().name == "busybox", pid
            done = daemon.ctr("tasks", "exec", "--exec-id", "e1", "c5", *SH, "echo inside; exit 5", check=False)
            equal((done.returncode, done.stdout), (5, "inside\n"), f"exec ({done.stderr})")
            done = daemon.ctr("tasks", "exec", "--exec-id", "e2", "c5", "/bin/none", check=False)
            assert done.returncode != 0 and "no such file or directory" in done.stderr, done
            daemon.ctr("tasks", "pause", "c5")
            equal(daemon.tasks()["c5"][1], "PAUSED", "status")
            daemon.ctr("tasks", "resume", "c5")
            assert "memory" in daemon.ctr("tasks", "metrics", "c5").stdout
            daemon.ctr("tasks", "kill", "-s", "SIGTERM", "c5")
            daemon.wait_status("c5", "STOPPED")
            assert "code 3" in daemon.ctr("tasks", "delete", "c5", check=False).stderr
        finally:
            daemon.remove("c5")

    @test("it has a terminal")
    def _():
        if not shutil.which("script"):
            raise Skip("no script")
        daemon = world.get()
        command = daemon.ctr_command("run", "--rm", "-t", "--runtime", WHERRY, IMAGE, "c6", *SH, "test -t 0 && test -t 1 && echo a terminal")
        text = subprocess.run(["script", "-qec", " ".join(f"'{w}'" if " " in w else w for w in command), "/dev/null"], env=daemon.client_environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout
        assert "a terminal" in text, text

    @test("check 21: one that takes more memory than it may is killed, and that is told")
    def _():
        daemon = world.get()
        events = daemon.popen("events", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            done = run("c7", *SH, "x=0123456789abcdef; while :; do x=$x$x; done", options=["--memory-limit", str(16 << 20)])
            equal(done.returncode, 137, f"exit code ({done.stderr})")
            seen = []

            def told():
                seen.append(events.stdout.readline())
                return "/tasks/delete" in seen[-1]

            wait_until(told, "the event of the deletion", 30)
            topics = [word for line in seen for word in line.split() if word.startswith("/tasks/")]
            equal(topics, ["/tasks/create", "/tasks/start", "/tasks/oom", "/tasks/exit", "/tasks/delete"], "events")
        finally:
            events.kill()
            events.wait()

    @test("a killed shim leaves nothing of it")
    def _():
        daemon = world.get()
        daemon.ctr("run", "-d", "--runtime", WHERRY, IMAGE, "c8", *SH, "sleep 600")
        pid, _ = daemon.tasks()["c8"]
        parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        subprocess.run(["kill", "-9", str(parent)], check=True)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the end of the program", 20)
        daemon.remove("c8")
        # The client that made the fifos is gone, and has left them.
        equal([one for one in daemon.leaks() if not one.startswith("fifo ")], [], "leaks")


worlds = [World("1.6"), World("2.4")]
for one in worlds:
    register(one)
try:
    suite.main()
finally:
    for one in worlds:
        one.close()
