# SPDX-License-Identifier: Apache-2.0
"""The shim's ttrpc without containerd: frames by hand, messages as {field: value}."""
import socket
import struct

REQUEST, RESPONSE, DATA = 1, 2, 3


def varint(value):
    out = b""
    value &= (1 << 64) - 1
    while True:
        out += bytes([value & 0x7f | (0x80 if value > 0x7f else 0)])
        value >>= 7
        if not value:
            return out


def encode(fields):
    """A protobuf message of {number: int, str, bytes, nested dict, or a list of these}."""
    out = b""
    for number, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int):
                out += varint(number << 3) + varint(item)
                continue
            data = encode(item) if isinstance(item, dict) else item.encode() if isinstance(item, str) else item
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def decode(data):
    """{number: [values]}: integers, and bytes for all else."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        elif key & 7 == 2:
            size = number()
            value = data[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {key & 7}")
        fields.setdefault(key >> 3, []).append(value)
    return fields


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Connection:
    """A ttrpc client whose calls may be outstanding in any number."""

    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self._next = 1
        self._answers = {}
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, method, fields, service="containerd.task.v2.Task"):
        """Sends a request and returns its stream."""
        stream, self._next = self._next, self._next + 2
        self.send_raw(frame(stream, REQUEST, encode({1: service, 2: method, 3: encode(fields)})))
        return stream

    def answer(self, stream):
        """Waits for the answer on a stream: its decoded payload."""
        while stream not in self._answers:
            self._receive()
        response = decode(self._answers.pop(stream))
        status = decode(response[1][0]) if 1 in response else {}
        if status.get(1, [0])[0]:
            raise Refused(status[1][0], status.get(2, [b""])[0].decode())
        return decode(response.get(2, [b""])[0])

    def has_answer(self, stream):
        return stream in self._answers

    def call(self, method, fields, service="containerd.task.v2.Task"):
        return self.answer(self.send(method, fields, service))

    def skip_streams(self, stream):
        self._next = stream

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the shim closed the connection")
        self._buffer += data
        while len(self._buffer) >= 10:
            length, stream, kind, _ = struct.unpack(">IIBB", self._buffer[:10])
            if len(self._buffer) < 10 + length:
                return
            if kind == RESPONSE:
                self._answers[stream] = self._buffer[10:10 + length]
            self._buffer = self._buffer[10 + length:]


def frame(stream, kind, data, flags=0, length=None):
    return struct.pack(">IIBB", len(data) if length is None else length, stream, kind, flags) + data
