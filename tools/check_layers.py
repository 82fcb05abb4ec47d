#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails if a file under src/ includes a header its folder may not use (src/LAYERS)."""
import pathlib
import re
import sys


def allowed(layers):
    """{folder: the folders it may include}. A line may name only folders above it, so no cycle can be written."""
    below = {}
    for line in layers.read_text().splitlines():
        if line and not line.startswith("#"):
            folder, dependencies = line.split(":")
            below[folder] = {folder}.union(*(below[d] for d in dependencies.split()))
    return below


def violations(source):
    below = allowed(source / "LAYERS")
    for path in sorted(source.rglob("*.[hcdS]*")):
        folder = path.relative_to(source).parts[0]
        if folder not in below:
            yield f"{path.relative_to(source)}: {folder}/ is not in LAYERS"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for target in re.findall(r'^\s*#\s*include "([a-z0-9_]+)/', line):
                if target in below and target not in below[folder]:
                    yield f"{path.relative_to(source)}:{number}: {folder}/ may not include {target}/"


if __name__ == "__main__":
    found = list(violations(pathlib.Path(__file__).resolve().parents[1] / "src"))
    if found:
        print("\n".join(found))
    sys.exit(bool(found))
