#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything on Kubernetes that takes longer than CI has: `make test-k8s-full`, as root.

The shim's acceptance checks on three containerd, critest on two with runc beside us, every behaviour and minutes
of chaos on two, and a node full of pods. The result is docs/kubernetes-results.md; about half an hour.
"""
import argparse
import datetime
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path[:0] = [str(HERE), str(SOURCE / "tests" / "lib")]

import chaos  # noqa: E402
import fleet  # noqa: E402
import place  # noqa: E402
from cluster import Cluster  # noqa: E402
from node import Node  # noqa: E402
from parts import run_bounded  # noqa: E402
from suite import BUILD  # noqa: E402

REPORT = SOURCE / "docs" / "kubernetes-results.md"
LINE = re.compile(r"^(PASS|FAIL|SKIP) (.*)$", re.M)
HOUR = 3600


def suite(name, *arguments):
    return [sys.executable, str(SOURCE / "tests" / name), *arguments]


STAGES = {
    "shim": [("acceptance checks of the shim, containerd 1.6, 1.7 and 2.4", suite("shim/run.py"))],
    "clients": [(name, suite(f"{folder}/run.py")) for name, folder in (("nerdctl", "nerdctl"), ("CRI-O", "crio"), ("Docker", "docker"))],
    "critest": [(f"critest, containerd {version}, {handler}", suite("critest/run.py", "--containerd", version, "--handler", handler))
                for version in ("2.4", "1.7") for handler in ("runc", "wherry")]
    + [("critest, containerd 2.4, wherry by the Sandbox API", suite("critest/run.py", "--sandbox-api"))],
    "behaviours": [(f"behaviours of a cluster, containerd {version}", suite("k8s/run.py", "--full", "--containerd", version)) for version in ("2.4", "1.7")]
    + [("behaviours by the Sandbox API, containerd 2.4", suite("sandbox_api/run.py"))],
    "chaos": [(f"chaos for {{minutes}} minutes, containerd {version}", suite("k8s/run.py", "--long", "--containerd", version, "for minutes")) for version in ("2.4", "1.7")],
}


def run_stage(title, command, environment):
    """One row of the report, and the lines of what did not pass."""
    begin = time.monotonic()
    print(f"[{time.strftime('%H:%M:%S')}] {title}", flush=True)
    code, text = run_bounded(command, HOUR, env=environment)
    found = LINE.findall(text)
    counts = {state: sum(s == state for s, _ in found) for state in ("PASS", "FAIL", "SKIP")}
    if code is None or not found:
        counts["FAIL"] += 1
        found.append(("FAIL", f"the suite itself: {'ran longer than an hour' if code is None else text.strip()[-300:]}"))
    print(f"    {counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped", flush=True)
    print("".join(f"    FAIL {name}\n" for state, name in found if state == "FAIL"), end="", flush=True)
    row = f"| {title} | {counts['PASS']} | {counts['FAIL']} | {counts['SKIP']} | {time.monotonic() - begin:.0f} s |"
    return row, counts["FAIL"], [(title, state, name) for state, name in found if state != "PASS"]


def what_did_not_pass(details):
    """Failures by stage, then each reason of skipped ones once: critest has the same for both handlers."""
    lines = [f"* {title}: **failed** `{name[:500]}`" for title, state, name in details if state == "FAIL"]
    reasons = {}
    for _, state, name in details:
        if state == "SKIP":
            test, _, reason = name.partition(": ")
            reasons.setdefault(reason, []).append(test)
    return lines + [f"* skipped: {reason[:200]} ({len(tests)}, `{tests[0][:120]}` is one)" for reason, tests in reasons.items()]


def fill(node):
    place.fill(node)
    fleet.add_native(node, SOURCE / "examples" / "httpbin" / "cpp" / "build.sh")


def scale(pods):
    """Rows of the report: so many idle servers on one node, ours and runc's after each other."""
    rows = ["| | wherry | runc | ratio |", "| --- | --- | --- | --- |"]
    seen = {}
    with Cluster(shims=BUILD / "bin", fill=fill) as cluster:
        for runtime in fleet.RUNTIMES:
            print(f"[{time.strftime('%H:%M:%S')}] {pods} pods, {runtime}", flush=True)
            with fleet.Fleet(cluster, runtime) as f:
                made = f.create([f"p{i}" for i in range(pods)])
                times = sorted(made["ready"].values())
                time.sleep(10)  # the kubelet is still at work when the last is ready
                shims, containers = f.weights()
                seen[runtime] = (made["all"], times[len(times) // 2], shims / pods, containers / pods, f.cpu_share(10) * 1000, f.wake_ups(10))
    names = ("seconds until all are Ready", "median seconds from POST to Ready", "PSS of the shim, KiB a pod", "PSS of pause and server, KiB a pod",
             "CPU of all shims and containers when idle, ms/s", "their context switches when idle, 1/s")
    for i, name in enumerate(names):
        ours, theirs = seen["wherry"][i], seen["runc"][i]
        rows.append(f"| {name} | {ours:.1f} | {theirs:.1f} | {f'{ours / theirs:.2f}' if theirs else '-'} |")
    return rows


def chaos_beside_runc(seconds):
    """(rows of the report, what was found with ours): the same chaos, ours and runc's after each other. What a shim loses and what
    containerd does are told apart."""
    faults = [name for name in chaos.FAULTS if name != "compiler"]
    seed, runs, findings = int(time.time()), {}, {}
    for runtime in (chaos.WHERRY, chaos.RUNC):
        print(f"[{time.strftime('%H:%M:%S')}] chaos for {seconds} s, {runtime.handler}", flush=True)
        with Node(shims=BUILD / "bin", fill=place.fill) as node:
            node.run("crictl", "pull", runtime.image)
            run = chaos.Chaos(node, seed, seconds, faults, runtime, to_the_end=True)
            findings[runtime.handler] = run.run()
        runs[runtime.handler] = {"pods made": run.counts["pods"], "kills and stalls": sum(run.counts[name] for name in faults),
                                 **run.found, **run.excused}
        print(f"    {runs[runtime.handler]} {run.findings[:5]}", flush=True)
    ours, theirs = runs["wherry"], runs["runc"]
    return ["| | wherry | runc |", "| --- | --- | --- |", *(f"| {name} | {ours[name]} | {theirs[name]} |" for name in ours)], findings["wherry"]


def machine_facts():
    memory = next(int(line.split()[1]) for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=SOURCE, capture_output=True, text=True).stdout.strip()
    return f"{datetime.date.today()}, commit {commit}, Linux {platform.release()}, {os.cpu_count()} processors, {memory >> 20} GiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", default="shim,clients,critest,behaviours,chaos,scale", metavar="LIST", help="only these, of %(default)s")
    parser.add_argument("--pods", type=int, default=250, metavar="N", help="of the node full of pods [default: 250]")
    parser.add_argument("--note", default="", metavar="TEXT", help="what a reader of the report should know")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stage that runs ends too
    wanted = options.stages.split(",")
    if unknown := set(wanted) - {*STAGES, "scale"}:
        parser.error(f"no stage named {', '.join(sorted(unknown))}")
    environment = {**os.environ, "WHERRY_BUILD": str(BUILD), "PYTHONDONTWRITEBYTECODE": "1"}
    rows, details, failed = [], [], 0
    for stage in (s for s in STAGES if s in wanted):
        for title, command in STAGES[stage]:
            row, failures, lines = run_stage(title.format(minutes=3), command, environment)
            rows.append(row)
            details += lines
            failed += failures
    report = ["# Wherry in Kubernetes: the last full run", "", f"Written by `make test-k8s-full`. {machine_facts()}.", *([options.note] if options.note else []), ""]
    report += ["| stage | passed | failed | skipped | time |", "| --- | --- | --- | --- | --- |", *rows, ""]
    if "chaos" in wanted:
        table, findings = chaos_beside_runc(120)
        details += [("chaos beside runc", "FAIL", what) for what in findings]
        failed += len(findings)
        report += ["## Chaos beside runc", "", "The same kills of shims, inits and containerd at random moments, while pods come and go. What is left of a cgroup counts",
                   "once for each controller. The last three rows are containerd's own doing.", "", *table, ""]
    if "scale" in wanted:
        report += [f"## {options.pods} pods on one node", "", "An idle httpbin in each, Wherry's and runc's after each other on the same cluster.", "", *scale(options.pods), ""]
    if details:
        report += ["## What did not pass", "", *what_did_not_pass(details), ""]
    REPORT.write_text("\n".join(report))
    print(f"{REPORT.relative_to(SOURCE)} is written; {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
