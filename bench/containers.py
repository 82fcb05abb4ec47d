#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Containers of Wherry beside runc's: `ctr run --rm` of hello, memory of a pod, requests of httpbin a CPU second."""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE / "tests" / "lib"))

import measure  # noqa: E402
import namespaces  # noqa: E402
import peers  # noqa: E402
from containerd import RUNC, WHERRY, Containerd, HarnessError  # noqa: E402
from image import write_image  # noqa: E402
from server_containers import Servers  # noqa: E402

PORT = 3000
HELLO = '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n'
PAUSE = "#include <unistd.h>\nint main(void) { return pause(); }\n"
RUNTIMES = {"wherry": WHERRY, "runc": RUNC}


def row(what, ours, theirs, unit):
    print(f"{what:<44} {ours:>10.1f} {theirs:>10.1f} {unit:<8} {ours / theirs:>6.2f}", flush=True)


def compiled(directory, name, source, *flags):
    text, program = directory / f"{name}.c", directory / name
    text.write_text(source)
    subprocess.run([peers.clang(), "-O2", *flags, text, "-o", program], check=True)
    return program


def images(directory):
    """{name: {runtime: archive}} of hello and httpbin; a pause for runc's pods."""
    example = SOURCE / "examples" / "httpbin" / "cpp"
    native = directory / "httpbin"
    subprocess.run([example / "build.sh", "--native", "-o", native], check=True)
    files = {
        ("hello", "wherry"): compiled(directory, "hello.wasm", HELLO, "--target=wasm32-wasi"),
        ("hello", "runc"): compiled(directory, "hello", HELLO, "-static"),
        ("httpbin", "wherry"): example / "httpbin.wasm",
        ("httpbin", "runc"): native,
        ("pause", "runc"): compiled(directory, "pause", PAUSE, "-static"),
    }
    for (what, runtime), file in files.items():
        name = file.name
        yield write_image(directory / f"{what}-{runtime}.tar", image(what, runtime), {name: file}, [f"/{name}"])


def image(what, runtime):
    return f"wherry.bench/{what}-{runtime}:1"


def hello(daemon, rounds):
    """Median milliseconds of `ctr run --rm`, in turns."""
    def once(name, runtime, counter=iter(range(1 << 30))):
        start = time.perf_counter()
        done = daemon.run(image("hello", name), f"h{next(counter)}", runtime=runtime)
        seconds = time.perf_counter() - start
        if (done.returncode, done.stdout) != (0, "hello\n"):
            raise HarnessError(f"hello under {name}: {done.returncode}, {done.stdout!r}, {done.stderr.strip()}")
        return seconds * 1000
    actions = {n: (lambda n=n, r=r: once(n, r)) for n, r in RUNTIMES.items()}
    measure.interleaved(actions, 2)
    times = measure.interleaved(actions, rounds)
    row("ctr run --rm hello, cached", measure.median(times["wherry"]), measure.median(times["runc"]), "ms")


def pss(pid):
    """KiB of memory that are this process's share."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def parent(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("PPid:"))


def start_pod(daemon, runtime, number):
    """A sandbox and an idle server in it, as CRI makes them; returns both containers' ids."""
    pod, server = f"{runtime}-pod{number}", f"{runtime}-app{number}"
    sandbox = image("pause" if runtime == "runc" else "httpbin", runtime)
    for container, kind, source in ((pod, "sandbox", sandbox), (server, "container", image("httpbin", runtime))):
        daemon.ctr("run", "--detach", "--runtime", RUNTIMES[runtime],
                   "--annotation", f"io.kubernetes.cri.container-type={kind}",
                   "--annotation", f"io.kubernetes.cri.sandbox-id={pod}", source, container)
    return pod, server


def memory(daemon, pods):
    """Median KiB of shim, pause and idle server with so many pods running."""
    seen = {}
    for runtime in RUNTIMES:
        started = [start_pod(daemon, runtime, i) for i in range(pods)]
        pids = {name: pid for name, (pid, _) in daemon.tasks().items()}
        parts = [(pss(parent(pids[pod])), pss(pids[pod]), pss(pids[server])) for pod, server in started]
        seen[runtime] = [measure.median(column) for column in zip(*parts)]
        for pod, server in started:
            daemon.remove(server)
            daemon.remove(pod)
    for i, what in enumerate(("shim", "pause", "idle httpbin")):
        row(f"PSS of {what}, {pods} pods running", seen["wherry"][i], seen["runc"][i], "KiB")
    row(f"PSS of the three, {pods} pods running", sum(seen["wherry"]), sum(seen["runc"]), "KiB")


def requests(daemon):
    rates = Servers(daemon, PORT).compare_rates({n: (image("httpbin", n), r) for n, r in RUNTIMES.items()})
    row("httpbin requests a second", rates["wherry"][0], rates["runc"][0], "")
    row("httpbin requests a CPU second", rates["wherry"][1], rates["runc"][1], "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="runs of hello [default: 20]")
    parser.add_argument("--pods", type=int, default=10, metavar="N", help="pods to weigh [default: 10]")
    options = parser.parse_args()
    namespaces.enter(["/var/cache"])
    if not peers.clang():
        sys.exit("clang-19 is not installed")
    print(f"{'containers':<44} {'wherry':>10} {'runc':>10} {'':<8} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as directory, Containerd(shim_directory=peers.BUILD / "bin") as daemon:
        for archive in images(pathlib.Path(directory)):
            daemon.import_image(archive)
        hello(daemon, options.rounds)
        memory(daemon, options.pods)
        requests(daemon)


if __name__ == "__main__":
    main()
