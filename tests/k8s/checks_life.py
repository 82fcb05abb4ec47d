# SPDX-License-Identifier: Apache-2.0
"""How containers begin, are watched, end, and begin again; and what is said of it."""
import pathlib

from place import busybox, container, httpbin, once, pod, shell
from suite import equal

SOON = {"periodSeconds": 1, "failureThreshold": 1}


def _events(p):
    return {e["reason"]: e["message"] for e in p.get("events")["items"]}


def _ended(p, name="c"):
    return p.container(name=name).get("lastState", {}).get("terminated", {})


def a_crashing_container_is_restarted_again_and_again(p):
    """Among others that go on."""
    p.create(pod(container("exit", 3), httpbin(name="other"), busybox("sleep 1000")))
    p.wait(lambda: p.container().get("restartCount", 0) >= 2, "second restart", timeout=90)
    p.wait(lambda: "BackOff" in _events(p), "back-off")
    equal(_ended(p)["exitCode"], 3, "exit code")
    equal([p.container(name=n)["restartCount"] for n in ("other", "native")], [0, 0], "restarts of the others")
    equal(p.fetch(p.address(), 3000), "ok\n", "answer of another")


def a_start_up_probe_holds_the_others_back(p):
    probe = {"exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 1}
    p.create(pod(shell("sleep 4; echo > /tmp/up; sleep 1000", startupProbe={**probe, "failureThreshold": 30}, livenessProbe={**probe, "failureThreshold": 1})))
    p.wait(lambda: p.container().get("started"), "started container")
    assert "Startup probe failed" in _events(p)["Unhealthy"], _events(p)
    p.wait_ready()
    equal(p.container()["restartCount"], 0, "restarts")
    p.kubectl("exec", "p", "--", "rm", "/tmp/up")
    p.wait(lambda: p.container()["restartCount"] == 1, "restart after the liveness probe failed")


def an_exec_probe_that_hangs_fails_and_leaves_no_process(p):
    probe = {"exec": {"command": ["/guest.wasm", "sleep"]}, "timeoutSeconds": 1, "periodSeconds": 2, "failureThreshold": 100}
    p.create(pod(container("sleep", readinessProbe=probe)))
    p.wait(lambda: "timed out" in _events(p).get("Unhealthy", "") or "timeout" in _events(p).get("Unhealthy", ""), "failed probe")
    members = p.groups().get("pids") or next(iter(p.groups().values()))
    p.wait(lambda: any(e["reason"] == "Unhealthy" and e.get("count", 1) >= 3 for e in p.get("events")["items"]), "third failure")
    count = len((members / "cgroup.procs").read_text().split())
    assert count <= 2, f"{count} processes after three probes"
    equal(p.container()["ready"], False, "ready")


def a_grpc_service_that_is_not_there_fails_its_probe(p):
    p.create(pod(container("health", 50051, livenessProbe={"grpc": {"port": 50052}, **SOON}), terminationGracePeriodSeconds=1))
    p.wait(lambda: p.container().get("restartCount", 0) > 0, "restart")
    assert "Liveness probe failed" in _events(p)["Unhealthy"], _events(p)


def a_post_start_hook_that_fails_ends_the_container(p):
    p.create(pod(container("sleep", lifecycle={"postStart": {"exec": {"command": ["/guest.wasm", "exit", "9"]}}})))
    p.wait(lambda: "FailedPostStartHook" in _events(p), "event")
    p.wait(lambda: _ended(p), "end of the container")
    equal(_ended(p)["exitCode"], 143, "exit code")


def hooks_may_be_requests_and_pauses(p):
    """preStop by HTTP: the request comes before the signal, and the answer is waited for."""
    hooks = {"preStop": {"httpGet": {"path": "/stopping", "port": 8080}}, "postStart": {"sleep": {"seconds": 1}}}
    p.create(pod(container("web", 8080, lifecycle=hooks), terminationGracePeriodSeconds=10))
    p.wait_ready()
    follower = p.popen("logs", "-f", "p", stdout=-1)
    p.kubectl("delete", "pod", "p")
    assert "GET /stopping HTTP/1.1" in (said := follower.communicate(timeout=30)[0]), said
    assert "FailedPreStopHook" not in _events(p), _events(p)


def a_deaf_container_is_killed_after_its_grace(p):
    """A native one, since no guest can be deaf to SIGTERM; the guest beside it ends at once."""
    p.create(pod(container("sleep"), busybox("trap '' TERM; while true; do sleep 0.1; done"), terminationGracePeriodSeconds=3))
    p.wait_ready()
    equal(p.deleted(), {"c": 143, "native": 137}, "exit codes")


def a_deadline_ends_a_pod(p):
    p.create(pod(container("sleep"), activeDeadlineSeconds=3))
    p.wait_phase("Failed")
    equal(p.status()["reason"], "DeadlineExceeded", "reason")


def a_pod_of_always_restarted_containers_forgets_no_code(p):
    made = [container("exit", code, name=f"c{code}") for code in (0, 1, 255)]
    p.create(pod(*made))
    p.wait(lambda: all(_ended(p, f"c{code}") for code in (0, 1, 255)), "end of all")
    equal([(_ended(p, f"c{c}")["exitCode"], _ended(p, f"c{c}")["reason"]) for c in (0, 1, 255)], [(0, "Completed"), (1, "Error"), (255, "Error")], "ends")


# --- what is said of it

def a_last_message_is_where_the_pod_wants_it(p):
    own = container("append", "/last/words", "in a file of its own", name="own", terminationMessagePath="/last/words")
    log = shell("echo first; echo last; exit 1", name="log", terminationMessagePolicy="FallbackToLogsOnError")
    p.create(pod(own, log, restartPolicy="Never"))
    p.wait_phase("Failed")
    equal(p.container(name="own")["state"]["terminated"]["message"], "in a file of its own\n", "message in the file")
    equal(p.container(name="log")["state"]["terminated"]["message"], "first\nlast\n", "message of the log")


def a_trap_is_the_last_message_where_logs_are(p):
    p.create(once("trap", terminationMessagePolicy="FallbackToLogsOnError"))
    p.wait_phase("Failed")
    assert "unreachable" in p.container()["state"]["terminated"]["message"], p.container()


def long_and_unended_lines_are_whole_in_the_log(p):
    """containerd cuts lines at 16 KiB and marks the parts; the kubelet joins them."""
    long = "x" * 100_000
    p.create(_once_shell(f"head -c 100000 /dev/zero | tr '\\0' x; echo; echo short; head -c 20000 /dev/zero | tr '\\0' y"))
    p.wait_phase("Succeeded")
    equal(p.logs().split("\n"), [long, "short", "y" * 20_000], "lines")
    [path] = (p.cluster.directory / "pods").glob(f"{p.name}_p_*/c/0.log")
    kinds = {line.split(b" ", 3)[2] for line in path.read_bytes().splitlines()}
    equal(kinds, {b"P", b"F"}, "marks of the log")


def _once_shell(script, **more):
    return pod(shell(script, **more), restartPolicy="Never")


def megabytes_of_log_are_complete(p):
    """Faster than they are read, up to the very end: nothing is lost, in either stream."""
    p.create(_once_shell("seq 1 80000; seq 1 40000 >&2"))
    p.wait_phase("Succeeded", timeout=120)
    lines = [line.split(b" ", 3) for path in (p.cluster.directory / "pods").glob(f"{p.name}_p_*/c/0.log") for line in path.read_bytes().splitlines()]
    for stream, count in ((b"stdout", 80000), (b"stderr", 40000)):
        equal([int(words[3]) for words in lines if words[1] == stream] == list(range(1, count + 1)), True, f"{count} lines of {stream}")


# --- images

def an_image_that_may_not_be_pulled_is_not(p):
    p.create(pod(container(image="wherry.test/never:1", imagePullPolicy="Never")))
    p.wait(lambda: p.container().get("state", {}).get("waiting", {}).get("reason") == "ErrImageNeverPull", "refusal")


def an_image_that_is_not_there_is_tried_again(p):
    p.create(pod(container(image="wherry.test/nowhere:1")))
    p.wait(lambda: p.container().get("state", {}).get("waiting", {}).get("reason") == "ImagePullBackOff", "ImagePullBackOff")
    p.kubectl("set", "image", "pod/p", "c=wherry.test/httpbin:1")
    p.wait(lambda: p.container().get("state", {}).get("waiting", {}).get("reason") != "ImagePullBackOff", "end of the back-off")


def the_images_user_is_the_containers(p):
    """And runAsNonRoot believes it where it is a number."""
    p.create(pod(container(image="wherry.test/numbered:1", command=["/guest.wasm", "sleep"], securityContext={"runAsNonRoot": True})))
    p.wait_ready()
    equal(pathlib.Path(f"/proc/{p.pid()}").stat().st_uid, 1234, "user")
    p.create(pod(container(image="wherry.test/named:1", command=["/guest.wasm", "sleep"]), name="q"),
             pod(container(image="wherry.test/named:1", command=["/guest.wasm", "sleep"], securityContext={"runAsNonRoot": True}), name="r"))
    p.wait_ready("q")
    equal(p.kubectl("exec", "q", "--", "id"), "uid=1000(app) gid=1000(app) groups=1000(app)\n", "id")
    p.wait(lambda: "non-numeric user" in p.container("r").get("state", {}).get("waiting", {}).get("message", ""), "refusal", "r")


SMOKE = [a_start_up_probe_holds_the_others_back, long_and_unended_lines_are_whole_in_the_log]
FULL = [a_crashing_container_is_restarted_again_and_again, an_exec_probe_that_hangs_fails_and_leaves_no_process, a_grpc_service_that_is_not_there_fails_its_probe,
        a_post_start_hook_that_fails_ends_the_container, hooks_may_be_requests_and_pauses, a_deaf_container_is_killed_after_its_grace, a_deadline_ends_a_pod,
        a_pod_of_always_restarted_containers_forgets_no_code, a_last_message_is_where_the_pod_wants_it, a_trap_is_the_last_message_where_logs_are,
        megabytes_of_log_are_complete, an_image_that_may_not_be_pulled_is_not, an_image_that_is_not_there_is_tried_again, the_images_user_is_the_containers]
