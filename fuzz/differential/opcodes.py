# SPDX-License-Identifier: Apache-2.0
"""The instruction table src/wasm/opcode.def and the binary format's small parts, for the generator."""
import pathlib
import re
from dataclasses import dataclass

TABLE = pathlib.Path(__file__).resolve().parents[2] / "src" / "wasm" / "opcode.def"
ROW = re.compile(r'^OP\((\w+),\s*"([^"]+)",\s*(\w+),\s*(\w+),\s*(\w+),\s*"([^"]*)",\s*"([^"]*)",\s*(\w+)\)', re.M)
FEATURES = {"mvp", "sign_extension", "saturating_float_to_int", "bulk_memory", "reference_types", "simd", "tail_call"}
TYPE_BYTE = {"i": 0x7f, "l": 0x7e, "f": 0x7d, "d": 0x7c, "v": 0x7b}


@dataclass
class Op:
    name: str
    mnemonic: str
    code: bytes
    immediate: str
    params: str
    results: str


def leb128(number):
    out = bytearray()
    while True:
        byte = number & 0x7f
        number >>= 7
        if number == 0:
            return bytes(out + bytes([byte]))
        out.append(byte | 0x80)


def signed_leb128(number):
    out = bytearray()
    while True:
        byte = number & 0x7f
        number >>= 7
        if (number == 0 and not byte & 0x40) or (number == -1 and byte & 0x40):
            return bytes(out + bytes([byte]))
        out.append(byte | 0x80)


def vector(items):
    items = list(items)
    return leb128(len(items)) + b"".join(items)


def section(number, content):
    return bytes([number]) + leb128(len(content)) + content


def types(letters):
    return vector(bytes([TYPE_BYTE[letter]]) for letter in letters)


def load():
    """All rows of enabled features by name."""
    ops = {}
    for name, mnemonic, prefix, code, immediate, params, results, feature in ROW.findall(TABLE.read_text()):
        if feature in FEATURES:
            number = int(code, 16)
            encoded = bytes([number]) if int(prefix, 16) == 0 else bytes([int(prefix, 16)]) + leb128(number)
            ops[name] = Op(name, mnemonic, encoded, immediate, params, results)
    return ops
