#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pods of Wherry beside runc's on a one-node Kubernetes, in turns: create to Ready, pods a second, memory, an exec."""
import argparse
import pathlib
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(SOURCE / "tests" / "lib"), str(SOURCE / "tests" / "k8s")]

import fleet  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402
import place  # noqa: E402
from cluster import Cluster  # noqa: E402
from suite import Skip  # noqa: E402


def row(what, ours, theirs, unit):
    print(f"{what:<44} {ours:>10.1f} {theirs:>10.1f} {unit:<8} {ours / theirs:>6.2f}", flush=True)


def fill(node):
    place.fill(node)
    fleet.add_native(node, SOURCE / "examples" / "httpbin" / "cpp" / "build.sh")


def latency(fleets, rounds):
    actions = {n: (lambda f=f, c=iter(range(1 << 30)): f.create([f"one{next(c)}"])["all"] * 1000) for n, f in fleets.items()}
    measure.interleaved(actions, 2)
    times = measure.interleaved(actions, rounds)
    row("pod created to Ready", measure.median(times["wherry"]), measure.median(times["runc"]), "ms")


def batches(cluster, pods, rounds):
    """Rates, memory and idle CPU of so many pods made at once."""
    rates, weights, idle = ({n: [] for n in fleet.RUNTIMES} for _ in range(3))
    for _ in range(rounds):
        for name in fleet.RUNTIMES:
            with fleet.Fleet(cluster, name) as f:
                rates[name].append(pods / f.create([f"p{i}" for i in range(pods)])["all"])
                weights[name].append([w / pods for w in f.weights()])
                idle[name].append(f.cpu_share(5) * 1000)
    row(f"pods a second, {pods} at once", measure.median(rates["wherry"]), measure.median(rates["runc"]), "")
    for i, what in enumerate(("shim", "pause and server")):
        row(f"PSS of {what}, a pod of {pods}", measure.median([w[i] for w in weights["wherry"]]), measure.median([w[i] for w in weights["runc"]]), "KiB")
    print(f"{f'CPU of {pods} idle pods':<44} {measure.median(idle['wherry']):>10.1f} {measure.median(idle['runc']):>10.1f} {'ms/s':<8}")


def execs(cluster, rounds):
    """`crictl exec -s` of a program that does nothing, in a pod that runs already."""
    programs = {"wherry": ["/guest.wasm", "exit", "0"], "runc": ["true"]}
    with place.Place(cluster) as p:
        p.create(place.pod(place.container("sleep"), name="wherry"))
        native = place.pod(place.busybox("sleep 100000", name="c"), name="runc")
        del native["spec"]["runtimeClassName"]
        p.create(native)
        for name in programs:
            p.wait_ready(name)
        containers = {n: p.container(n)["containerID"].removeprefix("containerd://") for n in programs}

        def once(name):
            start = time.perf_counter()
            cluster.run("crictl", "exec", "-s", containers[name], *programs[name])
            return (time.perf_counter() - start) * 1000
        actions = {n: (lambda n=n: once(n)) for n in programs}
        measure.interleaved(actions, 2)
        times = measure.interleaved(actions, rounds)
    row("exec of a program that does nothing", measure.median(times["wherry"]), measure.median(times["runc"]), "ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="single pods, execs [default: 15]")
    parser.add_argument("--pods", type=int, default=30, metavar="N", help="pods made at once [default: 30]")
    parser.add_argument("--batches", type=int, default=2, metavar="N", help="times of that [default: 2]")
    options = parser.parse_args()
    print(f"{'pods':<44} {'wherry':>10} {'runc':>10} {'':<8} {'ratio':>6}")
    try:
        with Cluster(shims=peers.BUILD / "bin", fill=fill) as cluster:
            with fleet.Fleet(cluster, "wherry") as ours, fleet.Fleet(cluster, "runc") as theirs:
                latency({"wherry": ours, "runc": theirs}, options.rounds)
            batches(cluster, options.pods, options.batches)
            execs(cluster, options.rounds)
    except Skip as reason:
        print(f"not measured: {reason}")


if __name__ == "__main__":
    main()
