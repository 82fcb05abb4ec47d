#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""WASI preview 1: the modules of wasi-testsuite under `wherry run`, as its specification.md says."""
# timeout: 300
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from suite import TESTDATA, Skip, Suite, equal, program  # noqa: E402

ARCHIVE = TESTDATA / "wasi-testsuite.tar.zst"
LANGUAGES = ("assemblyscript", "c", "rust")
MODULES = 72
TIMEOUT = 60

suite = Suite()


def unpack(directory):
    subprocess.run(["tar", "--zstd", "-xf", ARCHIVE, "-C", directory], check=True)
    return pathlib.Path(directory) / "wasi-testsuite" / "base"


def run_module(module, directory):
    """Runs one module in a copy of its root folder and compares what it did with its .json."""
    spec_file = module.with_suffix(".json")
    spec = json.loads(spec_file.read_text()) if spec_file.exists() else {}
    options = []
    if spec.get("root"):
        root = pathlib.Path(directory) / "root"
        shutil.copytree(module.parent / spec["root"], root, symlinks=True)
        for left in root.rglob("*.cleanup"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        options += ["--dir", f"{root}::/"]
    for name, value in spec.get("env", {}).items():
        options += ["--env", f"{name}={value}"]
    done = subprocess.run([program("wherry"), "run", *options, module, *spec.get("args", ())],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    stderr = done.stderr.decode(errors="replace")
    equal(done.returncode, spec.get("exit_code", 0), f"exit code (stderr: {stderr.strip()[:400]!r})")
    for name, actual in ("stdout", done.stdout.decode(errors="replace")), ("stderr", stderr):
        if name in spec:
            equal(actual, spec[name], name)


def add_modules(base):
    modules = [file for language in LANGUAGES for file in sorted((base / language / "wasm32-wasip1").glob("*.wasm"))]
    for module in modules:
        @suite.test(f"{module.parent.parent.name}/{module.stem}")
        def _(module=module):
            with tempfile.TemporaryDirectory() as directory:
                run_module(module, directory)

    @suite.test("every module of the suite was run")
    def _():
        equal(len(modules), MODULES, "number of modules")


def main():
    if not ARCHIVE.exists():
        @suite.test("wasi-testsuite")
        def _():
            raise Skip("wasi-testsuite.tar.zst is not in WHERRY_TESTDATA")
        suite.main()
    with tempfile.TemporaryDirectory() as directory:
        add_modules(unpack(directory))
        suite.main()


main()
