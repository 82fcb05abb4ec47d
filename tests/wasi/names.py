#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command in a network of its own whose only name server knows one host.

usage: names.py NAME COMMAND [ARG...]      NAME has the address 127.0.0.1

Needs root; run it under `unshare --net --mount`. An HTTP server on port 8080 answers "found". Another
name than NAME does not exist, and one that begins with "slow" is never answered.
"""
import http.server
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading


def answer(query, known):
    """A DNS response to a query: one A record, or the error that there is no such name."""
    position, labels = 12, []
    while query[position]:
        labels.append(query[position + 1:position + 1 + query[position]].decode())
        position += 1 + query[position]
    question = query[12:position + 5]
    name, kind = ".".join(labels).lower(), struct.unpack("!H", query[position + 1:position + 3])[0]
    if name.startswith("slow"):
        return None
    found = name == known
    records = struct.pack("!HHHIH4B", 0xc00c, 1, 1, 60, 4, 127, 0, 0, 1) if found and kind == 1 else b""
    flags = 0x8180 if found else 0x8183
    return query[:2] + struct.pack("!HHHHH", flags, 1, 1 if records else 0, 0, 0) + question + records


def serve_names(known):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def loop():
        while True:
            query, peer = server.recvfrom(512)
            response = answer(query, known)
            if response:
                server.sendto(response, peer)
    threading.Thread(target=loop, daemon=True).start()


class Found(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"found {self.headers['Host']}\n".encode())

    def log_message(self, *_):
        pass


def main():
    known, command = sys.argv[1], sys.argv[2:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as directory:
        for name, text in ("resolv.conf", "nameserver 127.0.0.1\n"), ("hosts", "127.0.0.1 localhost\n"):
            file = pathlib.Path(directory) / name
            file.write_text(text)
            subprocess.run(["mount", "--bind", file, os.path.realpath(f"/etc/{name}")], check=True)
        serve_names(known)
        server = http.server.HTTPServer(("127.0.0.1", 8080), Found)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.exit(subprocess.run(command, stdin=subprocess.DEVNULL).returncode)


main()
