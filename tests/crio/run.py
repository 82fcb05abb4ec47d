#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CRI-O with wherry-oci as a handler's runtime: pods by crictl."""
# timeout: 300
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]
import namespaces  # noqa: E402
import tools  # noqa: E402
from console import Console  # noqa: E402
from daemon import Crio  # noqa: E402
from suite import SOURCE, Skip, Suite, equal, program, wait_until  # noqa: E402

PROBE = SOURCE / "tests" / "shim" / "guests" / "probe.wasm"
HTTPBIN = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
IMAGE, SERVER = "localhost/probe:1", "localhost/httpbin:1"

suite = Suite()
crio = None
reason = ""  # why there is none
numbers = iter(range(1000))


class Pod:
    """Use as a context manager; gone afterwards, and nothing of it left."""

    def __init__(self):
        self.name = f"pod{next(numbers)}"
        self.config = crio.write(f"{self.name}.json", {"metadata": {"name": self.name, "namespace": "n", "uid": self.name, "attempt": 0},
                                                       "log_directory": str(crio.directory / "log"), "linux": {"cgroup_parent": f"/{crio.name}"}})

    def __enter__(self):
        self.id = crio.crictl("runp", "-r", "wherry", self.config).stdout.strip()
        return self

    def __exit__(self, kind, *_):
        crio.crictl("rmp", "--force", self.id)
        if kind is None:
            equal(crio.leftovers(), [], "what is left")

    def start(self, image, *arguments, start=True, **config):
        name = f"c{next(numbers)}"
        document = {"metadata": {"name": name}, "image": {"image": image}, "args": list(map(str, arguments)), "log_path": f"{name}.log", **config}
        made = crio.crictl("create", self.id, crio.write(f"{name}.json", document), self.config).stdout.strip()
        if start:
            crio.crictl("start", made)
        return made

    def address(self):
        return json.loads(crio.crictl("inspectp", self.id).stdout)["status"]["network"]["ip"]


def status(container):
    return json.loads(crio.crictl("inspect", container).stdout)["status"]


def ended(container):
    wait_until(lambda: status(container)["state"] == "CONTAINER_EXITED", "end of the container")
    return status(container)


def fetch(address):
    return subprocess.run(["curl", "-fsS", "-m", "3", f"http://{address}:3000/get?a=b"], capture_output=True, text=True).stdout


def serve(pod, **config):
    made = pod.start(SERVER, envs=[{"key": "PORT", "value": "3000"}], **config)
    wait_until(lambda: '"a": "b"' in fetch(pod.address()), "an answer")
    return made


def memory_limit(container):
    paths = [p for p in pathlib.Path("/sys/fs/cgroup").glob(f"**/{crio.name}/crio-{container}/memory.*") if p.name in ("memory.max", "memory.limit_in_bytes")]
    return int(paths[0].read_text())


def check(name):
    def add(function):
        @suite.test(name)
        def _():
            if crio is None:
                raise Skip(reason)
            function()
        return function
    return add


@check("CRI-O sees what our runtime can")
def _():
    handlers = json.loads(crio.crictl("info").stdout)["runtimeHandlers"]
    ours = next(h for h in handlers if h.get("name") == "wherry")
    equal(ours["features"], {"recursive_read_only_mounts": True, "user_namespaces": True}, "features")


@check("a pod serves, logs, and is measured and limited")
def _():
    with Pod() as pod:
        web = serve(pod, linux={"resources": {"memory_limit_in_bytes": 64 << 20}})
        assert "listening on port 3000" in crio.crictl("logs", web).stdout
        stats = json.loads(crio.crictl("stats", "-o", "json", web).stdout)["stats"][0]
        used = int(stats["memory"]["workingSetBytes"]["value"])
        assert 10_000 < used < 64 << 20, stats
        equal(memory_limit(web), 64 << 20, "the limit")
        crio.crictl("update", "--memory", 128 << 20, web)
        equal(memory_limit(web), 128 << 20, "the new limit")


@check("output and exit code are the guest's")
def _():
    with Pod() as pod:
        done = pod.start(IMAGE, "both")
        equal(ended(done)["exitCode"], 0, "exit code")
        equal(sorted(crio.crictl("logs", done).stdout.splitlines()), ["to stdout"], "standard output")
        equal(ended(pod.start(IMAGE, "exit", 3))["exitCode"], 3, "exit code")
        equal(ended(pod.start(IMAGE, "trap"))["exitCode"], 134, "exit code of a trap")


@check("modules and the toolbox are executed, with a terminal too")
def _():
    with Pod() as pod:
        loop = pod.start(IMAGE, "loop")
        done = crio.crictl("exec", "-s", loop, "/probe.wasm", "exit", "4", check=False)
        assert "exited with 4" in done.stderr, done.stderr
        assert "probe.wasm" in crio.crictl("exec", loop, "ls", "/").stdout
        equal(crio.crictl("exec", "-i", loop, "/probe.wasm", "cat", input="through\n").stdout, "through\n", "standard input")
        with Console(functools.partial(subprocess.Popen, crio.command("exec", "-it", loop, "sh"), env=crio.environment)) as user:
            user.type("echo $((6 * 7)); exit 5\n")
            user.read_until("42")
            assert user.wait() != 0
        done = crio.crictl("exec", "-s", loop, "/none", check=False)
        assert done.returncode != 0 and "/none" in done.stderr, done.stderr


@check("stop is SIGTERM, then SIGKILL")
def _():
    with Pod() as pod:
        loop = pod.start(IMAGE, "loop")
        crio.crictl("stop", "--timeout", "20", loop)
        equal(ended(loop)["exitCode"], 143, "exit code")


@check("settings of a container are its annotations")
def _():
    with Pod() as pod:
        end = ended(pod.start(IMAGE, "grow", annotations={"wherry.dev/oom": "kill"}, linux={"resources": {"memory_limit_in_bytes": 32 << 20}}))
        equal(end["exitCode"], 137, "exit code")


@check("pods survive a restart of CRI-O and its death")
def _():
    with Pod() as pod:
        web = serve(pod)
        for number in (signal.SIGTERM, signal.SIGKILL):
            crio.stop(number)

            crio.start()
            equal(status(web)["state"], "CONTAINER_RUNNING", "state")
            assert '"a": "b"' in fetch(pod.address())
        assert "httpbin.wasm" in crio.crictl("exec", "-s", web, "ls", "/").stdout


@check("what can not be started is one line, and nothing is left")
def _():
    with Pod() as pod:
        document = {"metadata": {"name": "bad"}, "image": {"image": IMAGE}, "command": ["/no.wasm"], "log_path": "bad.log"}
        done = crio.crictl("create", pod.id, crio.write("bad.json", document), pod.config, check=False)
        assert done.returncode != 0 and "entrypoint `/no.wasm` not found" in done.stderr, done.stderr


def main():
    global crio, reason
    try:
        for name in ("wherry", "wherryc", "wherry-oci"):
            program(name)
        if not all(map(tools.is_built, ("crio", "cni", "cri"))):
            raise Skip("CRI-O is not in the cache of built tools: `tests/lib/tools.py crio cni cri`")
        for name in ("conmon", "skopeo", "gcc"):
            if not shutil.which(name):
                raise Skip(f"no {name}")
        if os.geteuid() != 0:
            raise Skip("needs root")
    except Skip as why:
        reason = str(why)
        suite.main()
    namespaces.enter(["/run", "/var/lib"])
    with Crio() as crio:
        crio.pack(PROBE, IMAGE)
        crio.pack(HTTPBIN, SERVER)
        suite.main()


main()
