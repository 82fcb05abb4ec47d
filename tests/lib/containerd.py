# SPDX-License-Identifier: Apache-2.0
"""A private containerd for tests and the demo: own root, state, sockets and namespace.

    with Containerd(shim_directory=build / "bin") as daemon:
        daemon.import_image("hello.tar")
        done = daemon.run("example/hello:1", "c1", runtime="io.containerd.wherry.v1")
        assert done.stdout == "hello\\n"
        assert daemon.leaks() == []

Everything it made is removed on exit, also after an exception, SIGINT or SIGTERM; what a
harness that was killed left behind is removed by the next one. Several may run in parallel.
"""
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import time

from remains import Remains, sweep_dead

WHERRY = "io.containerd.wherry.v1"
RUNC = "io.containerd.runc.v2"

# containerd 2.x has all of these, 1.6 ignores the names it does not know
DISABLED_PLUGINS = (
    "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
    "io.containerd.nri.v1.nri", "io.containerd.podsandbox.controller.v1.podsandbox",
    "io.containerd.sandbox.controller.v1.podsandbox",
    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
)


class HarnessError(Exception):
    """The harness itself, not the thing under test, failed."""


class Containerd:
    """A containerd daemon and everything below it. Use as a context manager.

    binary          path of containerd; its ctr is the one beside it
    shim_directory  put first on containerd's PATH
    snapshotter     overlayfs or native; None: overlayfs where it can be mounted
    config          TOML appended to the configuration
    environment     variables added to containerd's
    """

    def __init__(self, binary="/usr/bin/containerd", shim_directory=None, snapshotter=None,
                 config="", environment=None):
        self.binary = pathlib.Path(binary)
        self.client = self.binary.parent / "ctr"
        if not self.binary.is_file() or not self.client.is_file():
            raise HarnessError(f"no containerd with ctr in {self.binary.parent}")
        sweep_dead()
        self.directory = pathlib.Path("/tmp", f"wt-{os.getpid()}-{secrets.token_hex(4)}")
        self.directory.mkdir(mode=0o711)
        self.namespace = self.directory.name
        self.address = self.directory / "c.sock"
        self.log_path = self.directory / "log"
        self.fifo_directory = self.directory / "fifo"
        self.remains = Remains(self.directory)
        self.process = None
        self._old_handlers = {}
        self.cache = self.directory / "cache"  # of artifacts: a test may damage it
        self._environment = dict(os.environ, WHERRY_CACHE=str(self.cache), **(environment or {}))
        first = [str(pathlib.Path(shim_directory).resolve())] if shim_directory else []
        self._environment["PATH"] = ":".join(first + [str(self.binary.parent), self._environment["PATH"]])
        self.snapshotter = snapshotter or ("overlayfs" if self._overlay_mounts() else "native")
        self.major = self._major_version()
        self._write_config(config)

    def __enter__(self):
        self._catch_signals()
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    # --- the daemon

    def start(self, timeout=30):
        """Starts containerd and returns when it answers."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "--config", self.directory / "config.toml"], cwd=self.directory,
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        deadline = time.monotonic() + timeout
        while self.ctr("version", check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise HarnessError(f"containerd did not start:\n{self.log()[-2000:]}")
            time.sleep(0.02)

    def stop(self, sig=signal.SIGTERM, timeout=20):
        """Ends containerd alone; shims and containers live on."""
        if self.process is None:
            return
        self.process.send_signal(sig)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self):
        self.stop(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Removes all traces. Safe to call twice."""
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            self.kill()
            self.remains.remove()
        finally:
            self._restore_signals()
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)

    def log(self):
        """What containerd and the shims have logged so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def open_files(self):
        """How many file descriptors containerd holds."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # --- its client

    def ctr_command(self, *arguments):
        """The argument vector of a ctr call; `run` and `tasks start|exec` get an own fifo directory."""
        arguments = [str(a) for a in arguments]
        head = [str(self.client), "--address", str(self.address), "--namespace", self.namespace]
        verbs = {"run": 1, "tasks start": 2, "t start": 2, "tasks exec": 2, "t exec": 2}
        for words in (1, 2):
            if verbs.get(" ".join(arguments[:words])) == words:
                fifos = ["--fifo-dir", str(self.fifo_directory)]
                return head + arguments[:words] + fifos + arguments[words:]
        return head + arguments

    def ctr(self, *arguments, stdin=None, check=True, timeout=120):
        """Runs ctr to its end. Returns the CompletedProcess with text stdout and stderr."""
        done = subprocess.run(self.ctr_command(*arguments), env=self.client_environment(), text=True,
                              input=stdin if stdin is not None else "", capture_output=True,
                              errors="replace", timeout=timeout)
        if check and done.returncode != 0:
            raise HarnessError(f"ctr {' '.join(map(str, arguments))} exited {done.returncode}: "
                               f"{done.stderr.strip() or done.stdout.strip()}")
        return done

    def popen(self, *arguments, **options):
        """Starts ctr in the background; the caller waits for it."""
        return subprocess.Popen(self.ctr_command(*arguments), env=self.client_environment(), text=True,
                                **options)

    def client_environment(self):
        return dict(os.environ, CONTAINERD_SNAPSHOTTER=self.snapshotter)

    def import_image(self, tar):
        """Imports an image archive; returns the names of the images it brought."""
        before = set(self.images())
        local = ["--local"] if self.major >= 2 else []  # the transfer service unpacks to overlayfs only
        self.ctr("images", "import", *local, tar)
        return sorted(set(self.images()) - before)

    def images(self):
        return self.ctr("images", "ls", "-q").stdout.split()

    def run(self, image, container, *arguments, runtime=WHERRY, options=(), **keywords):
        """`ctr run --rm`: options go before the image, arguments after the container's id."""
        keywords.setdefault("check", False)
        return self.ctr("run", "--rm", "--runtime", runtime, *options, image, container, *arguments,
                        **keywords)

    def tasks(self):
        """{id: (pid, status)} of all tasks."""
        rows = [line.split() for line in self.ctr("tasks", "ls").stdout.splitlines()[1:]]
        return {row[0]: (int(row[1]), row[2]) for row in rows}

    def wait_status(self, container, status, timeout=20):
        """Waits until the task has the status, e.g. "RUNNING"."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self.tasks().get(container, (0, "no task"))[1]
            if seen == status:
                return
            if time.monotonic() > deadline:
                raise HarnessError(f"{container} is {seen}, not {status}, after {timeout} s")
            time.sleep(0.02)

    def remove(self, container):
        """Kills and deletes a task and its container; missing ones are fine."""
        self.ctr("tasks", "rm", "--force", container, check=False)
        self.ctr("containers", "rm", container, check=False)

    # --- leaks

    def leaks(self, timeout=5):
        """What is left of this containerd's containers after all were deleted, one line each.

        Asks until nothing is left or the time is up, since containerd cleans up behind the client.
        """
        deadline = time.monotonic() + timeout
        while True:
            found = self.remains.found()
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    # --- internal

    def _major_version(self):
        text = subprocess.run([self.binary, "--version"], capture_output=True, text=True).stdout
        number = re.search(r"v?(\d+)\.\d+\.\d+", text)
        if not number:
            raise HarnessError(f"{self.binary} --version says {text.strip()!r}")
        return int(number.group(1))

    def _write_config(self, extra):
        disabled = ", ".join(f'"{name}"' for name in DISABLED_PLUGINS)
        text = f"""version = 2
root = "{self.directory}/root"
state = "{self.directory}/state"
temp = "{self.directory}/tmp"
disabled_plugins = [{disabled}]
[grpc]
  address = "{self.address}"
[ttrpc]
  address = "{self.address}.ttrpc"
[debug]
  level = "debug"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.directory}/opt"
{extra}
"""
        self.fifo_directory.mkdir()
        (self.directory / "tmp").mkdir()
        (self.directory / "config.toml").write_text(text)

    def _overlay_mounts(self):
        base = self.directory / "overlay-probe"
        for name in ("lower", "upper", "work", "merged"):
            (base / name).mkdir(parents=True)
        options = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
        tried = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, base / "merged"],
                               capture_output=True)
        if tried.returncode == 0:
            subprocess.run(["umount", base / "merged"], check=True)
        shutil.rmtree(base)
        return tried.returncode == 0

    def _catch_signals(self):
        """Turns SIGTERM and SIGHUP into an exception, so that __exit__ runs."""
        def leave(number, _):
            raise SystemExit(128 + number)
        for number in (signal.SIGTERM, signal.SIGHUP):
            try:
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._old_handlers[number] = signal.signal(number, leave)
            except ValueError:
                return  # not the main thread: its owner handles signals

    def _restore_signals(self):
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._old_handlers = {}
