#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every applet of the toolbox, by `wherry run`, beside busybox's; and what busybox has no match for."""
# timeout: 120
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

from cases import CASES, FILES  # noqa: E402
from suite import BUILD, SOURCE, Skip, Suite, equal, program  # noqa: E402

suite = Suite()


def applets():
    return re.findall(r'^APPLET\("([^"]+)"', (SOURCE / "toolbox" / "applets.def").read_text(), re.M)


@contextlib.contextmanager
def directory():
    with tempfile.TemporaryDirectory(prefix="wherry-toolbox-") as name:
        root = pathlib.Path(name)
        for path, text in FILES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
            os.utime(root / path, (1700000000, 1700000000))
        yield root


def content(root):
    """{path: (kind, permissions, content)} of what is below."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = ("link", os.readlink(path))
        elif path.is_dir():
            found[str(path.relative_to(root))] = ("directory", oct(path.stat().st_mode))
        elif path.suffix != ".tar":  # two may say the same in other ways
            found[str(path.relative_to(root))] = ("file", oct(path.stat().st_mode), path.read_bytes())
    return found


def toolbox(root, arguments, **keywords):
    command = [program("wherry"), "run", "--dir", f"{root}::/", "--env", "HOME=/", "--env", "PWD=/", program("toolbox.wasm"), *arguments]
    return subprocess.run(command, capture_output=True, timeout=20, **keywords)


def busybox(root, arguments, **keywords):
    binary = shutil.which("busybox")
    if not binary:
        raise Skip("no busybox to compare with")
    return subprocess.run([binary, *arguments], capture_output=True, timeout=20, cwd=root, env={"HOME": "/", "PWD": str(root)}, **keywords)


def outcome(run, arguments, stdin):
    with directory() as root:
        done = run(root, arguments, input=stdin)
        said = b"".join(sorted(done.stdout.splitlines(True))) if arguments[0] == "find" else done.stdout  # its order is the kernel's
        said = said.replace(str(root).encode() or b"/", b"/").replace(b"//", b"/")
        return {"output": said, "exit code": done.returncode, "a message": bool(done.stderr), "files": content(root)}, done.stderr


def compare(line, stdin=""):
    arguments = shlex.split(line)
    if arguments == ["sh", "-c"]:
        arguments, stdin = ["sh", "-c", stdin], ""
    expected, _ = outcome(busybox, arguments, stdin.encode())
    seen, message = outcome(toolbox, arguments, stdin.encode())
    different = [f"{what} is {seen[what]!r}, busybox's {expected[what]!r}" for what in expected if seen[what] != expected[what]]
    return f"{arguments}: {'; '.join(different)} ({message!r})" if different else None


def add_cases(applet, lines):
    @suite.test(f"{applet} does as busybox does", alone=False)
    def _():
        differences = list(filter(None, (compare(*([line] if isinstance(line, str) else line)) for line in lines)))
        assert not differences, f"{len(differences)} of {len(lines)} differ: " + " | ".join(differences)


for _applet, _lines in CASES.items():
    if _lines:
        add_cases(_applet, _lines)


@suite.test("the module lists its applets, each has cases, and the module is small")
def _():
    module = program("toolbox.wasm").read_bytes()
    assert b"\x0ewherry.applets" + "".join(f"{name}\n" for name in applets()).encode() in module, "no section with the applets"
    equal([name for name in applets() if name not in CASES], [], "applets without a case")
    assert len(module) < 360_000, f"{len(module)} bytes"


@suite.test("--help of each applet says how it is called; another name is refused")
def _():
    with directory() as root:
        for name in applets():
            done = toolbox(root, [name, "--help"])
            own = name in ("[", "echo", "false", "printf", "pwd", "test", "true", "whoami")
            assert own or (done.returncode == 0 and done.stdout.startswith(f"usage: {name} ".encode())), (name, done)
        done = toolbox(root, ["/bin/nosuch", "x"])
        equal((done.returncode, done.stderr), (1, b"toolbox: no applet 'nosuch'\n"), "another name")


@suite.test("a copy of the module is not the toolbox, and gets nothing of it")
def _():
    with directory() as root:
        copy = root / "copy.wasm"
        shutil.copy(program("toolbox.wasm"), copy)
        done = subprocess.run([program("wherry"), "run", copy, "true"], capture_output=True, text=True)
        assert done.returncode == 1 and "`wherry_toolbox." in done.stderr, done


if __name__ == "__main__":
    suite.main(workers=2)
