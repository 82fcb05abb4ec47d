# SPDX-License-Identifier: Apache-2.0
"""Native programs executed in a container whose init is a module: as under runc."""
import json
import pathlib
import subprocess

from checks_exec import execute, status
from suite import Skip, equal, wait_until
from world import BUSYBOX, Lines

SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"],
           "syscalls": [{"names": ["mkdir", "mkdirat", "of_another_kernel"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
                        {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}]}


def register(suite, world):
    def test(name):
        def add(function):
            def run():
                if not BUSYBOX.is_file():
                    raise Skip("needs busybox-static")
                function()
            return suite.test(f"{name} [{world.version}]")(run)
        return add

    def shell(container, script, options=(), **keywords):
        return execute(world, container, "/bin/busybox", "sh", "-c", script, options=options, **keywords)

    @test("check 14: a native program of the container runs beside the module")
    def _():
        with world.running("sleep") as container:
            done = shell(container, "echo out; echo err >&2; cat /etc/motd; exit 7")
            equal((done.returncode, done.stdout), (7, "out\nof the image\n"), f"code and output ({done.stderr})")
            assert "err" in done.stderr, done.stderr
            equal(execute(world, container, "busybox", "echo", "found").stdout, "found\n", "along PATH")
            equal(execute(world, container, "/bin/greet", "you").stdout, "hello you from /bin/greet\n", "a script")
            equal(shell(container, "cat; echo end", stdin="some input\n").stdout, "some input\nend\n", "input")
            equal(shell(container, "pwd", options=["--cwd", "/etc"]).stdout, "/etc\n", "directory")
            equal(shell(container, "kill -9 $$").returncode, 137, "a signal")
            equal(world.daemon.tasks()[container][1], "RUNNING", "status of the container")
        world.check_no_leaks()

    @test("what can not be executed is Start's error, in the usual words")
    def _():
        cases = {"/etc/motd": "exec format error", "/bin/locked": 'exec: "/bin/locked": permission denied', "/bin/lost": 'exec: "/bin/lost": no such file or directory',
                 "nope": 'exec: "nope": executable file not found in $PATH', "/native": "exec format error"}
        with world.running("sleep") as container:
            shell(container, "cp /bin/greet /bin/locked; chmod 644 /bin/locked")
            for program, words in cases.items():
                done = execute(world, container, program)
                assert done.returncode != 0 and words in done.stderr, (program, done.stderr)
                assert "OCI runtime exec failed" in done.stderr, done.stderr
            equal(shell(container, "exit 3").returncode, 3, "an exec after all that")
        world.check_no_leaks()

    @test("a native exec has what the specification grants and no more")
    def _():
        with world.running("sleep") as container:
            shown = dict(line.split(":", 1) for line in shell(container, "cat /proc/self/status").stdout.splitlines() if ":" in line)
            wanted = json.loads(world.daemon.ctr("containers", "info", container).stdout)["Spec"]["process"]
            equal(shown["NoNewPrivs"].strip(), "1" if wanted.get("noNewPrivileges") else "0", "no new privileges")
            granted = int(shown["CapEff"], 16)
            equal(bin(granted).count("1"), len(wanted["capabilities"]["effective"]), f"capabilities {granted:#x}")
            equal(shown["CapBnd"], shown["CapPrm"], "bounding set")
            user = dict(line.split(":", 1) for line in shell(container, "cat /proc/self/status; echo HOME:$HOME", options=["--user", "1000:2000"]).stdout.splitlines() if ":" in line)
            equal((user["Uid"].split()[0], user["Gid"].split()[0], user["CapEff"].strip(), user["HOME"]), ("1000", "2000", "0" * 16, "/srv/one"), "another user")
            links = shell(container, "ls -l /proc/self/fd | grep -c -- '->'").stdout.strip()
            assert int(links) <= 4, f"{links} descriptors"  # the streams, and ls's own
            equal(shell(container, "for i in $(seq 50); do echo $i; done > /dev/null; readlink /proc/self/exe").stdout, "/bin/busybox\n", "its file")
            equal(shell(container, "echo x > /proc/$$/exe 2>&1; cat /proc/1/mem 2>&1 >/dev/null | head -1; ls /proc/1/root 2>&1 >/dev/null").returncode != 0, True, "init's files")

    @test("a native exec is in the specification's filter of system calls")
    def _():
        for no_new_privileges in (True, False):
            container = world.new_id("s")
            spec = world.spec(container, ["/probe.wasm", "sleep"])
            spec["linux"]["seccomp"] = SECCOMP
            spec["process"]["noNewPrivileges"] = no_new_privileges
            with world.configured(container, spec):
                done = shell(container, "mkdir /x; grep Seccomp: /proc/self/status; kill -USR1 1; kill -0 $$ && echo may")
                assert "Function not implemented" in done.stderr, done.stderr
                equal(done.stdout.split(), ["Seccomp:", "2", "may"], f"output ({done.stderr})")

    @test("a native exec is known by its exec id, and signals reach it alone")
    def _():
        with world.running("sleep") as container:
            process = world.daemon.popen("tasks", "exec", "--exec-id", "native", container, "/bin/busybox", "sh", "-c", "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.1; done",
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            lines = Lines(process.stdout)
            lines.wait_for(1)
            rows = world.daemon.ctr("tasks", "ps", container).stdout
            [pid] = [int(line.split()[0]) for line in rows.splitlines() if "native" in line]
            equal(status(pid)["Name"], "busybox", "its name")
            equal(pathlib.Path(f"/proc/{pid}/cgroup").read_text(), pathlib.Path(f"/proc/{world.pid(container)}/cgroup").read_text(), "cgroup")
            world.daemon.ctr("tasks", "kill", "-s", "SIGTERM", "--exec-id", "native", container)
            equal(process.wait(20), 9, "exit code")
            lines.join()
            equal(world.daemon.tasks()[container][1], "RUNNING", "status of the container")
        world.check_no_leaks()

    @test("a native exec may have a terminal")
    def _():
        with world.running("sleep") as container:
            done = subprocess.run(["script", "-qec", subprocess.list2cmdline(map(str, world.daemon.ctr_command(
                "tasks", "exec", "--tty", "--exec-id", world.new_id("t"), container, "/bin/busybox", "sh", "-c", "test -t 0 && tty && exit 4"))), "/dev/null"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            equal(done.returncode, 4, f"exit code ({done.stdout})")
            assert "/dev/pts/" in done.stdout, done.stdout

    @test("what a native exec leaves behind does not stay a zombie")
    def _():
        with world.running("sleep") as container:
            done = shell(container, "(sleep 0.3 & exec true) & (exit 3) & wait; echo done")
            equal(done.stdout, "done\n", "output")
            init = world.pid(container)
            children = pathlib.Path(f"/proc/{init}/task/{init}/children")
            wait_until(lambda: children.read_text() == "", "end of what was left to init")

    @test("native execs end with their container, and leave nothing")
    def _():
        with world.running("sleep") as container:
            process = world.daemon.popen("tasks", "exec", "--exec-id", "stays", container, "/bin/busybox", "sh", "-c", "sleep 1000 & echo ready; wait",
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            lines = Lines(process.stdout)
            lines.wait_for(1)
            world.daemon.ctr("tasks", "kill", "-s", "SIGKILL", container)
            equal(process.wait(20), 137, "exit code")
            lines.join()
            wait_until(lambda: world.daemon.tasks()[container][1] == "STOPPED", "end of the container")
        world.check_no_leaks()
