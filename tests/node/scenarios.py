# SPDX-License-Identifier: Apache-2.0
"""What is done with `wherry node`, without any option but a time limit, on the node of a distribution."""
import json
import pathlib
import subprocess

from suite import BUILD, equal, wait_until
import tools

TIMEOUT = 120


def wherry(action, *arguments, check=0, program=BUILD / "bin" / "wherry"):
    done = subprocess.run([program, "node", action, "--timeout", "30s", *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    equal(done.returncode, check, f"exit code of {action} ({done.stdout}{done.stderr})")
    return done


def handlers(node):
    return node.handlers(tools.directory() / "bin" / "crictl")


def life(node):
    before = node.files()
    equal(handlers(node), {"runc"}, "handlers before")
    first = wherry("install").stdout
    assert str(node.expected_program()) in first.splitlines()[0], first
    assert f"configuration {node.edited()}: handler `wherry`" in first and "test container after the restart: ran" in first, first
    block = node.edited().read_text().split("# wherry: begin")[1]
    equal("SystemdCgroup = true" in block, True, f"the handler has runc's SystemdCgroup ({block})")
    equal((handlers(node), node.restarts()), ({"runc", "wherry"}, 1), "handlers and restarts after the installation")
    second = wherry("install").stdout
    assert "nothing to change" in second, second
    equal(node.restarts(), 1, "restarts after a second installation")
    equal(json.loads(wherry("status", "--json").stdout)["problems"], 0, "problems")
    node.stop()
    node.start()
    equal(handlers(node), {"runc", "wherry"}, "handlers after a restart of the node")
    wherry("uninstall", program="/opt/wherry/bin/wherry")
    equal((node.files(), node.restarts()), (before, 2), "files and restarts after the uninstallation")
    wait_until(lambda: handlers(node) == {"runc"}, "end of the handler")
    assert not pathlib.Path("/opt/wherry").exists() and not pathlib.Path("/var/lib/wherry").exists(), "files are left"


def does_not_start(node):
    """The distribution does not start with the handler: it is taken back."""
    before = node.files()
    node.refuses = b"runtimes.wherry"
    done = wherry("install", "--timeout", "5s", check=1)
    assert done.stderr.startswith("error: ") and "the configuration is as before" in done.stderr, done.stderr
    equal((node.files(), handlers(node)), (before, {"runc"}), "files and handlers")
    node.refuses = b""
    wherry("install")
    equal(handlers(node), {"runc", "wherry"}, "handlers")
    wherry("uninstall")
    equal(node.files(), before, "files after the uninstallation")
