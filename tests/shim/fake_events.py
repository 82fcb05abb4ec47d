# SPDX-License-Identifier: Apache-2.0
"""containerd's events service: takes what the shim forwards."""
import collections
import socket
import struct
import threading

from protocol import RESPONSE, decode, encode, frame

Event = collections.namedtuple("Event", "timestamp namespace topic type value")


class FakeEvents:
    def __init__(self, path):
        self.events = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._connections = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()
        self._thread.join(5)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while head := stream.read(10):
                length, number, _, _ = struct.unpack(">IIBB", head)
                request = decode(stream.read(length))
                envelope = decode(decode(request[3][0])[1][0])
                stamp, event = decode(envelope[1][0]), decode(envelope[4][0])
                self.events.append(Event((stamp[1][0], stamp.get(2, [0])[0]), envelope[2][0].decode(),
                                         envelope[3][0].decode(), event[1][0].decode(), event.get(2, [b""])[0]))
                connection.sendall(frame(number, RESPONSE, encode({2: b""})))
