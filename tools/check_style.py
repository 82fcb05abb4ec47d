#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails where a committed file breaks a rule that needs no compiler to see."""
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
CODE = {".cc", ".h", ".c", ".S", ".def", ".py", ".sh", ".rs", ".cmake"}
MAX_LINES = 1000  # tables (.def) may be longer
RULES = (
    (re.compile(r"/work/|(?<!self)/root/|/home/\w"), "a path of one machine"),
    (re.compile(r"\b(?:FIXME|XXX)\b|\bTODO\b(?!\(#\d+\))"), "an open mark without an issue"),
    (re.compile(r"[ \t]+$"), "space at the end of the line"),
    (re.compile(r"\.dump\((?:-?\d+[,)]|\))"), "a dump() of JSON that ends the program for what is not UTF-8: json_text() of base/"),
    (re.compile(r"\bnew [\w:<>]+\(.*\bTRY\("), "TRY in a `new`, which has allocated by then: its return leaks"),
)
EXEMPT = {"tools/check_style.py", "src/base/json_text.h"}


def committed():
    listing = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=SOURCE, capture_output=True, text=True, check=True)
    return [SOURCE / name for name in listing.stdout.split("\0") if name]


def problems(path):
    name = path.relative_to(SOURCE)
    lines = path.read_text(errors="replace").splitlines()
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:2]):
        yield f"{name}:1: no SPDX line"
    if len(lines) > MAX_LINES and path.suffix != ".def":
        yield f"{name}: {len(lines)} lines, more than {MAX_LINES}"
    for number, line in enumerate(lines, 1):
        for rule, what in RULES:
            if rule.search(line):
                yield f"{name}:{number}: {what}"


if __name__ == "__main__":
    found = [p for path in committed() if path.suffix in CODE and path.is_file()
             and str(path.relative_to(SOURCE)) not in EXEMPT for p in problems(path)]
    if found:
        print("\n".join(found))
    sys.exit(bool(found))
