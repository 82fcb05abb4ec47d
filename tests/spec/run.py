#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The core suite in five modes (guard pages, explicit checks, ...), each file against expected_failures.txt.

run.py [--update] [FILE...]: only these files (`linking`, `proposals/threads/atomic`); --update rewrites the list.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from suite import BUILD, TESTDATA  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
EXPECTED = HERE / "expected_failures.txt"
# Options of the runner, and its environment (compile.cc).
MODES = {
    "guard pages": ([], {}),
    "explicit checks": (["--explicit-checks"], {}),
    "used slots": (["--twice"], {}),
    "oldest processor": ([], {"WHERRY_TEST_CPU": "floor"}),
    "dirty upper halves": ([], {"WHERRY_TEST_DIRTY": "1"}),
}
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# The commands of the core suite that do not pass yet; written by `run.py --update`, to be read before it is committed.
#
#   FILE:LINE REASON           a command that needs what is not there
#   FILE follows: LINE ...     commands that only miss a module which one of those would have made
"""


def unpacked():
    """The suite's json folder, unpacked once into the build tree; None and a reason if there is no archive."""
    archive, target = TESTDATA / "core.tar.zst", BUILD / "tests" / "core-suite"
    if not archive.exists():
        return None, "core.tar.zst is not in WHERRY_TESTDATA"
    if not target.exists():
        scratch = tempfile.mkdtemp(prefix="core-suite.", dir=target.parent)
        subprocess.run(["tar", "--zstd", "-xf", str(archive), "-C", scratch], check=True)
        try:
            os.rename(scratch, target)
        except OSError:  # another run was faster
            subprocess.run(["rm", "-rf", scratch], check=True)
    return target / "core" / "json", None


def files_of(root):
    """{name: path}; the legacy exceptions are not part of 3.0."""
    files = {}
    for path in sorted(root.glob("**/*.json")):
        name = str(path.parent.relative_to(root))
        if path.stem == path.parent.name and not name.startswith("legacy"):
            files[name] = path
    return files


class FileResult:
    """What the runner said about one file."""

    def __init__(self):
        self.problems = []  # (line, kind, text)
        self.assertions = self.text = 0


def run_file(path, mode):
    options, environment = MODES[mode]
    done = subprocess.run([BUILD / "tests" / "spec_runner", *options, path], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, env={**os.environ, **environment})
    result = FileResult()
    for line in done.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word == "COMMAND":
            number, kind, text = rest.split(" ", 2)
            result.problems.append((int(number), kind, text))
        elif word == "FILE":
            result.assertions, result.text = map(int, rest.split()[-2:])
    if done.returncode != 0 or not any(line.startswith("FILE ") for line in done.stdout.splitlines()):
        result.problems.append((0, "failed", f"the runner ended with {done.returncode}: {done.stderr[-300:]}"))
    return result


def read_expected():
    """{file: (Counter of lines that need something, Counter of lines that follow)}"""
    expected = collections.defaultdict(lambda: (collections.Counter(), collections.Counter()))
    for line in EXPECTED.read_text().splitlines() if EXPECTED.exists() else []:
        if line.startswith("#") or not line.strip():
            continue
        follows = re.fullmatch(r"(\S+) follows: ([\d ]+)", line)
        if follows:
            expected[follows[1]][1].update(map(int, follows[2].split()))
        else:
            file, _, number = line.split(" ", 1)[0].rpartition(":")
            expected[file][0][int(number)] += 1
    return expected


def wrapped(prefix, numbers, width=116):
    line = prefix
    for number in numbers:
        if len(line) + len(str(number)) + 1 > width:
            yield line
            line = prefix
        line += f" {number}"
    yield line


def reason_of(name, kind, text):
    """The missing feature; a proposal's is its folder's name."""
    if kind == "unsupported":
        return text.split(": unsupported feature: ", 1)[-1]
    return f"{name.split('/')[1]} ({text})" if name.startswith("proposals/") else text


def write_expected(results):
    lines = []
    for name, result in results.items():
        for number, kind, text in result.problems:
            if kind == "failed" and not name.startswith("proposals/"):
                print(f"not listed, because no feature is missing: {name}:{number} {text}")
            elif kind != "follows":
                lines.append(f"{name}:{number} {reason_of(name, kind, text)}")
        follows = [number for number, kind, _ in result.problems if kind == "follows"]
        if follows:
            lines += wrapped(f"{name} follows:", follows)
    EXPECTED.write_text(HEAD + "\n".join(lines) + "\n")


def judge(name, mode, result, expected):
    """Prints PASS or FAIL for a file; True if it passed."""
    needs, follows = expected
    # A line that is listed as a consequence may not fail by itself.
    unexpected, left = [], [needs.copy(), follows.copy()]
    for number, kind, text in result.problems:
        remaining = left[kind == "follows"]
        if remaining[number] > 0:
            remaining[number] -= 1
        else:
            unexpected.append(f"{name}:{number} {kind}: {text}")
    passes = sorted(+left[0] + +left[1])
    if not unexpected and not passes:
        print(f"PASS {name}, {mode} ({result.assertions} assertions)", flush=True)
        return True
    print(f"FAIL {name}, {mode}: {len(unexpected)} commands fail unexpectedly, {len(passes)} pass unexpectedly")
    for text in unexpected[:20]:
        print(f"  {text}")
    if passes:
        print(f"  listed in expected_failures.txt but not failing: {' '.join(map(str, passes[:40]))}")
    sys.stdout.flush()
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write expected_failures.txt from what fails now")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    root, reason = unpacked()
    if not root:
        print(f"SKIP core suite: {reason}")
        return 0
    files = files_of(root)
    if options.files:
        files = {name: files[name] for name in options.files}

    expected, failed = read_expected(), False
    for mode in MODES:
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            results = dict(zip(files, pool.map(lambda path: run_file(path, mode), files.values())))
        if options.update:
            write_expected(results)
            return 0
        passed = [judge(name, mode, result, expected[name]) for name, result in results.items()]
        failed |= not all(passed)
        root_files = [result for name, result in results.items() if "/" not in name]
        assertions, text = sum(r.assertions for r in root_files), sum(r.text for r in root_files)
        print(f"{mode}: {assertions} assertions of the root files passed, {text} wait for text/", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
