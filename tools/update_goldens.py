#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what the programs print now the goldens of the tests; look at the difference before a commit."""
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    suites = [path for path in sorted((SOURCE / "tests").glob("*/run.py")) if "--update" in path.read_text()]
    sys.exit(max((subprocess.run([path, "--update"]).returncode for path in suites), default=0))
