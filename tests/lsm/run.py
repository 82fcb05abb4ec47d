#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""AppArmor's profiles and SELinux's labels on guests and on execs: in virtual machines, whatever this one has."""
# timeout: 900
import functools
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import machine  # noqa: E402
import tools  # noqa: E402
from image import write_image  # noqa: E402
from scripts import APPARMOR, BUNDLES, CNI_CONFIGURATION, CNI_PLUGIN, CRITEST, PODS, POLICY, PROFILES, SELINUX, START  # noqa: E402
from suite import SOURCE, Skip, Suite, program  # noqa: E402

IMAGE = "wherry.test/guest:1"
HTTPBIN = "wherry.test/httpbin:1"
NATIVE = "wherry.test/native:1"
CONTAINERD = ("containerd", "ctr")

CRICTL, CRITEST_PROGRAM = tools.directory() / "bin/crictl", tools.directory() / "bin/critest"

suite = Suite()


def build_guest(directory):
    module = directory / "guest.wasm"
    if not shutil.which("clang-19"):
        raise Skip("no clang-19 to build the guest")
    subprocess.run(["clang-19", "--target=wasm32-wasi", "-Os", "-s", "-o", module, pathlib.Path(__file__).with_name("guest.c")], check=True)
    return module


def unpacked(name):
    try:
        return machine.package(name)
    except (OSError, subprocess.SubprocessError) as error:
        raise Skip(f"no package {name}: {error}") from None


def files_of_machine():
    reason = machine.missing_reason()
    if reason:
        raise Skip(reason)
    programs = [shutil.which(p) for p in CONTAINERD]
    if None in programs:
        raise Skip("no containerd with ctr")
    files = machine.with_libraries(*programs)
    files["/config.toml"] = machine.CONTAINERD_WITH_CRI.encode()
    for name in ("containerd-shim-wherry-v1", "wherryc", "wherry-oci"):
        files.update(machine.at("/usr/local/bin", program(name)))
    files["/usr/local/bin/toolbox.wasm"] = program("toolbox.wasm")
    httpbin = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
    with tempfile.TemporaryDirectory() as place:
        directory = pathlib.Path(place)
        guest = build_guest(directory)
        contents = {"guest.wasm": guest, "bin/busybox": machine.BUSYBOX, "data/old": b"old", "other/old": b"old", "tmp/keep": b""}
        files["/guest.wasm"] = guest.read_bytes()
        files["/guest.tar"] = write_image(directory / "guest.tar", IMAGE, contents, ["/guest.wasm"]).read_bytes()
        files["/pause.tar"] = write_image(directory / "pause.tar", machine.PAUSE, {"pause": b""}, ["/pause"]).read_bytes()
        files["/httpbin.tar"] = write_image(directory / "httpbin.tar", HTTPBIN, {"httpbin.wasm": httpbin}, ["/httpbin.wasm"]).read_bytes()
    return files


def run_machine(files, script, parameters):
    script = script.replace("IMAGE", IMAGE).replace("HTTPBIN", HTTPBIN)
    _, output = machine.run(files, script, timeout=400, parameters=parameters)
    return dict(line.split(": ", 1) for line in output.splitlines() if ": " in line), output


@functools.cache
def apparmor():
    """({name: value} of the script's lines, all that was printed). Tried once, also if it fails."""
    files = files_of_machine()
    package = unpacked("apparmor")
    files.update(machine.at("/sbin", package / "sbin/apparmor_parser"))
    # As it is on a node of Debian: containerd's default profile includes what is there.
    for part in ("etc", "usr/share/apparmor-features"):
        for path in (package / part).rglob("*"):
            if path.is_file():
                files[f"/{path.relative_to(package)}"] = path
            elif not any(path.iterdir()):
                files[f"/{path.relative_to(package)}/.keep"] = b""  # an empty directory
    files["/profiles"] = PROFILES.encode()
    if CRICTL.is_file():
        files["/usr/local/bin/crictl"] = CRICTL
    return run_machine(files, START + APPARMOR + BUNDLES + PODS * CRICTL.is_file() + CRITEST * add_critest(files), "security=apparmor")


def add_critest(files):
    """Whether there is one."""
    runc = shutil.which("runc")
    if not (CRICTL.is_file() and CRITEST_PROGRAM.is_file() and runc):
        return False
    files.update(machine.with_libraries(runc))
    files["/usr/local/bin/critest"] = CRITEST_PROGRAM
    files["/etc/cni/net.d/10.conflist"] = CNI_CONFIGURATION.encode()
    for name in ("none", "loopback"):
        files[f"/opt/cni/bin/{name}"] = CNI_PLUGIN.encode()
    with tempfile.TemporaryDirectory() as place:
        contents = {"bin/touch": machine.BUSYBOX, "tmp/keep": b""}
        files["/native.tar"] = write_image(pathlib.Path(place) / "native.tar", NATIVE, contents, ["/bin/touch"]).read_bytes()
    return True


def pods():
    if not CRICTL.is_file():
        raise Skip("crictl is not built")
    return apparmor()


def critest():
    if not CRITEST_PROGRAM.is_file():
        raise Skip("critest is not built")
    return pods()


def compiled_policy(directory):
    policy = directory / "policy"
    compiler = unpacked("secilc") / "usr/bin/secilc"
    subprocess.run([compiler, "-c", "33", "-o", policy, "-f", "/dev/null", pathlib.Path(__file__).with_name("policy.cil")], check=True)
    return policy.read_bytes()


@functools.cache
def selinux():
    files = files_of_machine()
    with tempfile.TemporaryDirectory() as place:
        files["/policy"] = compiled_policy(pathlib.Path(place))
    return run_machine(files, POLICY + START + SELINUX, "security=selinux selinux=1 enforcing=1")


def expect(run, name, value):
    said, output = run()
    found = said.get(name)
    good = value(found or "") if callable(value) else found == value
    assert good, f"{name} is {found!r}" + ("" if callable(value) else f", expected {value!r}") + f"\n{output[-1500:]}"


def has(*words):
    return lambda text: all(word in text for word in words)


DENIED = "write /data/old: Permission denied; write /data/new: Permission denied; write /other/new: done; read /data/old: done"
ALL_DONE = "write /data/old: done; write /data/new: done; write /other/new: done; read /data/old: done"
NOTHING = "write /data/old: Permission denied; write /data/new: Permission denied; write /other/new: Permission denied; read /data/old: Permission denied"
NOT_LOADED = has("apparmor failed to apply profile `not-loaded`: no such file or directory")

EXPECTED = {
    "a guest without a profile may write": ("unconfined guest", ALL_DONE),
    "a guest can not write what its profile denies": ("denied guest", DENIED),
    "a guest starts under a profile that allows nothing, and can nothing": ("guest with nothing", NOTHING),
    "a profile that complains denies nothing": ("complaining guest", ALL_DONE),
    "a profile that complains is the process's": ("complaining label", "test-complain (complain)"),
    "every thread of a guest has the profile": ("guest labels", "test-deny (enforce)"),
    "an executed module has the profile": ("exec label", "test-deny (enforce)"),
    "an executed module can not write what the profile denies": ("exec write", has("ermission denied")),
    "an executed module may write what the profile allows": ("exec other write", "0"),
    "a native exec has the profile": ("native label", "test-deny (enforce)"),
    "a native exec can not write what the profile denies": ("native write", has("ermission denied")),
    "a native exec without a profile may write": ("unconfined native write", "0"),
    "a profile that is not loaded is the start's error": ("not loaded", NOT_LOADED),
    "a container that could not start leaves nothing": ("left", "0"),
    "httpbin serves under containerd's default profile": ("default answer", "ok"),
    "httpbin has containerd's default profile": ("default labels", "cri-containerd.apparmor.d (enforce)"),
    "wherry-oci: a guest can not write what its profile denies": ("oci guest", DENIED),
    "wherry-oci: a guest in a user namespace has the profile": ("oci user guest", DENIED),
    "wherry-oci: an exec that names no profile has its container's": ("oci exec label", "test-deny (enforce)"),
    "wherry-oci: an exec in a user namespace has the profile": ("oci user exec label", "test-deny (enforce)"),
    "wherry-oci: an exec may have another profile": ("oci other exec label", "test-nothing (enforce)"),
    "wherry-oci: a native exec has the profile": ("oci native label", "test-deny (enforce)"),
    "wherry-oci: a native exec in a user namespace has the profile": ("oci user native label", "test-deny (enforce)"),
    "wherry-oci: a profile that is not loaded is create's error": ("oci not loaded", NOT_LOADED),
    "wherry-oci: a guest whose profile went before the start does not run": ("oci lost", has("apparmor failed to apply profile `test-lost`")),
    "wherry-oci: such a guest has written nothing": ("oci lost wrote", "no"),
    "a label of SELinux where there is none is an error": ("no selinux", has("selinux label is specified in config, but selinux is disabled or not supported")),
}

SECRET = "write /data/old: Permission denied; write /data/new: Permission denied; write /other/new: done; read /data/old: done"
FORBIDDEN = has("selinux failed to apply label `system_u:system_r:forbidden_t:s0", "Permission denied")

EXPECTED_OF_SELINUX = {
    "the policy is enforced": ("enforcing", "1"),
    "a guest without a label may write": ("free guest", ALL_DONE),
    "a guest can not write what the policy denies to its label": ("guest", SECRET),
    "a guest in a user namespace has the label": ("user guest", SECRET),
    "every thread of a guest has the label": ("guest labels", "system_u:system_r:container_t:s0:c0"),
    "a label that the policy does not know is create's error": ("wrong", has("selinux failed to apply label `system_u:system_r:nobody_t:s0`", "the policy has no such context")),
    "a guest whose label the policy keeps from us does not run": ("forbidden", lambda text: FORBIDDEN(text) and "/data" not in text),
    "a profile of AppArmor where there is none is an error": ("no apparmor", has("apparmor: config provided but apparmor not supported")),
    "an exec that names no label has its container's": ("exec label", "system_u:system_r:container_t:s0:c0"),
    "an exec may have another label": ("other exec label", "system_u:system_r:container_t:s0:c1"),
    "an executed module can not write what the policy denies": ("exec write", has("ermission denied")),
    "a native exec has the label": ("native label", "system_u:system_r:container_t:s0:c0"),
    "a native exec can not write what the policy denies": ("native write", has("ermission denied")),
    "a tmpfs without a mount label is not the guest's": ("unlabelled tmpfs", has("ermission denied")),
    "a tmpfs has the mount label": ("labelled tmpfs", "0"),
    "queues without a mount label are not the guest's": ("unlabelled queues", has("ermission denied")),
    "queues have the mount label": ("labelled queues", ""),
    "a tmpfs in a user namespace has the mount label": ("labelled user's tmpfs", "0"),
    "queues in a user namespace have the mount label": ("labelled user's queues", ""),
    "every file system that is made has the mount label": ("labels of mounts", "/; /tmp; /other"),
    "containerd's guest has the label": ("containerd's guest", SECRET),
    "a label that the policy keeps from us is Start's error": ("containerd's forbidden guest", FORBIDDEN),
    "a container that could not start leaves nothing": ("left", "0"),
}

EXPECTED_OF_PODS = {
    "a module can not write what the pod's profile denies": ("pod's guest", DENIED),
    "a module has the default profile": ("pod's default label", "cri-containerd.apparmor.d (enforce)"),
    "the sandbox has none, as CRI gives it none": ("pod's sandbox label", "unconfined"),
    "a native exec has the default profile": ("pod's native exec", has("cri-containerd.apparmor.d (enforce)")),
}

SPECS = (
    "runtime should support deprecated apparmor_profile field should fail with an unloaded apparmor_profile",
    "runtime should support deprecated apparmor_profile field should enforce a apparmor_profile blocking writes",
    "runtime should support deprecated apparmor_profile field should enforce a permissive deprecated profile",
    "runtime should support apparmor field should fail with an unloaded apparmor_profile",
    "runtime should support apparmor field should enforce a apparmor_profile blocking writes",
    "runtime should support apparmor field should enforce a permissive deprecated profile",
    "runtime should prefer new apparmor field should fail with an unloaded apparmor_profile",
    "runtime should prefer new apparmor field should enforce a apparmor_profile blocking writes",
    "runtime should prefer new apparmor field should work with apparmor profile",
)
EXPECTED_OF_CRITEST = {f"{kind}, {spec}": (f"critest of {name} {spec}", "passed")
                       for name, kind in (("native", "a program"), ("guest", "a module")) for spec in SPECS}

for _module, _run, _expected in (("apparmor", apparmor, EXPECTED), ("apparmor in a pod", pods, EXPECTED_OF_PODS),
                                 ("critest's apparmor", critest, EXPECTED_OF_CRITEST), ("selinux", selinux, EXPECTED_OF_SELINUX)):
    for _what, (_name, _value) in _expected.items():
        @suite.test(f"{_module}: {_what}")
        def _(run=_run, name=_name, value=_value):
            expect(run, name, value)


suite.main()
