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

import archives  # noqa: E402
import network  # noqa: E402
from cases import CASES, FILES  # noqa: E402
from suite import SOURCE, Skip, Suite, equal, program, wait_until  # noqa: E402

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


def command_of(root, arguments):
    return [program("wherry"), "run", "--dir", f"{root}::/", "--env", "HOME=/", "--env", "PWD=/", program("toolbox.wasm"), *arguments]


def toolbox(root, arguments, **keywords):
    return subprocess.run(command_of(root, arguments), capture_output=True, timeout=20, **keywords)


def popen(root, arguments, **keywords):
    return subprocess.Popen(command_of(root, arguments), **keywords)


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


@suite.test("ps, id, whoami, hostname, uname and df say what /proc and the file systems say")
def _():
    with directory() as root:
        (root / "etc").mkdir()
        (root / "etc" / "passwd").write_text(f"someone:x:{os.getuid()}:0::/:/\n")
        equal(toolbox(root, ["whoami"]).stdout, b"someone\n", "whoami")
        groups = sorted({os.getgid(), *os.getgroups()})
        equal(sorted(map(int, toolbox(root, ["id", "-G"]).stdout.split())), groups, "id -G")
        assert toolbox(root, ["id"]).stdout.startswith(f"uid={os.getuid()}(someone) gid={os.getgid()}".encode())
        equal(toolbox(root, ["uname", "-srn"]).stdout.decode().split(), [os.uname().sysname, os.uname().nodename, os.uname().release], "uname")
        shown = {line.split()[0]: line for line in toolbox(root, ["ps"]).stdout.decode().splitlines()}
        assert str(os.getpid()) in shown and "run.py" in shown[str(os.getpid())], shown
        space = os.statvfs(root)
        line = toolbox(root, ["df", "-k", "/"]).stdout.decode().splitlines()[1].split()
        equal((int(line[1]), line[5]), (space.f_blocks * space.f_frsize // 1024, "/"), "df")


@suite.test("du adds up what is below, each file once")
def _():
    with directory() as root:
        (root / "d" / "large").write_bytes(bytes(10240))
        os.link(root / "d" / "large", root / "d" / "e" / "same")
        alone, both = (int(toolbox(root, ["du", "-b", "-s", path]).stdout.split()[0]) for path in ("/d/e", "/d"))
        assert alone < both < alone + 20000, (alone, both)
        equal(toolbox(root, ["du", "-s", "nope"]).returncode, 1, "exit code")


@suite.test("find -delete removes what it finds, the inside first")
def _():
    with directory() as root:
        equal(toolbox(root, ["find", "d", "-delete"]).returncode, 0, "exit code")
        assert not (root / "d").exists()


@suite.test("tail -f shows what is added, also after the file was begun anew")
def _():
    with directory() as root, popen(root, ["tail", "-f", "-n", "1", "-s", "0.01", "a"], stdout=subprocess.PIPE) as process:
        try:
            equal(process.stdout.readline(), b"three\n", "the last line")
            with open(root / "a", "a") as file:
                file.write("four\n")
            equal(process.stdout.readline(), b"four\n", "the line that was added")
            (root / "a").write_text("new\n")
            equal(process.stdout.readline(), b"new\n", "the line after it was cut")
        finally:
            process.kill()


@suite.test("sh -i prompts, goes on after errors, and asks for the rest of a command")
def _():
    with directory() as root:
        done = toolbox(root, ["sh", "-i"], input=b"cd d\nnosuch\nif true\nthen echo yes; fi\n)\necho $((6*7))\nexit 4\necho never\n")
        equal((done.returncode, done.stdout), (4, b"/ # /d # /d # > yes\n/d # /d # 42\n/d # "), "exit code and output")
        assert b"nosuch: not found" in done.stderr and b"syntax error" in done.stderr, done.stderr


@suite.test("sh refuses what is nested too deeply, and runs what is long")
def _():
    deep = ["f() { f; }; f", "f() { eval f; }; f", "(" * 500, "echo " + "${a:-" * 200 + "}" * 200, "echo $((" + "(" * 500 + "1" + ")" * 500 + "))", "if false; then :; " + "elif false; then :; " * 2000 + "fi"]
    with directory() as root:
        for script in deep:
            done = toolbox(root, ["sh", "-c", script])
            assert done.returncode == 2 and b"too deeply" in done.stderr, (script[:40], done.returncode, done.stderr[:200])
        for script in ("true && " * 5000 + "echo end", "true | " * 300 + "echo end", "true\n" * 5000 + "echo end", "echo $(echo $(echo $(echo end)))"):
            equal(toolbox(root, ["sh", "-c", script]).stdout, b"end\n", f"output of {script[:20]}...")


@suite.test("a pipe that holds too much is an error, and no lack of memory")
def _():
    with directory() as root:
        with open(root / "big", "wb") as file:
            file.truncate(100 << 20)
        done = toolbox(root, ["sh", "-c", "cat big | wc -c"])
        equal(done.stderr, b"cat: write error: File too large\n", "message")


archives.add_tests(suite, toolbox, directory)
network.add_tests(suite, toolbox, popen, directory)

if __name__ == "__main__":
    suite.main(workers=2)
