#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an instance costs, for a module of one page and for SQLite, beside wasmtime's library where PyPI's `wasmtime` is installed."""
import importlib.util
import pathlib
import subprocess
import sys

import peers

FUNCTION = b"call"


def leb128(number):
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7f
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def read_leb128(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def sections(module):
    """(id, content) in order."""
    at = 8
    while at < len(module):
        number, (size, start) = module[at], read_leb128(module, at + 1)
        yield number, module[start:start + size]
        at = start + size


def section(number, content):
    return bytes([number]) + leb128(len(content)) + content


def small():
    """A module with one page of memory and a function that does nothing."""
    export = leb128(1) + leb128(len(FUNCTION)) + FUNCTION + b"\0\0"
    return (b"\0asm\1\0\0\0" + section(1, b"\1\x60\0\0") + section(3, b"\1\0") + section(5, b"\1\0\1") +
            section(7, export) + section(10, b"\1\2\0\x0b") + section(11, b"\1\0\x41\x80\x08\x0b\5hello"))


def function_imports(content):
    count, at = read_leb128(content, 0)
    functions = 0
    for _ in range(count):
        for _ in range(2):
            size, at = read_leb128(content, at)
            at += size
        if content[at] != 0:
            raise ValueError("imports other things than functions")
        _, at = read_leb128(content, at + 1)
        functions += 1
    return functions


def items(content):
    """The numbers of a vector of plain numbers."""
    count, at = read_leb128(content, 0)
    for _ in range(count):
        number, at = read_leb128(content, at)
        yield number


def with_a_call(module):
    """The module with its shortest function of type () -> () exported: the constructors, or less."""
    found = dict(sections(module))
    nothing = next(i for i, params in enumerate(types(found[1])) if params == b"\0\0")
    types_of, sizes = list(items(found[3])), list(body_sizes(found[10]))
    shortest = min((size, i) for i, size in enumerate(sizes) if types_of[i] == nothing)[1]
    index = function_imports(found.get(2, b"\0")) + shortest
    out = module[:8]
    for number, content in sections(module):
        if number == 7:
            count, at = read_leb128(content, 0)
            content = leb128(count + 1) + leb128(len(FUNCTION)) + FUNCTION + b"\0" + leb128(index) + content[at:]
        out += section(number, content)
    return out


def types(content):
    """Parameters and results of each function type, as in the binary."""
    count, at = read_leb128(content, 0)
    for _ in range(count):
        start = at = at + 1
        for _ in range(2):
            size, at = read_leb128(content, at)
            at += size
        yield content[start:at]


def body_sizes(content):
    count, at = read_leb128(content, 0)
    for _ in range(count):
        size, at = read_leb128(content, at)
        at += size
        yield size


def wasmtime_library():
    spec = importlib.util.find_spec("wasmtime")
    found = spec and sorted(pathlib.Path(spec.origin).parent.glob("linux-x86_64/_libwasmtime.so"))
    return ["--wasmtime", found[0]] if found else []


def main():
    folder = peers.WORK / "instances"
    folder.mkdir(parents=True, exist_ok=True)
    modules = {"small.wasm": small()}
    sqlite = peers.GUESTS / "c-sqlite.wasm"
    if sqlite.exists():
        modules["sqlite.wasm"] = with_a_call(sqlite.read_bytes())
    for name, content in modules.items():
        (folder / name).write_bytes(content)
    program = next(peers.BUILD.glob("**/instance_bench"))
    return subprocess.run([program, *wasmtime_library(), FUNCTION.decode(), *modules], cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
