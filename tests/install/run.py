#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `make install` installs: static programs that know their version and nothing of where they were built."""
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from suite import BUILD, SOURCE, Skip, Suite, equal, program  # noqa: E402

PROGRAMS = ("wherry", "wherryc", "containerd-shim-wherry-v1", "wherry-oci", "wherry-registry", "wherry-label")
PT_LOAD, PT_INTERP, PT_GNU_STACK = 1, 3, 0x6474e551
PF_X, PF_W = 1, 2

suite = Suite()


def segments(path):
    """[(type, flags)] of an ELF file's program headers."""
    data = path.read_bytes()
    equal(data[:5], b"\x7fELF\2", f"start of {path.name}")
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return [struct.unpack_from("<II", data, offset + i * size) for i in range(count)]


@suite.test("make install puts the programs under the prefix, stripped, and they still run")
def _():
    for name in PROGRAMS:
        program(name)
    with tempfile.TemporaryDirectory() as root:
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", "/opt/wherry", "--strip"], text=True,
                              capture_output=True, env={**os.environ, "DESTDIR": root})
        equal(done.returncode, 0, f"exit code of cmake ({done.stderr[-500:]})")
        installed = pathlib.Path(root) / "opt" / "wherry" / "bin"
        equal(sorted(p.name for p in installed.iterdir()), sorted(PROGRAMS), "installed programs")
        module = installed.parent / "libexec" / "wherry" / "toolbox.wasm"
        equal(module.read_bytes(), program("toolbox.wasm").read_bytes(), "toolbox")
        for path in installed.iterdir():
            subprocess.run([path, "--version"], check=True, capture_output=True)
            assert b".debug_info" not in path.read_bytes(), f"{path.name} is not stripped"


for _name in PROGRAMS:
    @suite.test(f"{_name} --version says name and version, from anywhere, with no environment")
    def _(name=_name):
        version = re.search(r"VERSION (\d+\.\d+\.\d+)", (SOURCE / "CMakeLists.txt").read_text())[1]
        done = subprocess.run([program(name), "--version"], cwd="/", env={}, capture_output=True, text=True)
        equal((done.returncode, done.stderr), (0, ""), "exit code and stderr")
        assert version in done.stdout, f"no {version} in {done.stdout!r}"

    # wherry-registry is there without nodes, and uses the system's TLS.
    @suite.test(f"{_name} is static, or on no node, and no segment is writable and executable")
    def _(name=_name):
        found = segments(program(name))
        assert name == "wherry-registry" or PT_INTERP not in [kind for kind, _ in found], "it needs a dynamic linker"
        bad = [kind for kind, flags in found if kind in (PT_LOAD, PT_GNU_STACK) and flags & PF_X and flags & PF_W]
        equal(bad, [], "segments writable and executable")

    @suite.test(f"{_name} holds no path of the machine that built it")
    def _(name=_name):
        if SOURCE == pathlib.Path("/") or not shutil.which("strip"):
            raise Skip("nothing to look for")
        data = program(name).read_bytes()
        assert str(SOURCE).encode() + b"/" not in data, "the source directory is in it"


suite.main()
