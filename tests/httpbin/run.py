#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""examples/httpbin in both languages: what is in the repository is what its sources make, and it works."""
# timeout: 900
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import http_checks  # noqa: E402
from server import running, wherry_server  # noqa: E402
from suite import SOURCE, Skip, Suite, equal, free_port, program  # noqa: E402
from wasm_module import interface  # noqa: E402

EXAMPLE = SOURCE / "examples" / "httpbin"
MACHINE_PATHS = re.compile(rb"/(?:work|root|home|tmp|usr|build|var)/[\w./-]*")
NEEDED = {
    "cpp": (("clang++-19", "wasm-ld-19"), ("/usr/include/wasm32-wasi/c++/v1/version",)),
    "rust": (("cargo", "clang-19", "wasm-ld-19", "/usr/bin/rustc"),
             ("/usr/lib/wasm32-wasi/crt1-command.o", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml")),
}

suite = Suite()


def need_toolchain(language):
    programs, files = NEEDED[language]
    missing = [p for p in programs if not shutil.which(p)] + [f for f in files if not pathlib.Path(f).exists()]
    if missing:
        raise Skip(f"toolchain is not here: no {missing[0]}")


def build(language, arguments, directory):
    """Runs a copy of the language's build.sh in another place."""
    copy = pathlib.Path(directory) / "elsewhere"
    shutil.copytree(EXAMPLE / language, copy, ignore=shutil.ignore_patterns("target", "httpbin.wasm"))
    done = subprocess.run(["nice", copy / "build.sh", *arguments], capture_output=True, text=True, timeout=850,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0 and language == "rust" and re.search(r"failed to (get|download|fetch)|Could not resolve|registry",
                                                                done.stderr):
        raise Skip(f"crates can not be fetched: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, f"build.sh failed: {done.stderr[-1500:]}"
    return done.stdout


def rebuilds(language):
    need_toolchain(language)
    committed = EXAMPLE / language / "httpbin.wasm"
    with tempfile.TemporaryDirectory() as directory:
        again = pathlib.Path(directory) / "again.wasm"
        versions = build_versions(language)
        build(language, ["-o", again], directory)
        if versions == (EXAMPLE / language / "toolchain.txt").read_text():
            assert again.read_bytes() == committed.read_bytes(), "a rebuild with the recorded tools differs"
        else:
            equal(interface(again), interface(committed), "imports and exports with other tool versions")
            behaves(again)


def build_versions(language):
    return subprocess.run([EXAMPLE / language / "build.sh", "--versions"], capture_output=True, text=True).stdout


def behaves(module):
    with wherry_server(module) as port:
        for check in http_checks.ALL:
            check(port)


@suite.test("the C++ module is at most 100 KB")
def _():
    size = (EXAMPLE / "cpp" / "httpbin.wasm").stat().st_size
    assert size <= 100_000, f"{size} bytes"


for _language in ("cpp", "rust"):
    @suite.test(f"{_language}: no path of a build machine is in the module")
    def _(language=_language):
        found = MACHINE_PATHS.findall((EXAMPLE / language / "httpbin.wasm").read_bytes())
        equal(found, [], "paths")

    @suite.test(f"{_language}: imports are preview 1 and WasmEdge's sockets only")
    def _(language=_language):
        imports, exports = interface(EXAMPLE / language / "httpbin.wasm")
        equal({i.split()[0] for i in imports}, {"wasi_snapshot_preview1"}, "modules")
        assert "func _start" in exports and "memory memory" in exports, exports

    @suite.test(f"{_language}: a rebuild gives the committed module")
    def _(language=_language):
        rebuilds(language)

    for _check in http_checks.ALL:
        @suite.test(f"{_language} under wherry run: {_check.__name__.replace('_', ' ')}")
        def _(language=_language, check=_check):
            program("wherry")
            with wherry_server(EXAMPLE / language / "httpbin.wasm") as port:
                check(port)


@suite.test("the C++ sources make a native server that behaves the same")
def _():
    if not shutil.which("g++"):
        raise Skip("no g++")
    with tempfile.TemporaryDirectory() as directory:
        native = pathlib.Path(directory) / "httpbin"
        build("cpp", ["--native", "-o", native], directory)
        port = free_port()
        with running([native], port, {"PORT": str(port)}):
            for check in http_checks.ALL:
                check(port)


suite.main()
