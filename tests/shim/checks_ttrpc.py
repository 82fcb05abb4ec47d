# SPDX-License-Identifier: Apache-2.0
"""Check 56: what a hostile or odd ttrpc client can do to a shim."""
import os
import random
import struct

from checks_start import bundles, socket_of, started
from protocol import DATA, REQUEST, Connection, Refused, encode, frame
from suite import Skip, equal

TASK = "containerd.task.v2.Task"


def refused(function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except Refused as reason:
        return reason.code, reason.message
    raise AssertionError("not refused")


def request(service, method, payload=b""):
    return encode({1: service, 2: method, 3: payload})


def register(suite):
    def shim_test(name):
        def add(function):
            @suite.test(name)
            def _():
                with bundles({}) as (address, [bundle]), started(bundle, address, "c1"):
                    function(socket_of(address, "c1"))
            return function
        return add

    @shim_test("task v2 and v3 answer alike")
    def _(path):
        with Connection(path) as connection:
            for version in ("v2", "v3"):
                service = f"containerd.task.{version}.Task"
                answer = connection.call("Connect", {1: "none"}, service=service)
                assert answer[1][0] > 0 and 2 not in answer, answer
                equal(refused(connection.call, "State", {1: "none"}, service=service), (5, "container none not found"), "State")

    @shim_test("check 56: unknown services and methods are 12")
    def _(path):
        with Connection(path) as connection:
            for service, method in (("containerd.task.v4.Task", "State"), (TASK, "Nothing"), ("", "")):
                equal(refused(connection.call, method, {}, service=service)[0], 12, f"{service}/{method}")

    @shim_test("what comes with a later release is 12 and says so")
    def _(path):
        with Connection(path) as connection:
            equal(refused(connection.call, "Checkpoint", {1: "c1"}), (12, "Checkpoint is not implemented yet"), "Checkpoint")

    @shim_test("check 56: even and repeated streams are refused, the connection lives")
    def _(path):
        with Connection(path) as connection:
            connection.call("Connect", {1: "x"})
            for stream in (2, 1, 0):
                connection.send_raw(frame(stream, REQUEST, request(TASK, "Connect")))
                equal(refused(connection.answer, stream)[0], 3, f"stream {stream}")
            assert connection.call("Connect", {1: "x"})[1][0] > 0

    @shim_test("check 56: 4 MiB + 1 is refused with 8, the connection lives")
    def _(path):
        with Connection(path) as connection:
            size = (4 << 20) + 1
            connection.send_raw(frame(1, REQUEST, b"", length=size))
            connection.send_raw(bytes(size))
            equal(refused(connection.answer, 1), (8, f"message of {size} bytes, the limit is {size - 1}"), "answer")
            connection.skip_streams(3)
            assert connection.call("Connect", {1: "x"})[1][0] > 0

    @shim_test("check 56: other frames are refused or ignored")
    def _(path):
        with Connection(path) as connection:
            connection.send_raw(frame(1, DATA, b"x"))
            equal(refused(connection.answer, 1)[0], 3, "data on no stream")
            connection.send_raw(frame(3, 77, b"unknown type"))
            connection.send_raw(frame(5, REQUEST, b"\xff\xff\xff\xff"))
            equal(refused(connection.answer, 5)[0], 3, "not protobuf")
            connection.send_raw(frame(7, REQUEST, request(TASK, "State", b"\x0a\xff")))
            equal(refused(connection.answer, 7)[0], 3, "not a StateRequest")
            connection.skip_streams(9)
            assert connection.call("Connect", {1: "x"})[1][0] > 0

    @shim_test("check 56: random bytes from fifty connections leave the others alone")
    def _(path):
        rng = random.Random(20)
        with Connection(path) as steady:
            for number in range(50):
                with Connection(path) as noisy:
                    kind = number % 3
                    if kind == 0:
                        data = rng.randbytes(rng.randrange(1, 5000))
                    elif kind == 1:
                        data = struct.pack(">IIBB", rng.randrange(1 << 32), rng.randrange(1 << 32), rng.randrange(256), rng.randrange(256)) + rng.randbytes(300)
                    else:
                        data = frame(1, REQUEST, rng.randbytes(200))
                    try:
                        noisy.send_raw(data)
                    except OSError:
                        pass
                assert steady.call("Connect", {1: "x"})[1][0] > 0

    @shim_test("a create without a usable bundle fails in one line and leaves nothing")
    def _(path):
        with Connection(path) as connection:
            cases = (
                ({1: "", 2: "/x"}, "container id of 0 bytes"),
                ({1: "../x", 2: "/x"}, "container id may not be a path"),
                ({1: "c1", 2: "relative"}, "bundle must be an absolute path"),
                ({1: "c1", 2: "/nonexistent"}, "/nonexistent/config.json: No such file or directory"),
                ({1: "c1", 2: "/nonexistent", 8: "/image"}, "restoring a checkpoint is not implemented"),
            )
            for fields, words in cases:
                message = refused(connection.call, "Create", fields)[1]
                assert words in message and "\n" not in message, message
                equal(refused(connection.call, "Delete", {1: "c1"})[0], 5, "Delete of what was not created")
        assert os.path.exists(path)

    @shim_test("another user gets no answer")
    def _(path):
        if os.geteuid() != 0:
            raise Skip("needs root to become another user")
        os.chmod(path, 0o666)
        handle = os.open(path, os.O_PATH)  # past the directories that keep others out
        child = os.fork()
        if child == 0:
            os.setgid(1000)
            os.setuid(1000)
            os._exit(_answered(f"/proc/self/fd/{handle}"))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(handle)
        equal(status, 0, "answers to another user")
        with Connection(path) as connection:
            assert connection.call("Connect", {1: "x"})[1][0] > 0


def _answered(path):
    """0: the connection was closed without an answer; 1: there was one; 2: no connection."""
    try:
        connection = Connection(path)
    except OSError:
        return 2
    try:
        connection.call("Connect", {1: "x"})
    except OSError:
        return 0
    return 1
