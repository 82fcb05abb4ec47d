# SPDX-License-Identifier: Apache-2.0
"""What an operator settles by annotations, as kubectl and the node's log show it."""
import json
import subprocess

from place import container, once, pod
from suite import equal, program


def _with(annotations, made):
    made["metadata"]["annotations"] = {f"wherry.dev/{key}": value for key, value in annotations.items()}
    return made


def _warnings(p):
    return " ".join(e["message"] for e in p.get("events")["items"] if e["type"] == "Warning")


def a_wrong_annotation_is_the_pods_event(p):
    p.create(_with({"egres": "none"}, once("sleep")))
    p.wait(lambda: "annotation wherry.dev/egres: unknown; known are memory" in _warnings(p), "event")


def a_guest_at_its_own_limit_is_oom_killed(p):
    p.create(_with({"memory": "16Mi", "oom": "kill"}, once("eat", 100)))
    p.wait_phase("Failed")
    ended = p.container()["state"]["terminated"]
    equal((ended["reason"], ended["exitCode"]), ("OOMKilled", 137), "end")


def a_denied_connection_is_an_errno_a_log_line_and_a_count(p):
    p.create(_with({"egress": "10.99.0.0/16", "egress.other": "all"}, pod(container("sleep"))))
    p.wait_ready()
    done = p.run("exec", "p", "--", "/guest.wasm", "get", "10.98.7.6", "80", "/")
    assert done.returncode == 1 and "Permission denied" in done.stderr, done.stderr
    lines = [line for line in p.cluster.containerd_log.read_text(errors="replace").splitlines() if f"pod={p.name}/p" in line and "denied: egress 10.98.7.6:80/tcp" in line]
    assert lines, "no line in containerd's log"
    shown = json.loads(subprocess.run([program("wherry"), "top", "--json"], capture_output=True, text=True, timeout=20, check=True).stdout)
    mine = [(guest["container"], guest["denied"]["egress"]) for guest in shown if (guest["namespace"], guest["pod"]) == (p.name, "p")]
    equal(mine, [("c", 1)], "wherry top")


SMOKE = [a_wrong_annotation_is_the_pods_event, a_denied_connection_is_an_errno_a_log_line_and_a_count]
FULL = [a_guest_at_its_own_limit_is_oom_killed]
