# SPDX-License-Identifier: Apache-2.0
"""A module that divides by many constants and by the same numbers in a variable, and counts where the two differ."""
import hostile as h

I32, I64 = h.I32, h.I64
DIVISIONS = {I32: (0x6d, 0x6e, 0x6f, 0x70), I64: (0x7f, 0x80, 0x81, 0x82)}  # div_s, div_u, rem_s, rem_u
CONST = {I32: 0x41, I64: 0x42}
ADD = {I32: b"\x6a", I64: b"\x7c"}
NE = {I32: b"\x47", I64: b"\x52"}
BITS = {I32: 32, I64: 64}


def const(type_, number):
    """number as a signed constant of the type."""
    bits = BITS[type_]
    number &= (1 << bits) - 1
    number -= (number >> (bits - 1)) << bits
    out = bytes([CONST[type_]])
    while True:
        low, number = number & 0x7f, number >> 7
        if (number == 0 and not low & 0x40) or (number == -1 and low & 0x40):
            return out + bytes([low])
        out += bytes([low | 0x80])


def divisors(bits):
    powers = [1 << n for n in range(bits)]
    odd = [3, 5, 6, 7, 9, 10, 11, 12, 13, 25, 28, 60, 100, 125, 365, 625, 641, 1000, 3600, 10_007, 86_400, 1_000_000, 10 ** 9]
    wide = [10 ** 12, 10 ** 18, 0x5555555555555555, 0x7ffffffffffffffe, 0xfffffffffffffffd, 6_700_417 * 641] if bits == 64 else []
    near = [p + d for p in powers for d in (-1, 1)]
    return sorted({n & ((1 << bits) - 1) for n in [*powers, *odd, *wide, *near, *(-n for n in odd)]} - {0})


def dividends(bits):
    edges = [0, 1, 2, 9, 10, 99, 1 << (bits - 1), (1 << (bits - 1)) - 1, (1 << bits) - 1, (1 << bits) - 10, 0x12345678, 1 << 31]
    return sorted({n & ((1 << bits) - 1) for n in edges} | {(0x9e3779b97f4a7c15 * n >> 7) & ((1 << bits) - 1) for n in range(1, 12)})


def comparison(type_, opcode, divisor):
    """Locals: 0 the differences, 1 and 2 dividend and divisor; 3 and 4 the same of 64 bits."""
    x, by = (1, 2) if type_ == I32 else (3, 4)
    division = bytes([opcode])
    bits = BITS[type_]
    code = const(type_, divisor) + h.set_(by)
    for n in [*dividends(bits), divisor, divisor - 1, 0 - divisor, 3 * divisor]:
        n &= (1 << bits) - 1
        if opcode == DIVISIONS[type_][0] and n == 1 << (bits - 1) and divisor == (1 << bits) - 1:
            continue  # traps
        code += const(type_, n) + h.set_(x)
        # The dividend in a local, in a register and in another's place; the constant result under an operand.
        code += h.get(x) + const(type_, divisor) + division + h.get(x) + h.get(by) + division + NE[type_]
        code += h.get(x) + const(type_, 0) + ADD[type_] + const(type_, divisor) + division + h.get(x) + h.get(by) + division + NE[type_]
        code += ADD[I32] + h.get(0) + ADD[I32] + h.set_(0)
    return code


def module():
    """One function for each type and instruction, and `check`, which adds up their counts."""
    locals_ = h.vector([h.leb(3) + bytes([I32]), h.leb(2) + bytes([I64])])
    cases = [(type_, opcode) for type_, opcodes in DIVISIONS.items() for opcode in opcodes]
    bodies = [locals_ + b"".join(comparison(type_, opcode, d) for d in divisors(BITS[type_])) + h.get(0) + h.END
              for type_, opcode in cases]
    bodies.append(b"\0" + const(I32, 0) + b"".join(h.CALL + h.leb(i) + ADD[I32] for i in range(len(cases))) + h.END)
    export = b"\7" + h.leb(len(content := b"\1\5check\0" + h.leb(len(cases)))) + content
    binary = h.module([h.type_([], [I32])], [0] * len(bodies), bodies)
    memory = b"\5\3\1\0\1"
    code = binary.index(memory) + len(memory)  # the exports go between memory and code
    return binary[:code] + export + binary[code:]
