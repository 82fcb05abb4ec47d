# SPDX-License-Identifier: Apache-2.0
"""What the shim asks of containerd about an image: nothing, unless the root file system has no such program; and never for long.

Images whose layer is the module, on real containerds, are tests/forms.
"""
import os
import socket
import time

import pause_bundle
from checks_start import bundles, socket_of, started
from protocol import Connection, Refused
from world import guest_bytes
from suite import equal, program

PATIENCE = 5  # seconds that the shim waits for containerd
MISSING = "entrypoint `/hello.wasm` not found in the container (tried /hello.wasm)"


def register(suite):
    def layers_test(name):
        """The test gets a function that makes the container: its process's number, or Refused; and the socket that is containerd's."""
        def add(function):
            @suite.test(name)
            def _():
                config = pause_bundle.config(cgroupsPath=f"/wherry-test-{os.getpid()}/layers")
                config["process"]["args"] = ["/hello.wasm"]
                del config["annotations"]
                with bundles(config) as (address, [bundle]), listening(address) as containerd:
                    environment = {"PATH": os.environ["PATH"], "WHERRY_CACHE": str(bundle.parent / "cache")}
                    with started(bundle, address, "c1", environment=environment), Connection(socket_of(address, "c1")) as shim:
                        function(bundle, shim, containerd)
        return add

    @layers_test("containerd is not asked about an image whose program is a file")
    def _(bundle, shim, containerd):
        program("wherryc")
        (bundle / "rootfs" / "hello.wasm").write_bytes(guest_bytes("hello.wasm"))
        try:
            shim.call("Create", {1: "c1", 2: str(bundle)})
            shim.call("Kill", {1: "c1", 3: 9})
            shim.call("Wait", {1: "c1"})
            shim.call("Delete", {1: "c1"})
        finally:
            pause_bundle.remove_cgroup()
        assert not was_called(containerd), "the shim connected to containerd"

    @layers_test("a containerd that does not answer costs a missing program 5 s and one line, and other calls nothing")
    def _(bundle, shim, containerd):
        begin = time.monotonic()
        creating = shim.send("Create", {1: "c1", 2: str(bundle)})
        shim.call("Connect", {1: "c1"})
        assert time.monotonic() - begin < PATIENCE / 2, "Connect waited for Create"
        equal(refusal(shim, creating), f"container c1: {MISSING}; asking containerd for the image's layers: container c1: no answer in time")
        took = time.monotonic() - begin
        assert PATIENCE - 1 < took < PATIENCE + 5, f"it took {took:.1f} s"
        assert was_called(containerd), "containerd was not asked"

    @layers_test("a containerd that is not there, or closes the connection, is said in one line")
    def _(bundle, shim, containerd):
        creating = shim.send("Create", {1: "c1", 2: str(bundle)})
        containerd.settimeout(10)
        containerd.accept()[0].close()
        text = refusal(shim, creating)
        assert text.endswith("asking containerd for the image's layers: container c1: the peer closed the connection"), text
        path = containerd.getsockname()
        os.unlink(path)
        text = refusal(shim, shim.send("Create", {1: "c1", 2: str(bundle)}))
        assert text.endswith(f"asking containerd for the image's layers: {path}: No such file or directory"), text


def listening(address):
    """Somebody in containerd's place, who takes connections and says nothing."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    return listener


def was_called(listener):
    listener.setblocking(False)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def refusal(shim, stream):
    try:
        shim.answer(stream)
    except Refused as reason:
        return reason.message
    raise AssertionError("not refused")
