# SPDX-License-Identifier: Apache-2.0
"""Further processes in a container: modules, and native programs of its image."""
import contextlib
import json
import pathlib
import re
import signal
import subprocess

from bundle import BUSYBOX, HTTPBIN, Bundle
from suite import Skip, equal, guest, program, wait_until


@contextlib.contextmanager
def running(**spec):
    """A container that serves, with another module and, if there is one here, busybox."""
    files = {"httpbin.wasm": HTTPBIN, "bin/c-hello.wasm": guest("c-hello.wasm")}
    if BUSYBOX.is_file():
        files["bin/busybox"] = BUSYBOX
    with Bundle(["/httpbin.wasm"], files, env=["PORT=3000", "PATH=/bin"], **spec) as bundle:
        bundle.create()
        bundle.ok("start", "c")
        yield bundle


def need_busybox():
    if not BUSYBOX.is_file():
        raise Skip("needs busybox-static")


def result(bundle, *words):
    done = bundle.oci("exec", *words)
    return done.returncode, done.stdout, done.stderr


def status(pid):
    return dict(re.findall(r"^(\w+):\s*(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))


def pids(bundle):
    return set(json.loads(bundle.ok("ps", "--format", "json", "c")))


def ended(pid):
    with contextlib.suppress(FileNotFoundError):
        return status(pid)["State"].startswith("Z")
    return True


def detached(bundle, *words):
    """The number of an exec that was left behind."""
    # A file for the output: the exec keeps what it gets, and nobody would see the end of a pipe.
    file, log = bundle.directory / "exec-pid", bundle.directory / "exec-out"
    with open(log, "w") as out:
        done = bundle.oci("exec", "--detach", "--pid-file", file, *words, stdout=out, stderr=out)
    equal(done.returncode, 0, f"exec --detach ({log.read_text()})")
    return int(file.read_text())


def register(suite):
    @suite.test("exec: a module gives its output and exit code")
    def _():
        with running() as bundle:
            before = pids(bundle)
            equal(result(bundle, "--env", "GREETING=hi", "c", "c-hello.wasm", "a", "-b"), (42, "hello from C, argc=3\narg a\narg -b\nGREETING=hi\n", ""), "exec")
            equal(pids(bundle), before, "processes afterwards")
            equal(bundle.state()["status"], "running", "the container")

    @suite.test("exec: a native program has the directory, variables and user that were asked for")
    def _():
        need_busybox()
        with running() as bundle:
            script = 'id -u; id -g; id -G; pwd; echo "$A $PORT"; env | grep -c PORT; exit 9'
            options = ("--cwd", "/bin", "-e", "A=1", "-e", "PORT=4", "--user", "5:6", "--additional-gids", "7")
            equal(result(bundle, *options, "c", "busybox", "sh", "-c", script), (9, "5\n6\n6 7\n/bin\n1 4\n1\n", ""), "exec")

    @suite.test("exec: --process has the whole of it")
    def _():
        need_busybox()
        with running() as bundle:
            file = bundle.directory / "process.json"
            process = {"args": ["/bin/busybox", "sh", "-c", "id -u; echo $A"], "cwd": "/", "env": ["A=2"], "user": {"uid": 8, "gid": 8}}
            file.write_text(json.dumps(process))
            equal(result(bundle, "--process", file, "c"), (0, "8\n2\n", ""), "exec")
            file.write_text('{"args": 1}')
            code, _, error = result(bundle, "--process", file, "c")
            equal((code, error.count("\n"), "args" in error), (255, 1, True), f"a broken one ({error})")

    @suite.test("exec: standard input is the caller's")
    def _():
        need_busybox()
        with running() as bundle, bundle.started("exec", "c", "busybox", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            equal(process.communicate("some text", timeout=30)[0], "some text", "output")
            equal(process.returncode, 0, "exit code")

    @suite.test("exec: a detached process lives on, is its caller's or init's child, and ends with the container")
    def _():
        need_busybox()
        with running() as bundle:
            for words in (("busybox", "sleep", "1000"), ("/httpbin.wasm",)):
                pid = detached(bundle, "-e", "PORT=3001", "c", *words)
                assert pid in pids(bundle), f"{pid} is not among {pids(bundle)}"
                assert not ended(pid), status(pid)
            bundle.ok("kill", "--all", "c", "KILL")
            wait_until(lambda: ended(pid), "the end of the exec")

    @suite.test("exec: signals of a process in the foreground are passed on, and their end is an exit code")
    def _():
        need_busybox()
        trap = "trap 'echo caught; exit 7' USR1; echo ready; while :; do busybox sleep 0.05; done"
        cases = [(signal.SIGTERM, ("/httpbin.wasm",), 143), (signal.SIGINT, ("busybox", "sleep", "1000"), 130),
                 (signal.SIGHUP, ("busybox", "sleep", "1000"), 129), (signal.SIGUSR1, ("busybox", "sh", "-c", trap), 7)]
        with running() as bundle:
            before = pids(bundle)
            for number, words, code in cases:
                with bundle.started("exec", "-e", "PORT=3001", "--pid-file", bundle.directory / "p", "c", *words, stdout=subprocess.PIPE) as process:
                    if number == signal.SIGUSR1:
                        equal(process.stdout.readline(), "ready\n", "output")
                    wait_until(lambda: len(pids(bundle)) > len(before), "the exec")
                    pid = int((bundle.directory / "p").read_text())
                    wait_until(lambda: status(pid)["Name"] in ("busybox", "wherry-exec") and signals_watched(process.pid), "its program")
                    process.send_signal(number)
                    equal(process.wait(20), code, f"exit code after {number.name}")
                wait_until(lambda: pids(bundle) == before, "the end of its processes")

    @suite.test("exec: one in the foreground ends with the command that is killed")
    def _():
        with running() as bundle:
            before = pids(bundle)
            with bundle.started("exec", "-e", "PORT=3001", "c", "/httpbin.wasm", stdout=subprocess.DEVNULL) as process:
                wait_until(lambda: len(pids(bundle)) > len(before), "the exec")
                process.kill()
            wait_until(lambda: pids(bundle) == before, "the end of its processes")

    @suite.test("exec: a container that waits for its start takes them, and is started all the same")
    def _():
        with Bundle(["/httpbin.wasm"], {"httpbin.wasm": HTTPBIN, "bin/c-hello.wasm": guest("c-hello.wasm")}, env=["PORT=3000", "PATH=/bin"]) as bundle:
            bundle.create()
            equal(result(bundle, "c", "c-hello.wasm")[0], 42, "exit code")
            equal(bundle.state()["status"], "created", "status")
            bundle.ok("start", "c")
            equal(bundle.state()["status"], "running", "status")

    @suite.test("exec: a program of the toolbox helps out where the image has none of that name")
    def _():
        if not program("wherry-oci").with_name("toolbox.wasm").is_file():
            raise Skip("the toolbox is not built")
        with running() as bundle:
            equal(result(bundle, "c", "echo", "from", "toolbox"), (0, "from toolbox\n", ""), "exec")

    @suite.test("exec: is on the container's terms: settings, and the memory limit of now")
    def _():
        annotations = {"wherry.dev/native": "deny", "wherry.dev/environment": "PORT"}
        with running(annotations=annotations) as bundle:
            # Only what the bundle said when the container was made counts.
            (bundle.path / "config.json").write_text("{}")
            equal(result(bundle, "-e", "GREETING=hi", "c", "c-hello.wasm")[:2], (42, "hello from C, argc=1\nGREETING=(null)\n"), "exec")
            if BUSYBOX.is_file():
                code, _, error = result(bundle, "c", "busybox", "true")
                equal((code, "setting `native`" in error), (255, True), error)

    @suite.test("exec: update's memory limit is that of the guests")
    def _():
        with running(resources={"memory": {"limit": 200 << 20}}) as bundle:
            pid = detached(bundle, "-e", "PORT=3001", "c", "/httpbin.wasm")
            equal({limit_of(p) for p in (bundle.state()["pid"], pid)}, {(200 << 20) - (200 << 20) // 16}, "limits at first")
            bundle.ok("update", "--memory", 96 << 20, "c")
            equal({limit_of(p) for p in (bundle.state()["pid"], pid)}, {90 << 20}, "limits after update")

    @suite.test("exec: what can not be done is one line and exit code 255")
    def _():
        with running() as bundle:
            failed = "exec failed: unable to start container process: "
            cases = [
                (("c", "nope"), failed + 'exec: "nope": executable file not found in $PATH'),
                (("c", "/nope"), failed + 'exec: "/nope": stat /nope: no such file or directory'),
                (("c", "/proc/1/environ"), None),
                (("c",), "exec: expected a command, or --process"),
                (("--user", "root", "c", "x"), "--user: expected a number, found `root`"),
                (("--preserve-fds", "1", "c", "x"), "--preserve-fds 1: a Wasm container gets no descriptors but the standard streams"),
                (("--ignore-paused", "c", "x"), "--ignore-paused is not supported for a Wasm container"),
                (("x", "true"), "container x does not exist"),
            ]
            for words, message in cases:
                code, output, error = result(bundle, *words)
                equal((code, output, error.count("\n")), (255, "", 1), error)
                if message:
                    equal(error, f"error: {message}\n", " ".join(words))
            equal(json.loads(bundle.log.read_text().splitlines()[-1])["msg"], "container x does not exist", "log")
            bundle.ok("pause", "c")
            equal(result(bundle, "c", "c-hello.wasm")[2], "error: cannot exec in a paused container\n", "exec")
            bundle.ok("resume", "c")
            bundle.ok("kill", "c", "KILL")
            bundle.wait_status("stopped")
            equal(result(bundle, "c", "c-hello.wasm")[2], "error: cannot exec in a stopped container\n", "exec")


def signals_watched(pid):
    """Whether the command has come so far that it passes signals on."""
    return int(status(pid)["SigBlk"], 16) >> (signal.SIGTERM - 1) & 1 == 1


def limit_of(pid):
    """What the page says that the process's guest may use."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        if "/memfd:wherry-limit " in line:
            with open(f"/proc/{pid}/map_files/{line.split()[0]}", "rb") as file:
                return int.from_bytes(file.read(8), "little")
    return None
