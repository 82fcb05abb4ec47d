#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every fuzz/*.cc on its corpus, and random programs in two engines, each for WHERRY_FUZZ_SECONDS (30)."""
# timeout: 1200
import base64
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "differential"))
import compare  # noqa: E402
from suite import BUILD, SOURCE, Skip, Suite  # noqa: E402

SECONDS = int(os.environ.get("WHERRY_FUZZ_SECONDS", "30"))
FUZZ_BUILD = BUILD.with_name(BUILD.name + "-fuzz")

suite = Suite()


def checked(command):
    done = subprocess.run(command, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-1500:]}"


def build(name):
    for tool in ("clang++-19", "cmake", "ninja"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")
    if not (FUZZ_BUILD / "build.ninja").exists():
        checked(["cmake", "--preset", "fuzz", "-B", FUZZ_BUILD])
    checked(["ninja", "-C", FUZZ_BUILD, name])
    return FUZZ_BUILD / "fuzz" / name


def fuzz(name):
    program = build(name)
    with tempfile.TemporaryDirectory(prefix="wherry-fuzz-") as scratch:
        found = pathlib.Path(scratch, "found")
        found.mkdir()
        done = subprocess.run(
            [program, f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1",
             "-artifact_prefix=" + scratch + "/", found, SOURCE / "fuzz" / "corpus" / name],
            cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode == 0:
            return
        inputs = [file for file in pathlib.Path(scratch).iterdir() if file.is_file()]
        shown = "; ".join(f"{file.name}: {base64.b64encode(file.read_bytes()[:4096]).decode()}" for file in inputs)
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line or "internal error" in line), "failed")
        print(done.stdout[-3000:], file=sys.stderr)
        raise AssertionError(f"{reason} (input in base64: {shown})")


for source in sorted((SOURCE / "fuzz").glob("*.cc")):
    suite.test(f"{source.stem} finds nothing in {SECONDS} s")(lambda name=source.stem: fuzz(name))


@suite.test("random programs do the same in a second engine")
def _():
    if not compare.reference():
        raise Skip("neither node nor wasmtime is installed")
    wherry = BUILD / "bin" / "wherry"
    assert wherry.exists(), f"{wherry} is not built"
    with tempfile.TemporaryDirectory(prefix="wherry-compare-") as cache:
        command = [wherry, "run", "--cache", cache]
        for options in ([], ["--explicit-bounds-checks"]):
            programs, found = compare.compare([*command, *options], SECONDS / 2, first=int(time.time()) * 1000)
            assert not found, f"{' '.join(options) or 'guard pages'}: {found[0]} (of {programs} programs {len(found)} differ)"
            assert programs > 0


suite.main()
