# SPDX-License-Identifier: Apache-2.0
"""What a command line alone does not show: other users, listeners, doctor's findings."""
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile

from cases import DATA
from suite import Skip, equal, guest, program, wait_until

NOBODY = 65534
TIMEOUT = 60


def wherry(*arguments, **options):
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": TIMEOUT, **options}
    return subprocess.run([program("wherry"), *map(str, arguments)], **options)


def a_user_without_root_has_an_own_cache():
    if os.geteuid() != 0:
        raise Skip("needs root to become another user")
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        for name in ("wherry", "wherryc"):
            shutil.copy(program(name), place)
        home = place / "home"
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        place.chmod(0o755)
        module = shutil.copy(DATA / "hello.wasm", place)
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
        for _ in range(2):
            done = subprocess.run([place / "wherry", "run", module], env=environment, user=NOBODY, group=NOBODY, extra_groups=[],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)
            equal((done.returncode, done.stdout, done.stderr), (0, "hello\n", ""), "exit code, stdout and stderr")
        cache = home / ".cache" / "wherry"
        equal(len(list(cache.glob("*.artifact"))), 1, "artifacts in the user's cache")
        equal({path.stat().st_uid for path in cache.rglob("*")}, {NOBODY}, "owners in the cache")


def the_guest_gets_a_listener_of_either_kind():
    rust_tcpfd = guest("rust-tcpfd.wasm")
    for option in (["--tcplisten", "{},blocking"], ["-S", "tcplisten={},blocking"]):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        with tempfile.TemporaryDirectory() as cache:
            child = subprocess.Popen([program("wherry"), "run", "--cache", cache, *(o.format(address) for o in option), rust_tcpfd, "1"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                wait_until(lambda: answers(address), "a connection", alive=child)
                child.communicate(timeout=TIMEOUT)
            finally:
                child.kill()
                child.wait()


def answers(address):
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(b"ping\n")
            return True
    except OSError:
        return False


def signals_end_the_program():
    with tempfile.TemporaryDirectory() as cache:
        for number in (15, 2, 1):
            child = subprocess.Popen([program("wherry"), "run", "--cache", cache, DATA / "cat.wasm"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            child.stdin.write(b"ready\n")
            child.stdin.flush()
            equal(child.stdout.read(6), b"ready\n", "first output")
            child.send_signal(number)
            _, errors = child.communicate(timeout=TIMEOUT)
            assert child.returncode in (-number, 128 + number), f"signal {number}: ended with {child.returncode}"
            equal(errors, b"", "stderr")


def every_help_fits_a_screen():
    commands = [line.split()[0] for line in wherry("help").stdout.splitlines() if line.startswith("  ") and not line.startswith("  wherry ")]
    assert len(commands) >= 8, commands
    for words in (["help"], ["help", "features"], *(["help", command] for command in commands)):
        lines = wherry(*words).stdout.splitlines()
        assert len(lines) <= 24 and max(map(len, lines)) <= 100, f"{words}: {len(lines)} lines, {max(map(len, lines))} columns"
        examples = [line for line in lines if line.startswith("  wherry ")]
        equal(len(examples), 0 if words[-1] == "features" else 2, f"examples of {words}")


def everything(master):
    """What a terminal was given: it comes in pieces, and the last may be late."""
    text = b""
    while select.select([master], [], [], 0.3)[0]:
        text += os.read(master, 4096)
    return text.decode()


def compile_shows_progress_on_a_terminal():
    with tempfile.TemporaryDirectory() as cache:
        master, slave = os.openpty()
        try:
            done = wherry("compile", "--cache", cache, DATA / "hello.wasm", DATA / "exit.wasm", capture_output=False,
                          stdout=subprocess.DEVNULL, stderr=slave)
            equal(done.returncode, 0, "exit code")
            shown = everything(master)
            wherry("compile", "--cache", cache, DATA / "hello.wasm", capture_output=False, stdout=subprocess.DEVNULL, stderr=slave)
            again = everything(master)
        finally:
            os.close(slave)
            os.close(master)
        assert "[2/2] compiling " in shown and "[####################] 100 % of " in shown and shown.endswith("\r\033[K"), repr(shown)
        assert max(map(len, shown.split("\r\033[K"))) < 80, repr(shown)
        assert "[1/1] compiling " in again and "%" not in again, repr(again)


GOOD_CONFIG = """version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wherry]
  runtime_type = "io.containerd.wherry.v1"
  runtime_path = "{shim}"
"""


def findings(*arguments):
    done = wherry("doctor", "--json", *arguments)
    report = json.loads(done.stdout)
    problems = [f for f in report["findings"] if f["state"] == "problem"]
    equal(len(problems), report["problems"], "number of problems")
    equal(done.returncode, 1 if problems else 0, "exit code")
    assert all(f.get("cure") for f in problems), problems
    return report["findings"]


def said(list_of_findings, state, text):
    return any(f["state"] == state and text in f["what"] for f in list_of_findings)


def doctor_reads_containerd_s_configuration():
    with tempfile.TemporaryDirectory() as directory:
        config = pathlib.Path(directory) / "config.toml"
        shim = pathlib.Path(directory) / "containerd-shim-wherry-v1"
        cache = ["--cache", f"{directory}/cache"]
        config.write_text(GOOD_CONFIG.format(shim=shim))
        missing = findings("--config", config, *cache)
        assert said(missing, "problem", f"no shim at {shim}") and said(missing, "ok", "runtime `wherry` for Kubernetes"), missing
        shim.write_text("#!/bin/sh\n")
        shim.chmod(0o755)
        assert said(findings("--config", config, *cache), "ok", f"shim {shim}")
        config.write_text("version = 2\n")
        assert said(findings("--config", config, *cache), "problem", "no runtime of type io.containerd.wherry.v1")
        config.write_text('version = 2\ndisabled_plugins = ["cri"]\n')
        assert said(findings("--config", config, *cache), "note", "(cri) is disabled")
        config.write_text("version = [\n")
        assert said(findings("--config", config, *cache), "problem", f"{config}: line 1")


def doctor_reads_the_settings_of_the_node():
    with tempfile.TemporaryDirectory() as directory:
        settings = pathlib.Path(directory) / "settings.toml"
        arguments = ["--settings", settings, "--cache", f"{directory}/cache"]
        settings.write_text("[defaults]\negress = 'none'\n")
        assert said(findings(*arguments), "ok", f"{settings}, 1 value")
        settings.write_text("[defaults]\nspeed = 1\n")
        assert said(findings(*arguments), "problem", f"{settings}: defaults.speed: unknown")


def doctor_reads_a_tree_of_cgroups():
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory) / "cgroup"
        root.mkdir()
        (root / "cgroup.controllers").write_text("cpuset memory\n")
        (root / "cgroup.subtree_control").write_text("")
        (root / "cgroup.procs").write_text("")
        seen = findings("--cgroups", root, "--cache", f"{directory}/cache")
        for controller in ("cpu", "pids"):
            assert said(seen, "problem", f"no controller `{controller}`"), seen
        assert said(seen, "ok", "controllers memory"), seen


def doctor_finds_a_cache_that_others_can_write():
    with tempfile.TemporaryDirectory() as directory:
        cache = pathlib.Path(directory) / "cache"
        cache.mkdir()
        cache.chmod(0o777)
        seen = findings("--cache", cache)
        assert said(seen, "problem", "every start compiles"), seen


def doctor_finds_a_broken_artifact():
    with tempfile.TemporaryDirectory() as directory:
        cache = pathlib.Path(directory) / "cache"
        equal(wherry("compile", "--cache", cache, DATA / "hello.wasm").returncode, 0, "exit code")
        assert not said(findings("--cache", cache), "problem", "can not be used")
        artifact = next(cache.glob("*.artifact"))
        artifact.chmod(0o600)
        os.truncate(artifact, 4096)
        assert said(findings("--cache", cache), "problem", "1 of them can not be used"), findings("--cache", cache)


def doctor_misses_the_compiler():
    with tempfile.TemporaryDirectory() as directory:
        alone = shutil.copy(program("wherry"), directory)
        done = subprocess.run([alone, "doctor", "--json", "--cache", f"{directory}/cache"], capture_output=True, text=True, timeout=TIMEOUT)
        assert said(json.loads(done.stdout)["findings"], "problem", f"no compiler at {directory}/wherryc"), done.stdout


TESTS = (every_help_fits_a_screen, compile_shows_progress_on_a_terminal, a_user_without_root_has_an_own_cache,
         the_guest_gets_a_listener_of_either_kind, signals_end_the_program, doctor_reads_containerd_s_configuration, doctor_reads_the_settings_of_the_node,
         doctor_reads_a_tree_of_cgroups, doctor_finds_a_cache_that_others_can_write, doctor_finds_a_broken_artifact,
         doctor_misses_the_compiler)


def add_tests(suite):
    for test in TESTS:
        suite.test(test.__name__.replace("_", " "))(test)
