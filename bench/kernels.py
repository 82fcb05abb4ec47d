#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the kernels natively (clang -O3) and with each Wasm runtime: time as a ratio of the native time.

A kernel prints a checksum; one that differs from the native program's is a failure."""
import argparse
import pathlib
import shlex
import subprocess
import sys

import measure
import peers
import programs

KERNELS = pathlib.Path(__file__).resolve().parent / "kernels"
NATIVE = ["-O3"]
WASM = ["--target=wasm32-wasi", "-O3", "-msimd128"]


def names():
    return sorted(path.stem for path in KERNELS.glob("*.c")) + programs.names()


def sources(name):
    """(files, flags for both targets, flags for Wasm)."""
    if name in programs.names():
        return programs.sources(name)
    return [KERNELS / f"{name}.c"], [], []


def build(name):
    """(native program, module), compiled where a source is newer."""
    files, common, wasi = sources(name)
    newest = max(path.stat().st_mtime for path in [*files, KERNELS / "kernel.h", pathlib.Path(programs.__file__)])
    out = peers.WORK / "kernels"
    out.mkdir(parents=True, exist_ok=True)
    native, wasm = out / name, out / f"{name}.wasm"
    for target, flags in ((native, NATIVE), (wasm, [*WASM, *wasi])):
        if not target.exists() or target.stat().st_mtime < newest:
            subprocess.run([peers.clang(), "-std=gnu17", "-w", *common, *files, *flags, "-o", target, "-lm"], check=True,
                           stderr=subprocess.DEVNULL)
    return native, wasm


TARGETS = {"wherry": 1.9}  # of the mean


def times_of(native, prepared, rounds):
    """{runner: seconds}: the best of interleaved runs, which noise disturbs least."""
    expected = measure.run([native])[1]
    commands = {"native": [native], **prepared}

    def action(name, command):
        seconds, printed = measure.run(command)
        if printed != expected:
            raise RuntimeError(f"{name} printed {printed!r}, native {expected!r}")
        return seconds

    actions = {n: (lambda n=n, c=c: action(n, c)) for n, c in commands.items()}
    return {n: min(seconds) for n, seconds in measure.interleaved(actions, rounds).items()}


def compare(name, runners, rounds):
    """{runner: seconds or an error's text} of one kernel, with "native"."""
    native, wasm = build(name)
    prepared, results = {}, {}
    for runner in runners:
        try:
            prepared[runner.name] = runner.prepare(wasm)
            measure.run(prepared[runner.name])
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            prepared.pop(runner.name, None)
            results[runner.name] = str(error)
    return {**times_of(native, prepared, rounds), **results}


def table(wanted, runners, rounds):
    """Prints a line for each kernel; returns {runner: [ratios]}."""
    ratios = {r.name: [] for r in runners}
    print(f"{'kernel':<12}{'native':>9}" + "".join(f"{r.name:>11}" for r in runners))
    for name in wanted:
        try:
            results = compare(name, runners, rounds)
        except subprocess.CalledProcessError as error:
            print(f"{name:<12}{'skipped':>9}  {error.cmd[0]} failed")
            continue
        except RuntimeError as error:
            print(f"{name:<12}{'skipped':>9}  {error}")
            continue
        line = f"{name:<12}{results['native'] * 1000:6.0f} ms"
        for runner in runners:
            result = results[runner.name]
            if isinstance(result, str):
                line += f"{'failed':>11}"
                print(f"{runner.name}: {name}: {result}", file=sys.stderr)
            else:
                ratios[runner.name].append(result / results["native"])
                line += f"{ratios[runner.name][-1]:11.2f}"
        print(line, flush=True)
    means = [f"{measure.geometric_mean(r):11.2f}" if r else f"{'-':>11}" for r in ratios.values()]
    print(f"{'mean':<12}{'':>9}" + "".join(means))
    print(f"{'target':<12}{'':>9}" + "".join(f"{TARGETS[n]:11.2f}" if n in TARGETS else " " * 11 for n in ratios).rstrip())
    return ratios


def custom_runner(text):
    name, _, command = text.partition("=")
    return peers.Runner(name, shlex.split(command))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernel", nargs="*", help=f"of {', '.join(names())} [default: all]")
    parser.add_argument("--runner", action="append", type=custom_runner, metavar="NAME=COMMAND", default=[],
                        help="another runtime; {wasm} stands for the module")
    parser.add_argument("--only", help="only these runners, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="[default: 5]")
    options = parser.parse_args()
    if not peers.clang():
        sys.exit("clang-19 is not installed")
    runners = peers.runners() + options.runner
    if options.only:
        runners = [r for r in runners if r.name in options.only.split(",")]
    table(options.kernel or names(), runners, options.rounds)


if __name__ == "__main__":
    main()
