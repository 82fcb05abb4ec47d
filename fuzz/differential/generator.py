# SPDX-License-Identifier: Apache-2.0
"""Random programs that end, for comparing engines: module(seed) -> bytes.

A program is a WASI command. It calls each of its functions and writes 8 bytes of every result to standard
output, at the end a hash of its memory. Every instruction of opcode.def takes part; floats that may be NaN are
made equal in all engines, since Wasm leaves a NaN's bits open.
"""
import random
import struct

import opcodes
from opcodes import TYPE_BYTE, leb128, section, signed_leb128, types, vector

OPS = opcodes.load()
PLAIN = [op for op in OPS.values() if "*" not in op.params + op.results and op.results
         and op.immediate in ("none", "memarg", "memarg_lane", "lane", "shuffle") and op.name != "memory_grow"]
STORES = [op for op in OPS.values() if op.params.startswith("a") and not op.results and op.immediate in ("memarg", "memarg_lane")]
BY_RESULT = {letter: [op for op in PLAIN if op.results == letter] for letter in "ilfdv"}
LETTERS = "iiillfdvv"
INTERESTING = {"i": [0, 1, -1, 2, 31, 32, 127, 128, 255, 65535, 65536, 2**31 - 1, -2**31],
               "l": [0, 1, -1, 63, 64, 2**32, 2**31, -2**31, 2**63 - 1, -2**63]}
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, 1e10, -1e10, 2147483648.0, 4294967296.0, 9.2e18, 1e-40, float("inf"), float("-inf")]
SCRATCH = 0x8000  # results are written from here; programs use what is below
LEAVES = 4
TRAPPING = ("div_s", "div_u", "rem_s", "rem_u")


def lanes(op):
    return {"8": 16, "1": 8, "3": 4, "6": 2}[op.mnemonic.split("x")[0][1]]


class Function:
    """One function's body; locals are parameters, then two variables and a scratch of each type, then counters."""

    def __init__(self, rng, program, params, results, leaf):
        self.rng, self.program, self.params, self.results, self.leaf = rng, program, params, results, leaf
        self.variables = params + "ilfdv" * 2
        self.scratch = {letter: len(self.variables) + n for n, letter in enumerate("ilfdv")}
        self.counters = len(self.variables) + 5
        self.used_counters = 0
        self.budget = rng.choice((20, 60, 150, 400))

    def encode(self):
        body = b"".join(self.statement(2) for _ in range(self.rng.randint(1, 8)))
        body += self.ending()
        declared = [leb128(1) + bytes([TYPE_BYTE[t]]) for t in self.variables[len(self.params):] + "ilfdv"]
        declared.append(leb128(max(1, self.used_counters)) + b"\x7f")
        code = vector(declared) + body + b"\x0b"
        return leb128(len(code)) + code

    def ending(self):
        same = [n for n in range(LEAVES) if not self.leaf and self.program.signatures[n][1] == self.results]
        if same and self.rng.random() < 0.3:
            callee = self.rng.choice(same)
            return self.arguments(self.program.signatures[callee][0]) + b"\x12" + self.program.function(callee)
        ending = b"".join(self.expression(letter, 3) for letter in self.results)
        return ending + (b"\x0f" if self.rng.random() < 0.2 else b"")

    def arguments(self, letters):
        return b"".join(self.expression(letter, 2) for letter in letters)

    # Expressions

    def expression(self, letter, depth):
        self.budget -= 1
        if depth <= 0 or self.budget < 0:
            return self.simple(letter)
        choice = self.rng.random()
        if choice < 0.12:
            return self.simple(letter)
        if choice < 0.18:
            below = self.rng.randrange(depth)  # compilers hold operands that are locals back
            return self.expression(letter, below) + self.expression(letter, below) + self.expression("i", depth - 1) + \
                self.rng.choice((b"\x1b", b"\x1c\x01" + bytes([TYPE_BYTE[letter]])))
        if choice < 0.24:
            return self.block_expression(letter, depth - 1)
        if choice < 0.27 and letter == "i":
            return self.rng.choice((b"\x3f\x00", b"\xd0\x70\xd1", b"\x41\x00\x25\x00\xd1"))
        if choice < 0.33 and not self.leaf:
            if callees := [n for n in range(LEAVES) if self.program.signatures[n][1] == letter]:
                return self.called(self.rng.choice(callees))
        return self.operation(self.rng.choice(BY_RESULT[letter]), depth - 1)

    def simple(self, letter):
        if self.rng.random() < 0.5:
            return b"\x20" + leb128(self.rng.choice([n for n, t in enumerate(self.variables) if t == letter]))
        if self.rng.random() < 0.2 and letter != "v":
            return b"\x23" + leb128("ilfd".index(letter))
        return self.constant(letter)

    def constant(self, letter):
        rng = self.rng
        if letter in "il":
            bits = 32 if letter == "i" else 64
            value = rng.choice(INTERESTING[letter]) if rng.random() < 0.6 else rng.getrandbits(bits) - (1 << bits - 1)
            return (b"\x41" if letter == "i" else b"\x42") + signed_leb128(value)
        value = rng.choice(FLOATS) if rng.random() < 0.7 else rng.uniform(-1000, 1000)
        if letter == "f":
            return b"\x43" + struct.pack("<f", value)
        if letter == "d":
            return b"\x44" + struct.pack("<d", value)
        if rng.random() < 0.5:
            return b"\xfd\x0c" + rng.randbytes(16)
        return b"\xfd\x0c" + struct.pack("<ffff", *rng.choices(FLOATS, k=4))

    def address(self, depth):
        if self.rng.random() < 0.002:
            return self.expression("i", depth)  # mostly out of bounds
        return self.expression("i", depth) + b"\x41" + signed_leb128(0x3fff) + b"\x71"

    def memarg(self, op):
        name = op.mnemonic
        widths = [w for w in (8, 16, 32) if str(w) in name.split(".")[1]]
        natural = 0 if 8 in widths and "x" not in name else 1 if 16 in widths and "x" not in name else 2
        offset = self.rng.choice((0, 0, 1, 4, 8, 127, 128, 1000, 16383))
        return leb128(self.rng.randint(0, natural)) + leb128(offset)

    def operation(self, op, depth):
        out = b""
        for n, letter in enumerate(op.params):
            if letter == "a":
                out += self.address(depth)
                continue
            out += self.expression(letter, depth)
            if op.name.endswith(TRAPPING) and n == 1 and letter in "il" and self.rng.random() < 0.98:
                out += b"\x41\x01\x72" if letter == "i" else b"\x42\x01\x84"
        if "trunc_f" in op.name and self.rng.random() < 0.97 and op.params in "fd":
            out += self.small_float(op.params)
        return out + op.code + self.immediate(op) + self.without_nan(op)

    def small_float(self, letter):
        """Brings the value on the stack into every integer's range."""
        ops = [OPS[("f32_" if letter == "f" else "f64_") + name] for name in ("abs", "min")]
        big = b"\x43" + struct.pack("<f", 100) if letter == "f" else b"\x44" + struct.pack("<d", 100)
        return ops[0].code + big + ops[1].code + self.drop_nan(letter)

    def immediate(self, op):
        rng = self.rng
        if op.immediate == "memarg":
            return self.memarg(op)
        if op.immediate == "memarg_lane":
            return b"\x00" + leb128(rng.randint(0, 200)) + bytes([rng.randrange({"8": 16, "1": 8, "3": 4, "6": 2}[op.mnemonic.split("load")[-1].split("store")[-1][0]])])
        if op.immediate == "lane":
            return bytes([rng.randrange(lanes(op))])
        return bytes(rng.randrange(32) for _ in range(16)) if op.immediate == "shuffle" else b""

    def without_nan(self, op):
        if op.results in "fd" and op.immediate == "none" and "reinterpret" not in op.name:
            return self.drop_nan(op.results)
        if op.results == "v" and op.name.startswith(("f32x4", "f64x2")) and op.immediate == "none":
            return self.drop_nan_lanes("f32x4_eq" if op.name.startswith("f32x4") else "f64x2_eq")
        return b""

    def drop_nan(self, letter):
        tmp = leb128(self.scratch[letter])
        get = b"\x20" + tmp
        zero = b"\x43" + bytes(4) if letter == "f" else b"\x44" + bytes(8)
        return b"\x21" + tmp + get + zero + get + get + (b"\x5b" if letter == "f" else b"\x61") + b"\x1b"

    def drop_nan_lanes(self, equal):
        tmp = leb128(self.scratch["v"])
        get = b"\x20" + tmp
        return b"\x21" + tmp + get + get + get + OPS[equal].code + OPS["v128_and"].code

    def block_expression(self, letter, depth):
        result = bytes([TYPE_BYTE[letter]])
        first, second = self.expression(letter, depth), self.expression(letter, depth)
        condition = self.expression("i", depth)
        kind = self.rng.randrange(4)
        if kind == 0:
            return condition + b"\x04" + result + first + b"\x05" + second + b"\x0b"
        if kind == 1:
            return b"\x02" + result + first + condition + b"\x0d\x00\x1a" + second + b"\x0b"
        if kind == 2:
            inner = b"\x02" + result + first + condition + b"\x0e\x02\x00\x01\x00\x0b"
            return b"\x02" + result + inner + b"\x1a" + second + b"\x0b"
        return b"\x02" + result + first + b"\x0c\x00\x0b"

    # Statements

    def statement(self, depth):
        self.budget -= 1
        choice = self.rng.random()
        if choice < 0.35 or self.budget < 0:
            n = self.rng.randrange(len(self.variables))
            return self.expression(self.variables[n], 4) + b"\x21" + leb128(n)
        if choice < 0.5:
            op = self.rng.choice(STORES)
            return self.operation(op, 3)
        if choice < 0.56:
            n = self.rng.randrange(4)
            return self.expression("ilfd"[n], 3) + b"\x24" + leb128(n)
        if choice < 0.62:
            return self.bulk()
        if choice < 0.72 and not self.leaf:
            return self.call()
        if depth == 0:
            return self.expression("v", 3) + b"\x1a"
        if choice < 0.82:
            return self.loop(depth)
        return self.branches(depth)

    def statements(self, depth):
        return b"".join(self.statement(depth) for _ in range(self.rng.randint(1, 3)))

    def bulk(self):
        size = self.expression("i", 1) + b"\x41\xff\x00\x71"
        if self.rng.random() < 0.5:
            return self.address(1) + self.address(1) + size + b"\xfc\x0a\x00\x00"
        return self.address(1) + self.expression("i", 1) + size + b"\xfc\x0b\x00"

    def call(self):
        callee = self.rng.randrange(LEAVES)
        results = self.program.signatures[callee][1]
        out = self.called(callee)
        for letter in reversed(results):
            targets = [n for n, t in enumerate(self.variables) if t == letter]
            out += b"\x21" + leb128(self.rng.choice(targets)) if self.rng.random() < 0.8 else b"\x1a"
        return out

    def called(self, callee):
        params, results = self.program.signatures[callee]
        if self.rng.random() < 0.5:
            return self.arguments(params) + b"\x10" + self.program.function(callee)
        return self.arguments(params) + b"\x41" + signed_leb128(callee) + b"\x11" + self.program.type(params, results) + b"\x00"

    def loop(self, depth):
        counter = leb128(self.counters + self.used_counters)
        self.used_counters += 1
        count = b"\x41" + signed_leb128(self.rng.randint(1, 7))
        if self.rng.random() < 0.4:  # the counter is the loop's parameter
            kind = self.program.type("i", "i")
            return count + b"\x03" + signed_leb128(kind[0]) + b"\x21" + counter + self.statements(depth - 1) + \
                b"\x20" + counter + b"\x41\x01\x6b\x22" + counter + b"\x20" + counter + b"\x0d\x00\x0b\x1a"
        return count + b"\x21" + counter + b"\x03\x40" + self.statements(depth - 1) + \
            b"\x20" + counter + b"\x41\x01\x6b\x22" + counter + b"\x0d\x00\x0b"

    def branches(self, depth):
        kind = self.rng.randrange(4)
        condition = self.expression("i", 3)
        if kind == 0:
            return condition + b"\x04\x40" + self.statements(depth - 1) + b"\x05" + self.statements(depth - 1) + b"\x0b"
        if kind == 1:
            return condition + b"\x04\x40" + self.statements(depth - 1) + b"\x0b"
        if kind == 2:
            return b"\x02\x40" + self.statements(depth - 1) + condition + b"\x0d\x00" + self.statements(depth - 1) + b"\x0b"
        arms = b"\x02\x40" * 3 + condition + b"\x41\x03\x71\x0e\x03\x00\x01\x02\x01\x0b"
        return arms + self.statements(depth - 1) + b"\x0c\x01\x0b" + self.statements(depth - 1) + b"\x0b"


class Program:
    IMPORTED = 1  # fd_write

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.types = []
        self.type("iiii", "i")
        self.type("", "")
        self.type("i", "i")
        self.signatures = [self.signature() for _ in range(LEAVES + self.rng.randint(1, 6))]

    def signature(self):
        letters = lambda most: "".join(self.rng.choice(LETTERS) for _ in range(self.rng.randint(0, most)))  # noqa: E731
        return letters(self.rng.choice((2, 5, 16))), letters(self.rng.choice((1, 1, 3, 6)))

    def type(self, params, results):
        if (params, results) not in self.types:
            self.types.append((params, results))
        return leb128(self.types.index((params, results)))

    def function(self, number):
        return leb128(self.IMPORTED + number)

    def start(self):
        """Calls every function and writes its results, then a hash of the memory."""
        maker = Function(self.rng, self, "", "", False)
        # The buffer's address and size are written each time: a program may have hit them.
        write = b""
        for offset, value in ((0, SCRATCH + 16), (4, 8)):
            write += b"\x41" + signed_leb128(SCRATCH + offset) + b"\x41" + signed_leb128(value) + b"\x36\x02\x00"
        write += b"\x41\x01\x41" + signed_leb128(SCRATCH) + b"\x41\x01\x41" + signed_leb128(SCRATCH + 8) + b"\x10\x00\x1a"
        out = b""
        keep = {"i": b"\xac", "l": b"", "f": b"\xbc\xac", "d": b"\xbd"}
        for number, (params, results) in enumerate(self.signatures):
            out += b"".join(maker.constant(letter) for letter in params) + b"\x10" + self.function(number)
            for letter in reversed(results):
                # Locals: 0 the value as i64, 1 a vector.
                out += keep[letter] if letter != "v" else b"\x22\x01\xfd\x1d\x00\x20\x01\xfd\x1d\x01\x85"
                out += b"\x21\x00\x41" + signed_leb128(SCRATCH + 16) + b"\x20\x00\x37\x03\x00" + write
        return out + self.memory_hash() + write + b"\x0b"

    def memory_hash(self):
        # Local 2 counts down over the words below SCRATCH, local 0 is the hash.
        return b"\x41" + signed_leb128(SCRATCH) + b"\x21\x02\x42\x00\x21\x00\x03\x40\x20\x00\x42" + signed_leb128(0x100000001b3) + \
            b"\x7e\x20\x02\x41\x08\x6b\x22\x02\x29\x03\x00\x85\x21\x00\x20\x02\x0d\x00\x0b\x41" + signed_leb128(SCRATCH + 16) + \
            b"\x20\x00\x37\x03\x00"

    def encode(self):
        codes = [Function(self.rng, self, *signature, leaf=n < LEAVES).encode() for n, signature in enumerate(self.signatures)]
        start = vector([b"\x01\x7e", b"\x01\x7b", b"\x01\x7f"]) + self.start()
        codes.append(leb128(len(start)) + start)
        functions = [self.type(*signature) for signature in self.signatures] + [self.type("", "")]
        name = lambda text: leb128(len(text)) + text.encode()  # noqa: E731
        sections = [
            section(2, vector([name("wasi_snapshot_preview1") + name("fd_write") + b"\x00\x00"])),
            section(3, vector(functions)),
            section(4, vector([b"\x70\x00" + leb128(LEAVES)])),
            section(5, vector([b"\x01\x01\x02"])),
            section(6, vector([b"\x7f\x01\x41\x07\x0b", b"\x7e\x01\x42\x09\x0b", b"\x7d\x01\x43" + struct.pack("<f", 1.25) + b"\x0b",
                               b"\x7c\x01\x44" + struct.pack("<d", -2.5) + b"\x0b"])),
            section(7, vector([name("memory") + b"\x02\x00", name("_start") + b"\x00" + self.function(len(self.signatures))])),
            section(9, vector([b"\x00\x41\x00\x0b" + vector(self.function(n) for n in range(LEAVES))])),
            section(10, vector(codes)),
            section(11, vector([b"\x00\x41\x00\x0b" + leb128(1024) + self.rng.randbytes(1024)])),
        ]
        func_types = section(1, vector(b"\x60" + types(params) + types(results) for params, results in self.types))
        return b"\0asm\1\0\0\0" + func_types + b"".join(sections)


def module(seed):
    return Program(seed).encode()
