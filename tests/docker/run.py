#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker run --runtime io.containerd.wherry.v1, on a private dockerd in network namespaces of its own (acceptance check 54)."""
# timeout: 600
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[0] / "lib")]

import namespaces  # noqa: E402
from containerd import Containerd  # noqa: E402
from engine import Docker, programs  # noqa: E402
from suite import BUILD, SOURCE, Skip, Suite, equal, free_port, program, wait_until  # noqa: E402

PROBE = SOURCE / "tests" / "shim" / "guests" / "probe.wasm"
HTTPBIN = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
IMAGE, SERVER = "test/probe:1", "test/httpbin:1"

suite = Suite()
docker = None
reason = ""  # why there is none


def pack(daemon, module, name):
    tar = daemon.containerd.directory / "image.tar"
    subprocess.run([BUILD / "bin" / "wherry", "pack", module, "-t", name, "-o", tar], check=True, stdout=subprocess.DEVNULL)
    daemon("load", "--input", tar)


def check(name):
    def add(function):
        @suite.test(name)
        def _():
            if docker is None:
                raise Skip(reason)
            function(docker)
        return function
    return add


@check("output and exit code are the guest's")
def _(docker):
    done = docker.run("--rm", "--network", "none", IMAGE, "both")
    equal((done.returncode, done.stdout, done.stderr), (0, "to stdout\n", "to stderr\n"), "exit code, stdout and stderr")
    for code in (3, 255):
        equal(docker.run("--rm", IMAGE, "exit", code).returncode, code, "exit code")
    trapped = docker.run("--rm", IMAGE, "trap")
    equal(trapped.returncode, 134, "exit code of a trap")


@check("environment, user, directories and standard input arrive")
def _(docker):
    seen = docker.run("--rm", "--env", "A=b", "--hostname", "h", IMAGE, "env").stdout.splitlines()
    assert "A=b" in seen and "HOSTNAME=h" in seen, seen
    place = docker.place / "shared"
    place.mkdir()
    (place / "file").write_text("from outside\n")
    equal(docker.run("--rm", "--volume", f"{place}:/data:ro", IMAGE, "read", "/data/file").stdout, "from outside\n", "a mounted file")
    assert docker.run("--rm", "--volume", f"{place}:/data:ro", IMAGE, "write", "/data/new", "x").returncode != 0, "written to a read-only mount"
    equal(docker.run("--rm", "--interactive", IMAGE, "cat", stdin="through\n").stdout, "through\n", "standard input")


@check("a container is listed, logs, and ends by stop and kill")
def _(docker):
    for verb, arguments, code in (("stop", ["--time", "30"], 143), ("kill", [], 137)):
        name = f"c-{verb}"
        docker.run("--detach", "--name", name, IMAGE, "loop", check=True)
        wait_until(lambda: "looping" in docker("logs", name).stdout, "the first line")
        assert name in docker("ps", "--format", "{{.Names}}").stdout.split(), "not in docker ps"
        docker(verb, *arguments, name)
        equal(docker("wait", name).stdout.strip(), str(code), f"exit code after {verb}")
        docker("rm", name)


@check("pause and unpause")
def _(docker):
    docker.run("--detach", "--name", "paused", IMAGE, "loop", check=True)
    docker("pause", "paused")
    equal(docker("inspect", "--format", "{{.State.Status}}", "paused").stdout, "paused\n", "status")
    docker("unpause", "paused")
    docker("rm", "--force", "paused")


@check("a server answers on the host's network")
def _(docker):
    port = free_port()
    docker.run("--detach", "--name", "web", "--network", "host", "--env", f"PORT={port}", SERVER, check=True)
    url = f"http://127.0.0.1:{port}/get?a=b"
    answer = lambda: subprocess.run(["curl", "-fsS", url], capture_output=True, text=True)  # noqa: E731
    wait_until(lambda: answer().returncode == 0, "an answer")
    assert '"a": "b"' in answer().stdout, answer().stdout
    docker("rm", "--force", "web")


@check("what can not be started is one line, and nothing is left")
def _(docker):
    done = docker.run("--rm", "--entrypoint", "/no.wasm", IMAGE)
    assert done.returncode in (125, 126, 127) and "`/no.wasm` not found" in done.stderr, done.stderr
    docker("container", "prune", "--force")
    equal(docker("ps", "-aq").stdout, "", "containers")
    equal([line for line in docker.containerd.leaks() if str(docker.place) not in line], [], "what is left beside dockerd's own mounts")


def main():
    global docker, reason
    try:
        for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
            program(name)
        programs()
        if os.geteuid() != 0:
            raise Skip("needs root")
    except Skip as why:
        reason = str(why)
        suite.main()
    namespaces.enter()
    with Containerd(shim_directory=BUILD / "bin") as containerd, Docker(containerd) as docker:
        pack(docker, PROBE, IMAGE)
        pack(docker, HTTPBIN, SERVER)
        suite.main()


main()
