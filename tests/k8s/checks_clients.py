# SPDX-License-Identifier: Apache-2.0
"""What a user does with kubectl to a running pod."""
import json
import re
import subprocess

import images
from cluster import NODE_NAME
from place import GUEST_IMAGE, busybox, container, httpbin, once, pod
from suite import equal


def logs_follow_a_running_container(p):
    p.create(pod(container("tick", 20)))
    p.wait_ready()
    follower = p.popen("logs", "-f", "p", stdout=subprocess.PIPE)
    seen = [follower.stdout.readline().strip() for _ in range(50)]
    follower.kill()
    follower.communicate()
    equal(seen, [str(i) for i in range(50)], "lines")


def logs_of_the_container_before_are_kept(p):
    p.create(pod(container("tick", 1, 3), restartPolicy="Always"))
    p.wait(lambda: p.container().get("restartCount", 0) > 0, "restart")
    # The kubelet may be about to remove the older of two that have ended.
    p.wait(lambda: p.run("logs", "p", "-c", "c", "--previous").stdout == "0\n1\n2\n", "log of the container before")


def exec_runs_a_module_of_the_image(p):
    p.create(pod(container("sleep")))
    p.wait_ready()
    equal(p.kubectl("exec", "p", "--", "/guest.wasm", "env", "HOSTNAME"), "HOSTNAME=p\n", "output")
    equal(p.run("exec", "p", "--", "/guest.wasm", "exit", "9").returncode, 9, "exit code")
    equal(p.kubectl("exec", "-i", "p", "--", "/guest.wasm", "echo", stdin="through and back"), "through and back", "echo")


def exec_runs_the_toolbox(p):
    p.create(pod(container("sleep")))
    p.wait_ready()
    assert "guest.wasm" in p.kubectl("exec", "p", "--", "ls", "/")
    equal(p.kubectl("exec", "p", "--", "cat", "/etc/hostname"), "p\n", "output of cat")


def a_shell_of_the_toolbox_looks_around(p):
    p.create(pod(container("sleep", mounts={"tmp": "/tmp"}), volumes=[{"name": "tmp", "emptyDir": {}}]))
    p.wait_ready()
    equal(p.kubectl("exec", "p", "--", "sh", "-c", "cd /tmp && echo one > a && for f in *; do cat $f | wc -l; done; id -u; hostname"), "1\n0\np\n", "output")
    equal(p.run("exec", "p", "--", "sh", "-c", "exit 7").returncode, 7, "exit code")
    equal(p.kubectl("exec", "-i", "p", "--", "sh", stdin="x=6\necho $((x * 7))\n"), "42\n", "output of what is typed")
    assert "wherry-init" in p.kubectl("exec", "p", "--", "cat", "/proc/1/status")
    with p.console("exec", "-it", "p", "--", "sh") as user:
        user.read_until("/ # ")
        user.type("echo $((6*7))\nexit 5\n")
        equal(user.wait(), 5, "exit code")
        assert "\n42\n" in user.text, user.text


def the_toolbox_fetches_from_another_pod(p):
    p.create(pod(httpbin(), name="server"))
    p.create(pod(container("sleep"), name="client"))
    p.wait_ready("server")
    p.wait_ready("client")
    said = p.kubectl("exec", "client", "--", "wget", "-T", "5", "-qO", "-", f"http://{p.address('server')}:3000/get?a=b")
    equal(json.loads(said)["args"], {"a": "b"}, "what the server has seen")
    equal(p.run("exec", "client", "--", "nc", "-z", "-w", "5", p.address("server"), "3000").returncode, 0, "exit code of nc -z")


def exec_runs_a_program_of_a_native_container(p):
    p.create(pod(busybox("sleep 1000", name="c")))
    p.wait_ready()
    equal(p.kubectl("exec", "p", "--", "sh", "-c", "echo $((6 * 7))"), "42\n", "output")


def exec_of_what_is_not_there_says_so(p):
    p.create(pod(container("sleep")))
    p.wait_ready()
    done = p.run("exec", "p", "--", "/no/such/program")
    assert done.returncode != 0 and "/no/such/program" in done.stderr, f"{done.returncode} {done.stderr}"


def attach_reaches_standard_input(p):
    p.create(pod(container("echo", stdin=True, stdinOnce=True), restartPolicy="Never"))
    p.wait_ready()
    p.run("attach", "-i", "p", stdin="a line from outside\n")
    p.wait_phase("Succeeded")
    equal(p.logs(), "a line from outside\n", "log")


def a_terminal_is_one(p):
    """Of an exec of a native program: its size, a changed size, and ^C."""
    p.create(pod(busybox("sleep 1000", name="c")))
    p.wait_ready()
    script = "tty; trap 'echo stopped; exit 6' INT; while true; do stty size; sleep 0.1; done"
    with p.console("exec", "-it", "p", "--", "sh", "-c", script) as user:
        user.read_until(r"/dev/pts/\d+\n")
        user.read_until("\n24 80\n")
        user.resize(132, 50)
        user.read_until("\n50 132\n")
        user.type("\x03")
        equal(user.wait(), 6, "exit code")
        assert "stopped" in user.text, user.text


def attach_reaches_a_terminal(p):
    """Of a module: what is typed comes back as a terminal has it, and the end of the client is not that of the container."""
    p.create(pod(container("echo", stdin=True, tty=True)))
    p.wait_ready()
    for text in ("first", "second"):
        with p.console("attach", "-it", "p") as user:
            user.type(f"{text}\n")
            user.read_until(f"{text}\n{text}\n")  # the terminal's echo, and the program's
    with p.console("attach", "-it", "p") as user:
        user.type("\x04")
        user.wait()
    p.wait(lambda: p.container().get("lastState", {}).get("terminated", {}).get("exitCode") == 0, "end of the program at the end of its input")


def cp_goes_both_ways_where_there_is_nothing_but_a_module(p):
    p.create(pod(container("sleep", mounts={"data": "/data"}), volumes=[{"name": "data", "emptyDir": {}}]))
    p.wait_ready()
    there, back = p.cluster.directory / f"{p.name}.there", p.cluster.directory / f"{p.name}.back"
    (there / "sub").mkdir(parents=True)
    (there / "file").write_text("copied")
    (there / "sub" / "program").write_bytes(bytes(range(256)) * 1000)
    (there / "sub" / "program").chmod(0o755)
    p.kubectl("cp", str(there), "p:/data/copy")
    inside = p.root() / "data" / "copy"
    equal((inside / "file").read_text(), "copied", "file in the container")
    equal(oct((inside / "sub" / "program").stat().st_mode), "0o100755", "its permissions")
    p.kubectl("cp", "p:/data/copy", str(back))
    equal((back / "sub" / "program").read_bytes(), (there / "sub" / "program").read_bytes(), "file that came back")
    p.kubectl("cp", str(there / "file"), "p:/data/alone")
    equal(p.kubectl("exec", "p", "--", "cat", "/data/alone"), "copied", "a file by itself")


def cp_goes_both_ways(p):
    p.create(pod(container("sleep"), busybox("sleep 1000", mounts={"data": "/data"}), volumes=[{"name": "data", "emptyDir": {}}]))
    p.wait_ready()
    there, back = p.cluster.directory / f"{p.name}.there", p.cluster.directory / f"{p.name}.back"
    there.write_text("copied")
    p.kubectl("cp", "-c", "native", str(there), "p:/data/file")
    p.kubectl("cp", "-c", "native", "p:/data/file", str(back))
    equal(back.read_text(), "copied", "file")


def cp_from_a_container_of_only_a_module(p):
    """kubectl starts tar in the container."""
    p.create(pod(container("sleep")))
    p.wait_ready()
    back = p.cluster.directory / f"{p.name}.back"
    p.kubectl("cp", "p:/etc/passwd", str(back))
    assert back.read_text().startswith("root:")


def port_forward_reaches_a_guest(p):
    p.create(pod(httpbin(readinessProbe={"tcpSocket": {"port": 3000}, "periodSeconds": 1})))
    p.wait_ready()
    forward = p.popen("port-forward", "p", ":3000", stdout=subprocess.PIPE)
    try:
        port = int(re.search(r"127\.0\.0\.1:(\d+) ->", forward.stdout.readline())[1])
        for _ in range(3):
            equal(p.fetch("127.0.0.1", port), "ok\n", "answer")
    finally:
        forward.kill()
        forward.communicate()


def metrics_of_the_pod_are_those_of_its_cgroup(p):
    p.create(pod(container("spin", resources={"limits": {"cpu": "100m", "memory": "64Mi"}})))
    p.wait_ready()

    def summary():
        text = p.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{NODE_NAME}/proxy/stats/summary")
        return next((i for i in json.loads(text)["pods"] if i["podRef"]["namespace"] == p.name), {})
    p.wait(lambda: summary().get("containers", [{}])[0].get("cpu", {}).get("usageNanoCores", 0) > 5e7, "CPU use in the summary", timeout=90)
    seen = summary()
    use, memory = seen["containers"][0]["cpu"]["usageNanoCores"], seen["containers"][0]["memory"]["workingSetBytes"]
    assert use < 1.6e8, f"{use} nanocores at a limit of 1e8"
    assert 1 << 18 < memory < 64 << 20, f"{memory} bytes"
    text = p.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{NODE_NAME}/proxy/metrics/resource")
    rows = [line for line in text.splitlines() if f'namespace="{p.name}"' in line]
    kinds = {line.split("{")[0] for line in rows}
    wanted = {"container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "pod_cpu_usage_seconds_total", "pod_memory_working_set_bytes"}
    assert wanted <= kinds, f"only {sorted(kinds)}"


def a_debug_container_joins_a_running_pod(p):
    p.create(pod(httpbin()))
    p.wait_ready()
    p.kubectl("debug", "p", f"--image={images.BUSYBOX}", "--container=look", "--profile=general", "--", "sh", "-c",
              "printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 3000; sleep 1000")
    p.wait_log("ok", container="look")


def a_debug_container_sees_its_targets_processes(p):
    p.create(pod(httpbin()))
    p.wait_ready()
    p.kubectl("debug", "p", f"--image={images.BUSYBOX}", "--container=look", "--target=c", "--profile=general", "--", "sh", "-c", "ps; sleep 1000")
    p.wait_log("wherry-init", container="look")  # what the process of a module is called


def a_debug_container_of_a_module_has_the_toolbox(p):
    p.create(pod(httpbin()))
    p.wait_ready()
    p.kubectl("debug", "p", f"--image={GUEST_IMAGE}", "--container=look", "--target=c", "--profile=general", "--", "sh", "-c",
              "cat /proc/1/comm; wget -qO - http://127.0.0.1:3000/healthz; sleep 1000")
    p.wait_log("wherry-init\nok", container="look")
    equal(p.kubectl("exec", "p", "-c", "look", "--", "cat", "/tmp/empty"), "", "output of an exec in it")


def a_debug_session_has_a_terminal(p):
    p.create(pod(httpbin()))
    p.wait_ready()
    with p.console("debug", "-it", "p", f"--image={images.BUSYBOX}", "--container=look", "--target=c", "--profile=general", "--", "sh") as user:
        user.read_until("# ")
        user.type("cd /proc/1/root; ls *.wasm; wget -qO - http://127.0.0.1:3000/healthz\n")
        user.read_until("\nhttpbin.wasm\nok\n")
        user.type("exit 3\n")
        user.wait()
    p.wait(lambda: p.container(name="look")["state"].get("terminated", {}).get("exitCode") == 3, "exit code of the debug container")


def a_copy_of_a_pod_may_run_another_program(p):
    p.create(pod(httpbin()))
    p.wait_ready()
    p.kubectl("debug", "p", "--copy-to=q", "--container=c", f"--image={GUEST_IMAGE}", "--same-node", "--share-processes=false", "--", "/guest.wasm", "tick", "10")
    p.wait_log("3\n4\n", pod="q")
    equal(p.get("pod", "q")["spec"]["runtimeClassName"], "wherry", "runtime class of the copy")


def every_line_is_in_the_log(p):
    p.create(once("tick", 0, 2000))
    p.wait_phase("Succeeded")
    equal(p.logs().split(), [str(i) for i in range(2000)], "lines")


SMOKE = [exec_runs_a_module_of_the_image, logs_follow_a_running_container, attach_reaches_standard_input, port_forward_reaches_a_guest]
FULL = [exec_runs_the_toolbox, a_shell_of_the_toolbox_looks_around, the_toolbox_fetches_from_another_pod,
        cp_goes_both_ways_where_there_is_nothing_but_a_module,
        logs_of_the_container_before_are_kept, exec_runs_a_program_of_a_native_container, exec_of_what_is_not_there_says_so, a_terminal_is_one, attach_reaches_a_terminal,
        cp_goes_both_ways, cp_from_a_container_of_only_a_module, metrics_of_the_pod_are_those_of_its_cgroup, a_debug_container_joins_a_running_pod,
        a_debug_container_sees_its_targets_processes, a_debug_container_of_a_module_has_the_toolbox, a_debug_session_has_a_terminal,
        a_copy_of_a_pod_may_run_another_program, every_line_is_in_the_log]
