#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad modules, caches, compilers and surroundings: one clear line from `wherry run`, and nothing left behind."""
# timeout: 600
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from suite import Skip, Suite, equal, guest, program  # noqa: E402

TIMEOUT = 60
HEADER = b"\0asm\1\0\0\0"


def leb(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes([*out, value])


def section(number, body):
    return bytes([number]) + leb(len(body)) + body


def module(body, export=b"_start", local_groups=b"\0"):
    """A module with one function of no parameters."""
    code = local_groups + body + b"\x0b"
    return (HEADER + section(1, b"\1\x60\0\0") + section(3, b"\1\0")
            + section(7, b"\1" + leb(len(export)) + export + b"\0\0") + section(10, b"\1" + leb(len(code)) + code))


# Calls proc_exit(42).
GOOD = (HEADER + section(1, b"\2\x60\0\0\x60\1\x7f\0") + section(2, b"\1\x16wasi_snapshot_preview1\x09proc_exit\0\1")
        + section(3, b"\1\0") + section(5, b"\1\0\1") + section(7, b"\2\6_start\0\1\6memory\2\0")
        + section(10, b"\1\6\0\x41\x2a\x10\0\x0b"))

suite = Suite()


class Place:
    """A fresh directory with a module file, and an empty artifact cache."""

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wherry-bad-"))
        self.cache = self.directory / "cache"
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def file(self, content, name="m.wasm"):
        path = self.directory / name
        path.write_bytes(content)
        return path

    def run(self, *arguments, wherry=None):
        return subprocess.run([wherry or program("wherry"), "run", "--cache", self.cache, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=TIMEOUT)


def refused(done, *words):
    """One line on standard error that has the words; an exit code that is no guest's and no signal's."""
    lines = done.stderr.splitlines()
    equal(len(lines), 1, f"number of lines on stderr {lines[:5]}")
    assert 0 < done.returncode < 126, f"exit code {done.returncode}: {lines[0]}"
    equal(done.stdout, "", "stdout")
    for word in words:
        assert word in lines[0], f"no {word!r} in: {lines[0]}"


def nothing_left(place):
    """No artifact, no temporary file and no compiler outlived a failure."""
    files = [p.name for p in place.cache.rglob("*") if p.is_file() and p.suffix not in (".lock",) and p.parent.name != "modules"]
    equal(files, [], "files in the cache")
    compilers = [p.name for p in pathlib.Path("/proc").iterdir() if _is_compiler_of(p, place.directory)]
    equal(compilers, [], "compiler processes")


def _is_compiler_of(process, directory):
    """It has a file of the directory open."""
    try:
        if (process / "comm").read_text().strip() != "wherryc":
            return False
        return any(os.readlink(fd).startswith(str(directory)) for fd in (process / "fd").iterdir())
    except OSError:
        return False


MALFORMED = {
    "an empty file": (b"", "m.wasm"),
    "a text file": (b"hello, I am no module\n", "not a WebAssembly module"),
    "an ELF file": (b"\x7fELF\2\1\1" + bytes(200), "not a WebAssembly module"),
    "a version of the future": (b"\0asm\x07\0\0\0", "version"),
    "a module cut in its header": (GOOD[:6], "unexpected end"),
    "a module cut in a section": (GOOD[:40], "0x"),
    "a section longer than the file": (HEADER + b"\1" + leb(0xffffffff), "0x"),
    "a count of 4 billion types": (HEADER + section(1, leb(0xffffffff)), "0x"),
    "a function with 4 billion locals": (module(b"", local_groups=b"\2" + leb(0xffffffff) + b"\x7f\1\x7e"), "too many locals"),
    "a function that underflows its stack": (module(b"\x1a"), "type mismatch"),
    "a name that is not UTF-8": (HEADER + section(7, b"\1\1\xff\0\0"), "malformed UTF-8"),
}
for _what, (_bytes, _word) in MALFORMED.items():
    @suite.test(f"{_what} is refused")
    def _(content=_bytes, word=_word):
        with Place() as place:
            done = place.run(place.file(content))
            refused(done, word)
            nothing_left(place)


@suite.test("an import that nobody has is named")
def _():
    with Place() as place:
        content = HEADER + section(1, b"\1\x60\0\0") + section(2, b"\1\3env\3foo\0\0")
        refused(place.run(place.file(content)), "env.foo")


@suite.test("every prefix of a module is refused")
def _():
    with Place() as place:
        for size in range(len(GOOD)):
            refused(place.run(place.file(GOOD[:size])))  # some are modules without an entry point


@suite.test("a file of 8 GiB is refused before it is read")
def _():
    with Place() as place:
        path = place.file(GOOD)
        os.truncate(path, 8 << 30)
        refused(place.run(path))
        nothing_left(place)


@suite.test("100,000 nested blocks end in an answer")
def _():
    with Place() as place:
        depth = 100_000
        done = place.run(place.file(module(b"\x02\x40" * depth + b"\x0b" * depth)))
        assert done.returncode == 0 or len(done.stderr.splitlines()) == 1, done


@suite.test("a missing file, a directory and no permission are named")
def _():
    with Place() as place:
        refused(place.run(place.directory / "none.wasm"), "none.wasm", "No such file")
        refused(place.run(place.directory), "irectory")
        nothing_left(place)


@suite.test("a module without an entry point is refused")
def _():
    with Place() as place:
        refused(place.run(place.file(module(b"", export=b"other"))), "_start")
        refused(place.run("--invoke", "nobody", place.file(module(b""))), "nobody")


@suite.test("a listener's address that is in use is named")
def _():
    with Place() as place, socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused(place.run("--tcplisten", address, place.file(GOOD)), address, "in use")


def artifacts(place):
    return sorted(place.cache.glob("*.artifact"))


def damaged(change):
    """The guest runs as before though the cache's entry was changed, and the entry is good again."""
    with Place() as place:
        path = place.file(GOOD)
        equal(place.run(path).returncode, 42, "exit code, first")
        equal(len(artifacts(place)), 1, "number of artifacts")
        change(artifacts(place)[0])
        done = place.run(path)
        equal((done.returncode, done.stdout), (42, ""), f"exit code and stdout ({done.stderr.strip()})")
        equal(len(artifacts(place)), 1, "number of artifacts")
        status = artifacts(place)[0].stat()
        equal((status.st_uid, status.st_mode & 0o022), (os.geteuid(), 0), "owner and write permission of the entry")


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 0xff
    path.chmod(0o600)
    path.write_bytes(content)


def _chown(path):
    if os.geteuid() != 0:
        raise Skip("needs root to give a file away")
    os.chown(path, 65534, 65534)


CHANGES = {
    "with a flipped bit in its header": lambda path: flip(path, 520),
    "that is empty": lambda path: os.truncate(path, 0),
    "cut to half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "that is another file": lambda path: (path.chmod(0o600), path.write_bytes(b"#!/bin/sh\necho owned\n" * 500)),
    "of another user": lambda path: _chown(path),
    "that anybody may write": lambda path: path.chmod(0o666),
}
for _what, _change in CHANGES.items():
    @suite.test(f"a cache entry {_what} is made anew")
    def _(change=_change):
        damaged(change)


@suite.test("a cache directory that anybody may write is not used")
def _():
    with Place() as place:
        place.cache.mkdir()
        place.cache.chmod(0o777)
        equal(place.run(place.file(GOOD)).returncode, 42, "exit code")
        equal(artifacts(place), [], "artifacts")


@suite.test("a full disk under the cache does not stop the guest")
def _():
    if os.geteuid() != 0:
        raise Skip("needs root to mount a small file system")
    with Place() as place:
        place.cache.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k,mode=755", "tmpfs", place.cache], check=True)
        try:
            done = place.run(place.file(GOOD))
            if done.returncode == 42:
                assert len(done.stderr.splitlines()) <= 1, done.stderr
            else:
                refused(done, "space")
        finally:
            subprocess.run(["umount", place.cache], check=True)


def with_compiler(place, script):
    """A copy of wherry with another wherryc beside it."""
    wherry = shutil.copy(program("wherry"), place.directory)
    compiler = place.file(f"#!/bin/sh\n{script}\n".encode(), "wherryc")
    compiler.chmod(0o755)
    return wherry


COMPILERS = {
    "that is killed": ("kill -KILL $$", ""),
    "that fails without a word": ("exit 7", ""),
    "that writes nothing": ("exit 0", ""),
}
for _what, (_script, _word) in COMPILERS.items():
    @suite.test(f"a compiler {_what} ends in one line")
    def _(script=_script, word=_word):
        with Place() as place:
            refused(place.run(place.file(GOOD), wherry=with_compiler(place, script)), word)
            nothing_left(place)


@suite.test("no compiler at all ends in one line")
def _():
    with Place() as place:
        wherry = shutil.copy(program("wherry"), place.directory)
        refused(place.run(place.file(GOOD), wherry=wherry), "wherryc")


@suite.test("a closed pipe ends the guest as it ends any program")
def _():
    reader, writer = os.pipe()
    os.close(reader)
    with Place() as place:
        done = subprocess.run([program("wherry"), "run", "--cache", place.cache, guest("c-hello.wasm")], stdout=writer, timeout=TIMEOUT,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    os.close(writer)
    assert done.returncode in (-signal.SIGPIPE, 128 + signal.SIGPIPE), f"ended with {done.returncode}"
    equal(done.stderr, "", "stderr")


suite.main()
