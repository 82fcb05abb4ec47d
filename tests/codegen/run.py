#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The machine code of a few small modules, and modules made to exhaust the compiler.

run.py [--update] [NAME...]: --update writes NAME.wasm (needs wat2wasm) and NAME.asm (needs objdump) anew.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
sys.path.insert(0, str(HERE))
import constants  # noqa: E402
import hostile  # noqa: E402
from suite import Skip, Suite, program  # noqa: E402

suite = Suite()


def compile_module(module, artifact, *options):
    return subprocess.run([program("wherryc"), *options, module, "-o", artifact], capture_output=True, text=True, timeout=60)


def assembly(module):
    """objdump's text without addresses and bytes, for code that any x86-64 with SSE4.1 runs."""
    if not shutil.which("objdump"):
        raise Skip("objdump is not installed")
    with tempfile.NamedTemporaryFile(suffix=".artifact") as artifact:
        done = compile_module(module, artifact.name, "--cpu", "floor")
        assert done.returncode == 0, done.stderr
        text = subprocess.run(["objdump", "-d", "-M", "intel", "--no-show-raw-insn", artifact.name],
                              capture_output=True, text=True, check=True).stdout
    lines = []
    for line in text.splitlines():
        if line.endswith("<wherry-tables>:"):
            break
        if match := re.match(r"^[0-9a-f]+ <(.*)>:$", line):
            lines += ["", f"{match[1]}:"]
        elif match := re.match(r"^ +[0-9a-f]+:\t(.*)$", line):
            if not re.match(r"nop|xchg +ax,ax|int3|add +BYTE PTR \[rax\],al|cs nop|data16", match[1]):
                lines.append("  " + re.sub(r"\s+", " ", re.sub(r" +#.*", "", match[1])).replace("<", "").replace(">", ""))
    kept = [re.sub(r"\b[0-9a-f]{4} (?=wasm-function|f)", "", line) for line in lines]
    return "\n".join(kept).strip() + "\n"


def golden(name):
    def check():
        expected = (HERE / f"{name}.asm").read_text()
        actual = assembly(HERE / f"{name}.wasm")
        assert actual == expected, f"the code of {name}.wat has changed; see run.py --update\n{actual}"
    return check


NAMES = sorted(path.stem for path in HERE.glob("*.wat"))
for each in NAMES:
    suite.test(f"code of {each}")(golden(each))


def survives(case):
    def check():
        with tempfile.TemporaryDirectory() as scratch:
            module = pathlib.Path(scratch) / "module.wasm"
            module.write_bytes(case.binary())
            done = compile_module(module, pathlib.Path(scratch) / "artifact", "--threads", "1")
        if case.error is None:
            assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
        else:
            assert done.returncode == 1 and case.error in done.stderr, f"exit code {done.returncode}: {done.stderr}"
            assert done.stderr.count("\n") == 1, f"more than a line: {done.stderr}"
    return check


for each in hostile.CASES:
    suite.test(f"hostile: {each.name}")(survives(each))


@suite.test("the artifact does not depend on the number of threads")
def _():
    case = hostile.many_functions(3000)
    with tempfile.TemporaryDirectory() as scratch:
        module = pathlib.Path(scratch) / "module.wasm"
        module.write_bytes(case)
        for threads in ("1", "2", "5"):
            done = compile_module(module, pathlib.Path(scratch) / threads, "--threads", threads)
            assert done.returncode == 0, done.stderr
        made = {(pathlib.Path(scratch) / threads).read_bytes() for threads in ("1", "2", "5")}
        assert len(made) == 1, "different artifacts"


@suite.test("of two invalid functions the first is told")
def _():
    case = hostile.two_invalid_functions(20000)
    with tempfile.TemporaryDirectory() as scratch:
        module = pathlib.Path(scratch) / "module.wasm"
        module.write_bytes(case)
        errors = {compile_module(module, pathlib.Path(scratch) / "artifact", "--threads", n).stderr for n in "124"}
    assert len(errors) == 1 and "type mismatch" in errors.pop(), f"different errors: {errors}"


def finds_nothing(module):
    """What the module's own `check` counts is none."""
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "module.wasm"
        file.write_bytes(module)
        done = subprocess.run([program("wherry"), "run", "--invoke", "check", file], capture_output=True, text=True, timeout=60,
                              env={"WHERRY_CACHE": scratch, "HOME": scratch, "PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stdout.strip()) == (0, "0"), f"{done.stdout}{done.stderr}"


@suite.test("dividing by a constant is dividing")
def _():
    finds_nothing(constants.module())


@suite.test("a local keeps its value over a call, whichever way is taken after it")
def _():
    finds_nothing((HERE / "homes.wasm").read_bytes())


def update(names):
    for name in names or NAMES:
        subprocess.run(["wat2wasm", HERE / f"{name}.wat", "-o", HERE / f"{name}.wasm"], check=True)
        (HERE / f"{name}.asm").write_text(assembly(HERE / f"{name}.wasm"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--update"]:
        update(sys.argv[2:])
    else:
        suite.main()
