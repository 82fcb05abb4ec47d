#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line: cases with goldens (cases.py), and what needs more than a command line.

run.py --update makes what the cases print now their goldens; look at the difference.
"""
# timeout: 300
import difflib
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[0] / "lib")]

import cases  # noqa: E402
import images  # noqa: E402
import surroundings  # noqa: E402
from suite import BUILD, Suite, program  # noqa: E402


def difference(case, seen):
    lines = []
    for what, was, now in zip(("exit code", "stdout", "stderr"), case.expected(), seen):
        lines += difflib.unified_diff(str(was).splitlines(), str(now).splitlines(), f"expected {what}", what, lineterm="")
    return "\n".join(lines)


def check(case, cache):
    program("wherry")
    program("wherryc")
    with tempfile.TemporaryDirectory(prefix="wherry-cli-") as directory:
        seen = case.run(pathlib.Path(directory), cache)
    assert seen == case.expected(), "not the golden:\n" + difference(case, seen)


def update(cache):
    missing = [name for name in ("wherry", "wherryc") if not (BUILD / "bin" / name).exists()]
    if missing:
        sys.exit(f"no {' and '.join(missing)} in {BUILD}/bin")
    for case in cases.all_cases():
        with tempfile.TemporaryDirectory(prefix="wherry-cli-") as directory:
            seen = case.run(pathlib.Path(directory), cache)
        if seen != case.expected():
            print(f"{case.path.name} changes")
            case.write(*seen)


def main():
    with tempfile.TemporaryDirectory(prefix="wherry-cli-cache-") as directory:
        cache = pathlib.Path(directory) / "cache"
        if sys.argv[1:] == ["--update"]:
            return update(cache)
        suite = Suite()
        for case in cases.all_cases():
            suite.test(case.name)(lambda case=case: check(case, cache))
        images.add_tests(suite)
        surroundings.add_tests(suite)
        suite.main()


main()
