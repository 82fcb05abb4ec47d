#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make demo: examples/httpbin as a container of Debian's containerd, beside the same server run by runc.

All of it happens in network and mount namespaces of its own: only loopback is there, port and
artifact cache are nobody else's, and whatever ends the demo, nothing is left.
"""
import argparse
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCE / "tests" / "lib"))

import namespaces  # noqa: E402
from containerd import RUNC, WHERRY, Containerd, HarnessError  # noqa: E402
from http_checks import request  # noqa: E402
from image import write_image  # noqa: E402
from server_containers import Servers  # noqa: E402

PORT = 3000
WASM_IMAGE, NATIVE_IMAGE = "wherry.local/httpbin:demo", "wherry.local/httpbin-native:demo"
REQUESTS = (("GET", "/healthz", None), ("GET", "/get?a=b&greeting=hello+world", None), ("POST", "/echo", "echo me"))


def say(text):
    print(f"\n== {text}", flush=True)


def pack(build, directory):
    """Both image archives: the Wasm one by `wherry pack`, the native one of the same sources."""
    wasm, native = directory / "httpbin.tar", directory / "httpbin-native.tar"
    module = SOURCE / "examples" / "httpbin" / "cpp" / "httpbin.wasm"
    command = [build / "bin" / "wherry", "pack", module, "-t", WASM_IMAGE, "-o", wasm]
    print("$ wherry pack", module.relative_to(SOURCE), "-t", WASM_IMAGE, "-o httpbin.tar", flush=True)
    subprocess.run(command, check=True)
    program = directory / "httpbin"
    subprocess.run([SOURCE / "examples" / "httpbin" / "cpp" / "build.sh", "--native", "-o", program], check=True)
    write_image(native, NATIVE_IMAGE, {"httpbin": program}, ["/httpbin"])
    return wasm, native


def show_requests():
    for method, target, body in REQUESTS:
        print(f"$ curl {'-d ' + repr(body) + ' ' if body else ''}'http://127.0.0.1:{PORT}{target}'")
        status, headers, answer = request(PORT, method, target, body)
        if status != 200:
            raise HarnessError(f"{method} {target} answered {status}")
        print(answer.decode().rstrip("\n"), flush=True)


def stop(daemon, container):
    """SIGTERM, as `kubectl delete` does; returns (exit code, seconds)."""
    start = time.monotonic()
    daemon.ctr("tasks", "kill", "--signal", "SIGTERM", container)
    daemon.wait_status(container, "STOPPED")
    seconds = time.monotonic() - start
    said = daemon.ctr("tasks", "delete", container).stderr
    daemon.ctr("containers", "delete", container)
    code = re.search(r"exit code (\d+)", said)
    return int(code[1]) if code else 0, seconds


def table(wasm, native, first, starts, rates):
    """The demo's last word."""
    def ratio(ours, theirs):
        return f"{ours / theirs:.2f}"

    def ms(seconds):
        return f"{seconds * 1000:.0f} ms"
    sizes = [archive.stat().st_size / 1000 for archive in (wasm, native)]
    rows = [
        ("", "Wherry", "runc, native", "ratio"),
        ("image", f"{sizes[0]:.0f} KB", f"{sizes[1]:.0f} KB", ratio(*sizes)),
        ("image with embedded runtime", "not yet", "", ""),
        ("start, first: compiles", ms(first), "", ""),
        ("start, cached", ms(starts["wherry"]), ms(starts["runc"]), ratio(starts["wherry"], starts["runc"])),
        ("requests a second", *(f"{rates[n][0]:.0f}" for n in ("wherry", "runc")),
         ratio(rates["wherry"][0], rates["runc"][0])),
        ("requests a CPU second", *(f"{rates[n][1]:.0f}" for n in ("wherry", "runc")),
         ratio(rates["wherry"][1], rates["runc"][1])),
    ]
    return "\n".join(f"{a:<28} {b:>10} {c:>14} {d:>7}".rstrip() for a, b, c, d in rows)


def demo(build, directory, rounds):
    say("pack")
    wasm, native = pack(build, directory)
    say("start a private containerd and import the image")
    with Containerd(shim_directory=build / "bin") as daemon:
        version = subprocess.run([daemon.binary, "--version"], capture_output=True, text=True).stdout.split()
        print(f"{' '.join(version[:3])}, {daemon.snapshotter} snapshotter, in {daemon.directory}")
        for archive in (wasm, native):
            print("imported", *daemon.import_image(archive))

        say(f"run it: ctr run -d --net-host --runtime {WHERRY} {WASM_IMAGE} web")
        servers = Servers(daemon, PORT)
        first = servers.start(WASM_IMAGE, "web", WHERRY)
        print(f"answers on port {PORT} after {first * 1000:.0f} ms (compiled just now)\n")
        show_requests()
        say("stop it: ctr tasks kill --signal SIGTERM web")
        code, seconds = stop(daemon, "web")
        print(f"ended with {code} after {seconds * 1000:.0f} ms")

        say("measure, Wherry and runc in turns")
        both = {"wherry": (WASM_IMAGE, WHERRY), "runc": (NATIVE_IMAGE, RUNC)}
        starts = servers.compare_starts(both, rounds)
        rates = servers.compare_rates(both)
        leaks = daemon.leaks()
    say("httpbin, the C++ server")
    print(table(wasm, native, first, starts, rates))
    if leaks:
        raise HarnessError("left behind: " + "; ".join(leaks))


def main():
    parser = argparse.ArgumentParser(description="runs examples/httpbin as a container and measures it")
    parser.add_argument("--build", type=lambda p: pathlib.Path(p).resolve(), default=SOURCE / "build", metavar="DIR")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="starts to measure [default: 7]")
    options = parser.parse_args()
    namespaces.enter(["/var/cache"])  # the artifact cache is in there
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="wherry-demo-"))
    try:
        demo(options.build, directory, options.rounds)
    except KeyboardInterrupt:
        print("\ndemo: interrupted, all cleaned up", file=sys.stderr)
        return 130
    except (HarnessError, AssertionError, subprocess.CalledProcessError, OSError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
