#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sandbox, and a container from end to end, on cgroup v2: in a virtual machine, whatever this one has."""
# timeout: 900
import functools
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import machine  # noqa: E402
import parts  # noqa: E402
import tools  # noqa: E402
from image import write_image  # noqa: E402
from suite import BUILD, SOURCE, Skip, Suite, equal, program  # noqa: E402

IMAGE = "wherry.test/httpbin:1"
CONTAINERD = ("containerd", "ctr")

# Prints "name: value" lines; the tests look at them.
START = r"""
echo
export CONTAINERD_SNAPSHOTTER=native CONTAINERD_ADDRESS=/run/c.sock
containerd --config /config.toml > /log 2>&1 &
until ctr version > /dev/null 2>&1; do sleep 0.1; done
ctr images import /image.tar > /dev/null || exit 1
"""

SCRIPT = START + r"""
ctr run --detach --net-host --memory-limit 67108864 --env PORT=3000 --runtime io.containerd.wherry.v1 IMAGE c1
echo "run: $?"
tries=0
until wget -q -O /answer http://127.0.0.1:3000/healthz 2> /dev/null; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || { echo "no answer"; ctr tasks ls; tail -n 30 /log; exit 1; }
  sleep 0.2
done
echo "answer: $(cat /answer)"
pid=$(ctr tasks ls | awk '$1 == "c1" { print $2 }')
echo "cgroup: $(cat /proc/$pid/cgroup)"
echo "memory.max: $(cat /sys/fs/cgroup/default/c1/memory.max)"
echo "controllers: $(cat /sys/fs/cgroup/default/c1/cgroup.controllers)"
ctr tasks metrics c1 > /metrics 2>&1
echo "metrics: $? $(grep -c -w 'cpu.usage_usec' /metrics)"
ctr tasks pause c1
echo "paused: $(cat /sys/fs/cgroup/default/c1/cgroup.freeze) $(ctr tasks ls | awk '$1 == "c1" { print $3 }')"
ctr tasks resume c1
echo "resumed: $(cat /sys/fs/cgroup/default/c1/cgroup.freeze) $(ctr tasks ls | awk '$1 == "c1" { print $3 }')"
ctr tasks kill --signal SIGTERM c1
tries=0
until [ -n "$(ctr tasks ls | grep STOPPED)" ] || [ $tries -gt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
echo "exit $(ctr tasks delete c1 2>&1 | grep -o 'code [0-9]*' | tr ' ' ':' | sed 's/:/: /')"
ctr containers delete c1
echo "left: $(find /sys/fs/cgroup/default -mindepth 1 -type d 2> /dev/null) $(grep -c /run/state /proc/mounts)"
tail -n 20 /log
"""

# The same as systemd's guest: the cgroup is a scope of a slice.
SYSTEMD_SCRIPT = START + r"""
ctr run --detach --net-host --cgroup a-b.slice:ctr:c1 --memory-limit 67108864 --cpu-quota 50000 --cpu-period 100000 \
  --runtime io.containerd.wherry.v1 IMAGE c1
echo "run: $?"
pid=$(ctr tasks ls | awk '$1 == "c1" { print $2 }')
scope=/sys/fs/cgroup/a.slice/a-b.slice/ctr-c1.scope
echo "cgroup: $(cat /proc/$pid/cgroup)"
echo "processes: $(ctr tasks ps c1 | grep -c -w $pid) of $(wc -l < $scope/cgroup.procs)"
echo "memory.max: $(cat $scope/memory.max)"
kill -HUP 1  # systemctl daemon-reload
sleep 1
echo "after a reload: $(cat $scope/memory.max) $(cat $scope/cpu.max)"
ctr tasks kill --signal SIGKILL c1
tries=0
until [ -n "$(ctr tasks ls | grep STOPPED)" ] || [ $tries -gt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
echo "exit $(ctr tasks delete c1 2>&1 | grep -o 'code [0-9]*' | tr ' ' ':' | sed 's/:/: /')"
ctr containers delete c1
tries=0
while [ -e $scope ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
echo "left: $(ls -d $scope 2> /dev/null)"
ctr run --rm --net-host --cgroup a--b.slice:ctr:c2 --runtime io.containerd.wherry.v1 IMAGE c2 2>&1 | grep -o 'cgroupsPath.*' | sed 's/^/refused: /'
ctr run --detach --net-host --cgroup a-b.slice:ctr:c1 --runtime io.containerd.wherry.v1 IMAGE c1
echo "again: $?"
tail -n 20 /log
"""

# A pod as the kubelet makes one on a node of today: the systemd driver, and limits that change in place.
POD_SCRIPT = START + r"""
cri() { crictl --runtime-endpoint unix:///run/c.sock --timeout 60s "$@"; }
touch /etc/crictl.yaml
for image in image pause; do ctr -n k8s.io images import /$image.tar > /dev/null; done
tries=0
until cri images 2> /dev/null | grep -q wherry.test/pause || [ $tries -gt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
cat > /pod.json <<END
{ "metadata": { "name": "p", "uid": "p", "namespace": "default" }, "log_directory": "/logs",
  "linux": { "cgroup_parent": "/kubepods.slice/kubepods-podp.slice", "security_context": { "namespace_options": { "network": 2 } } } }
END
cat > /container.json <<END
{ "metadata": { "name": "c" }, "image": { "image": "IMAGE" }, "log_path": "c.log", "envs": [{ "key": "PORT", "value": "3000" }],
  "linux": { "resources": { "memory_limit_in_bytes": 67108864, "cpu_quota": 50000, "cpu_period": 100000, "cpu_shares": 512 } } }
END
pod=$(cri runp --runtime wherry /pod.json)
container=$(cri create --no-pull $pod /container.json /pod.json)
cri start $container > /dev/null || { tail -n 20 /log; exit 1; }
echo "start: $?"
scope=/sys/fs/cgroup/kubepods.slice/kubepods-podp.slice/cri-containerd-$container.scope
shown() { echo "$(cat $scope/memory.max), $(cat $scope/cpu.max), $(cat $scope/cpu.weight), $(cat $scope/cpuset.cpus)"; }
echo "first: $(shown)"
cri update --memory 134217728 --cpu-quota 20000 --cpu-period 100000 --cpu-share 1024 --cpuset-cpus 1 $container > /dev/null
echo "resized: $(shown)"
kill -HUP 1  # systemctl daemon-reload
sleep 1
echo "resized and reloaded: $(shown)"
cri update --memory 50331648 --cpu-quota 10000 --cpu-period 100000 --cpu-share 2 --cpuset-cpus 0-1 $container > /dev/null
echo "smaller: $(shown)"
echo "still: $(wget -q -O - http://127.0.0.1:3000/healthz)"
echo "state: $(cri inspect -o go-template --template '{{.status.state}}' $container)"
echo "working set: $(cri stats -o json $container | grep -A 3 workingSetBytes | grep -c '"value": *"[1-9]')"
cri rmp -f $pod > /dev/null 2>&1
tries=0
while [ -e $scope ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
echo "left: $(ls -d $scope 2> /dev/null) $(grep -c /run/state /proc/mounts)"
tail -n 20 /log
"""

CRICTL = tools.directory() / "bin/crictl"

suite = Suite()


def need_machine():
    reason = machine.missing_reason()
    if reason:
        raise Skip(reason)


@functools.cache
def container_run(script, systemd=False):
    """({name: value} of the script's lines, all that was printed). Tried once, also if it fails."""
    need_machine()
    if systemd and not machine.SYSTEMD.is_file():
        raise Skip("no systemd")
    programs = [shutil.which(p) for p in CONTAINERD]
    if None in programs:
        raise Skip("no containerd with ctr")
    files = machine.with_libraries(*programs)
    for name in ("containerd-shim-wherry-v1", "wherryc"):
        files.update(machine.at("/usr/local/bin", program(name)))
    module = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
    with tempfile.TemporaryDirectory() as directory:
        archive = write_image(pathlib.Path(directory) / "image.tar", IMAGE, {"httpbin.wasm": module}, ["/httpbin.wasm"])
        files["/image.tar"] = archive.read_bytes()
        files["/pause.tar"] = write_image(pathlib.Path(directory) / "pause.tar", machine.PAUSE, {"pause": b""}, ["/pause"]).read_bytes()
    files["/config.toml"] = machine.CONTAINERD.encode()
    if script is POD_SCRIPT:
        if not CRICTL.is_file():
            raise Skip("crictl is not built")
        files["/usr/local/bin/crictl"] = CRICTL
        files["/config.toml"] = machine.CONTAINERD_WITH_CRI.encode()
    _, output = machine.run(files, script.replace("IMAGE", IMAGE), timeout=200, systemd=systemd)
    return dict(line.split(": ", 1) for line in output.splitlines() if ": " in line), output


def expect(name, value, *machine_of):
    said, output = container_run(*machine_of)
    assert said.get(name) == value, f"{name} is {said.get(name)!r}, expected {value!r}\n{output[-1200:]}"


EXPECTED = {
    "runs": ("run", "0"),
    "answers": ("answer", "ok"),
    "is in the cgroup of its spec": ("cgroup", "0::/default/c1"),
    "has its memory limit": ("memory.max", "67108864"),
    "has metrics": ("metrics", "0 1"),
    "is frozen by pause": ("paused", "1 PAUSED"),
    "runs on after resume": ("resumed", "0 RUNNING"),
    "ends with 143 after SIGTERM": ("exit code", "143"),
    "leaves neither cgroup nor mount": ("left", " 0"),
}
EXPECTED_OF_SYSTEMD = {
    "runs": ("run", "0"),
    "is in its slice's scope": ("cgroup", "0::/a.slice/a-b.slice/ctr-c1.scope"),
    "is alone in its scope": ("processes", "1 of 1"),
    "has its memory limit": ("memory.max", "67108864"),
    "keeps its limits when systemd is reloaded": ("after a reload", "67108864 50000 100000"),
    "ends with 137 after SIGKILL": ("exit code", "137"),
    "leaves no scope": ("left", ""),
    "of a slice that is none is refused": ("refused", "cgroupsPath `a--b.slice:ctr:c2`: `a--b.slice` is not the name of a slice: unknown"),
    "can have the name of one that is gone": ("again", "0"),
}

EXPECTED_OF_POD = {
    "starts": ("start", "0"),
    "has the limits of its spec": ("first", "67108864, 50000 100000, 59, "),
    "takes greater limits in place": ("resized", "134217728, 20000 100000, 100, 1"),
    "keeps them when systemd is reloaded": ("resized and reloaded", "134217728, 20000 100000, 100, 1"),
    "takes smaller limits in place": ("smaller", "50331648, 10000 100000, 1, 0-1"),
    "serves on": ("still", "ok"),
    "was not started again": ("state", "CONTAINER_RUNNING"),
    "has a working set": ("working set", "1"),
    "leaves neither scope nor mount": ("left", " 0"),
}

for _subject, _machine, _expected in (("a container", (SCRIPT,), EXPECTED), ("a container under systemd", (SYSTEMD_SCRIPT, True), EXPECTED_OF_SYSTEMD),
                                      ("a pod's container under systemd", (POD_SCRIPT, True), EXPECTED_OF_POD)):
    for _what, (_name, _value) in _expected.items():
        @suite.test(f"{_subject} {_what}")
        def _(name=_name, value=_value, machine_of=_machine):
            expect(name, value, *machine_of)


@suite.test("the sandbox's unit tests end well")
def _():
    need_machine()
    test = BUILD / "tests" / "sandbox_test"
    if not test.is_file():
        raise Skip("sandbox_test is not built")
    files = machine.at("/build/tests", test)
    for name in os.listdir(BUILD / "bin"):
        files.update(machine.at("/build/bin", BUILD / "bin" / name))
    code, output = machine.run(files, "export WHERRY_BUILD=/build; cd /build/tests && ./sandbox_test --gtest_color=no")
    results = parts.gtest_results(output)
    assert results, f"nothing ran: {output[-2000:]}"
    for r in results:
        print(f"{r.state} {r.name}" + (f": {r.reason}" if r.state != "PASS" else ""))
        print("".join(f"  {line}\n" for line in r.detail.splitlines()), end="")
    equal(code, 0, "exit code")


suite.main()
