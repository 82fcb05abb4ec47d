#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nerdctl run --runtime io.containerd.wherry.v1, on a private containerd in network namespaces of its own (acceptance check 53)."""
# timeout: 300
import functools
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import namespaces  # noqa: E402
import tools  # noqa: E402
from console import Console  # noqa: E402
from containerd import WHERRY, Containerd  # noqa: E402
from suite import BUILD, SOURCE, Skip, Suite, equal, program, wait_until  # noqa: E402

PROBE = SOURCE / "tests" / "shim" / "guests" / "probe.wasm"
HTTPBIN = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
IMAGE, SERVER = "test/probe:1", "test/httpbin:1"

suite = Suite()
client = None
reason = ""  # why there is none


class Nerdctl:
    """The client of a private containerd, with data and networks of its own."""

    def __init__(self, containerd):
        self.containerd = containerd
        self.environment = {**os.environ, "CONTAINERD_ADDRESS": str(containerd.address), "CONTAINERD_NAMESPACE": containerd.namespace,
                            "CONTAINERD_SNAPSHOTTER": containerd.snapshotter, "NERDCTL_TOML": "/dev/null"}

    def command(self, *arguments):
        place, built = self.containerd.directory, tools.directory()
        return [built / "bin" / "nerdctl", "--data-root", place / "nerdctl", "--cgroup-manager", "cgroupfs", "--cni-path", built / "cni",
                "--cni-netconfpath", place / "networks", *map(str, arguments)]

    def __call__(self, *arguments, check=True, stdin=None):
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True, errors="replace", input=stdin or "", timeout=60)
        assert not check or done.returncode == 0, f"nerdctl {arguments[0]} exited {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]}"
        return done

    def run(self, *arguments, net="none", **keywords):
        return self("run", "--runtime", WHERRY, "--net", net, *arguments, **keywords)

    def status(self, name):
        return self("inspect", "--format", "{{.State.Status}}", name).stdout.strip()


def check(name):
    def add(function):
        @suite.test(name)
        def _():
            if client is None:
                raise Skip(reason)
            function(client)
        return function
    return add


@check("output, input and exit code are the guest's")
def _(nerdctl):
    done = nerdctl.run("--rm", IMAGE, "both")
    equal((done.stdout, done.stderr), ("to stdout\n", "to stderr\n"), "stdout and stderr")
    equal(nerdctl.run("--rm", IMAGE, "exit", 3, check=False).returncode, 3, "exit code")
    equal(nerdctl.run("--rm", "--interactive", IMAGE, "cat", stdin="through\n").stdout, "through\n", "standard input")
    command = nerdctl.command("run", "-it", "--rm", "--runtime", WHERRY, "--net", "none", IMAGE, "echo", "on a terminal")
    with Console(functools.partial(subprocess.Popen, command, env=nerdctl.environment)) as user:
        user.read_until("on a terminal")
        equal(user.wait(), 0, "exit code")


@check("environment, user and directories arrive")
def _(nerdctl):
    seen = nerdctl.run("--rm", "--env", "A=b", "--hostname", "h", IMAGE, "env").stdout.splitlines()
    assert "A=b" in seen and "HOSTNAME=h" in seen, seen
    place = nerdctl.containerd.directory / "shared"
    place.mkdir()
    (place / "file").write_text("from outside\n")
    equal(nerdctl.run("--rm", "--volume", f"{place}:/data:ro", IMAGE, "read", "/data/file").stdout, "from outside\n", "a mounted file")
    assert nerdctl.run("--rm", "--volume", f"{place}:/data:ro", IMAGE, "write", "/data/new", "x", check=False).returncode != 0, "written to a read-only mount"


@check("a container is listed, logs, executes, is measured, and ends by stop and kill")
def _(nerdctl):
    for verb, arguments, code in (("stop", ["--time", "30"], 143), ("kill", [], 137)):
        name = f"c-{verb}"
        nerdctl.run("--detach", "--name", name, "--memory", "64m", "--cpus", "0.5", "--pids-limit", "50", IMAGE, "loop")
        wait_until(lambda: "looping" in nerdctl("logs", name).stdout, "the first line")
        assert name in nerdctl("ps", "--format", "{{.Names}}").stdout.split(), "not in nerdctl ps"
        done = nerdctl("exec", name, "/probe.wasm", "exit", "4", check=False)
        assert "exit code 4" in done.stderr, done.stderr
        assert "probe.wasm" in nerdctl("exec", name, "ls", "/").stdout, "the toolbox"
        assert "/probe.wasm loop" in nerdctl("top", name).stdout, "nerdctl top"
        shown = nerdctl("stats", "--no-stream", "--format", "{{.MemUsage}} of {{.PIDs}}", name).stdout
        assert "64MiB" in shown, shown
        nerdctl("update", "--memory", "128m", name)
        assert "128MiB" in nerdctl("stats", "--no-stream", "--format", "{{.MemUsage}}", name).stdout, "the new limit"
        nerdctl(verb, *arguments, name)
        equal(nerdctl("wait", name).stdout.strip(), str(code), f"exit code after {verb}")
        nerdctl("rm", name)


@check("pause, unpause, and start again")
def _(nerdctl):
    nerdctl.run("--detach", "--name", "again", IMAGE, "loop")
    nerdctl("pause", "again")
    equal(nerdctl.status("again"), "paused", "status")
    nerdctl("unpause", "again")
    nerdctl("stop", "again")
    nerdctl("start", "again")
    equal(nerdctl.status("again"), "running", "status")
    nerdctl("rm", "--force", "again")


@check("a server answers behind a published port")
def _(nerdctl):
    nerdctl.run("--detach", "--name", "web", "--publish", "127.0.0.1:8080:3000", "--env", "PORT=3000", SERVER, net="bridge")
    answer = lambda: subprocess.run(["curl", "-fsS", "-m", "3", "http://127.0.0.1:8080/get?a=b"], capture_output=True, text=True)  # noqa: E731
    wait_until(lambda: answer().returncode == 0, "an answer")
    assert '"a": "b"' in answer().stdout, answer().stdout
    nerdctl("rm", "--force", "web")


@check("what can not be started is one line, and nothing is left")
def _(nerdctl):
    done = nerdctl.run("--rm", "--entrypoint", "/no.wasm", IMAGE, check=False)
    assert done.returncode != 0 and "entrypoint `/no.wasm` not found" in done.stderr, done.stderr
    equal(nerdctl("ps", "--all", "--quiet").stdout, "", "containers")
    equal(nerdctl.containerd.leaks(), [], "what is left")


def main():
    global client, reason
    try:
        for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
            program(name)
        if not all(map(tools.is_built, ("nerdctl", "containerd-2.4", "cni"))):
            raise Skip("nerdctl is not in the cache of built tools: `tests/lib/tools.py nerdctl containerd-2.4 cni`")
        if os.geteuid() != 0:
            raise Skip("needs root")
    except Skip as why:
        reason = str(why)
        suite.main()
    namespaces.enter(["/run", "/var/lib"])
    with Containerd(binary=tools.containerd("2.4")[0] / "containerd", shim_directory=BUILD / "bin") as containerd:
        client = Nerdctl(containerd)
        for module, name in ((PROBE, IMAGE), (HTTPBIN, SERVER)):
            tar = containerd.directory / "image.tar"
            subprocess.run([program("wherry"), "pack", module, "-t", name, "-o", tar], check=True, stdout=subprocess.DEVNULL)
            containerd.import_image(tar)
        suite.main()


main()
