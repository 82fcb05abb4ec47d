# SPDX-License-Identifier: Apache-2.0
"""Modules at the limits, or built so that a careless compiler takes forever."""
import dataclasses
from collections.abc import Callable

I32, I64, V128, EMPTY = 0x7f, 0x7e, 0x7b, 0x40
END, BLOCK, LOOP, IF, BR_IF, BR_TABLE, RETURN, CALL, DROP = b"\x0b", b"\x02", b"\x03", b"\x04", b"\x0d", b"\x0e", b"\x0f", b"\x10", b"\x1a"
ADD, XOR, DIV = b"\x6a", b"\x73", b"\x6d"


def leb(n):
    out = b""
    while True:
        byte, n = n & 0x7f, n >> 7
        if not n:
            return out + bytes([byte])
        out += bytes([byte | 0x80])


def get(i):
    return b"\x20" + leb(i)


def set_(i):
    return b"\x21" + leb(i)


def const(n):
    assert 0 <= n < 64
    return b"\x41" + bytes([n])


def vector(items):
    return leb(len(items)) + b"".join(items)


def type_(params, results):
    return b"\x60" + leb(len(params)) + bytes(params) + leb(len(results)) + bytes(results)


def module(types, functions, bodies):
    def section(number, content):
        return bytes([number]) + leb(len(content)) + content
    return (b"\0asm\1\0\0\0" + section(1, vector(types)) + section(3, vector([leb(f) for f in functions])) +
            section(5, b"\1\0\1") + section(10, vector([leb(len(b)) + b for b in bodies])))


def one(params, results, code, locals_=b"\0", more_types=()):
    return module([type_(params, results), *more_types], [0], [locals_ + code + END])


def locals_of(count, kind):
    return b"\1" + leb(count) + bytes([kind])


@dataclasses.dataclass
class Case:
    name: str
    binary: Callable[[], bytes]
    error: str | None = None


VOID = bytes([EMPTY])
DEEP = 99_998
MANY = [I32] * 1000

CASES = [
    Case("50,000 locals", lambda: one([I32], [I32], b"".join(get(i) + const(1) + ADD + set_(i + 1) for i in range(49_999)) +
                                      get(49_999), locals_of(49_999, I32))),
    Case("50,000 vectors", lambda: one([], [], b"".join(get(i) + DROP for i in range(50_000)), locals_of(50_000, V128))),
    Case("br_table of 65,520", lambda: one([I32], [], (BLOCK + VOID) * 3 + get(0) + BR_TABLE + leb(65_520) +
                                           b"".join(leb(i % 4) for i in range(65_520)) + leb(1) + END * 3)),
    Case("br_table of many targets with values",
         lambda: one([I32], [], (BLOCK + b"\1") * 500 + const(1) * 8 + get(0) + BR_TABLE + leb(60_000) +
                     b"".join(leb(i % 500) for i in range(60_001)) + (END + DROP * 8 + const(1) * 8) * 499 + END + DROP * 8,
                     more_types=[type_([], [I32] * 8)])),
    Case("100,000 blocks in blocks", lambda: one([], [], (BLOCK + VOID) * DEEP + END * DEEP)),
    Case("100,000 loops in loops", lambda: one([], [], (LOOP + VOID) * DEEP + END * DEEP)),
    Case("100,000 ifs in ifs", lambda: one([I32], [], (get(0) + IF + VOID) * DEEP + END * DEEP)),
    Case("blocks over operands", lambda: one([I32], [], (get(0) + BLOCK + VOID) * DEEP + (END + DROP) * DEEP)),
    Case("operands under many blocks", lambda: one([I32], [], (get(0) + const(1) + XOR) * 50_000 + (BLOCK + VOID + END) * 500_000 +
                                                   DROP * 50_000)),
    Case("100,000 uses of a local, then it is set", lambda: one([I32], [], get(0) * 99_990 + set_(0) + DROP * 99_989)),
    Case("a use deep in the stack", lambda: one([I32], [], get(0) + const(7) * 50_000 + (get(1) + const(1) + set_(1) + DROP) * 200_000 +
                                                DROP * 50_001, locals_of(1, I32))),
    Case("a function of 7.6 MB", lambda: one([I32], [I32], get(0) + (const(5) + ADD + get(0) + XOR) * 1_266_000)),
    Case("a trap in every instruction", lambda: one([I32, I32], [I32], get(0) + (get(1) + DIV) * 300_000)),
    Case("two bytes for 1000 arguments", lambda: module([type_([], []), type_(MANY, MANY)], [0, 1], [
        b"\0" + const(0) * 1000 + (CALL + leb(1)) * 300_000 + DROP * 1000 + END,
        b"\0" + b"".join(get(i) for i in range(1000)) + END]), "function too complex"),
    Case("100,000 functions of 50,000 unused locals",
         lambda: module([type_([], [])], [0] * 100_000, [locals_of(50_000, I32) + END] * 100_000)),
    Case("200,000 uses of locals in 20,000 runs",
         lambda: one([], [], b"".join(get(i * 7919 % 40_000) + DROP for i in range(200_000)),
                     vector([b"\2" + bytes([kind]) for kind in (I32, I64)] * 10_000))),
    Case("100,000 types of 40 values", lambda: module([type_([I32] * 20, [I64] * 20)] * 100_000, [], [])),
]


def many_functions(count):
    bodies = [locals_of(2, I32) + (get(0) + const(i % 60) + ADD + set_(1)) * (i % 50) + get(1) + END for i in range(count)]
    return module([type_([I32], [I32])], [0] * count, bodies)


def two_invalid_functions(count):
    bodies = [b"\0" + get(0) * 5 + DROP * 4 + END] * count
    bodies[count // 2] = b"\0" + b"\x42\0" + END
    bodies[count - 1] = b"\0" + END
    return module([type_([I32], [I32])], [0] * count, bodies)
