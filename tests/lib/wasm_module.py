# SPDX-License-Identifier: Apache-2.0
"""Imports and exports of a core module, read without any of our code."""
import pathlib

TYPES, IMPORTS, EXPORTS = 1, 2, 7
KINDS = ("func", "table", "memory", "global", "tag")
VALUE_TYPES = {0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref"}


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value
            shift += 7

    def bytes(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def name(self):
        return self.bytes(self.unsigned()).decode()

    def value_types(self):
        return " ".join(VALUE_TYPES[self.byte()] for _ in range(self.unsigned()))

    def limits(self):
        flags = self.byte()
        return [self.unsigned() for _ in range(2 if flags & 1 else 1)]


def _sections(path):
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\0asm\1\0\0\0", f"{path} is not a core module"
    reader = _Reader(data)
    reader.at = 8
    while reader.at < len(data):
        number = reader.byte()
        yield number, _Reader(reader.bytes(reader.unsigned()))


def _types(reader):
    found = []
    for _ in range(reader.unsigned()):
        assert reader.byte() == 0x60, "not a function type"
        found.append(f"({reader.value_types()}) -> ({reader.value_types()})")
    return found


def _import_type(reader, types):
    kind = reader.byte()
    if kind == 0:
        return types[reader.unsigned()]
    if kind == 1:
        return f"table {VALUE_TYPES[reader.byte()]} {reader.limits()}"
    if kind == 2:
        return f"memory {reader.limits()}"
    return f"{KINDS[kind]} {reader.byte()} {reader.byte()}"


def interface(path):
    """(sorted imports "module name type", sorted exports "kind name")."""
    types, imports, exports = [], [], []
    for number, reader in _sections(path):
        if number == TYPES:
            types = _types(reader)
        elif number == IMPORTS:
            for _ in range(reader.unsigned()):
                names = f"{reader.name()} {reader.name()}"
                imports.append(f"{names} {_import_type(reader, types)}")
        elif number == EXPORTS:
            for _ in range(reader.unsigned()):
                name, kind = reader.name(), KINDS[reader.byte()]
                reader.unsigned()
                exports.append(f"{kind} {name}")
    return sorted(imports), sorted(exports)
