# SPDX-License-Identifier: Apache-2.0
"""Command lines with their goldens: one file a case, in cases/.

    command: wherry run $DATA/trap.wasm
    replace: \\d+ ms => N ms
    exit: 134
    --- stdout
    --- stderr
    trap: integer divide by zero

The command is the shell's, in an empty directory; $DATA is data/, $CACHE a cache for all cases.
`replace` (any number) changes what differs between runs, before the comparison; `needs: root`
skips the case for others.
"""
import os
import pathlib
import re
import subprocess

from suite import BUILD, Skip

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE / "data"
TIMEOUT = 60


class Case:
    def __init__(self, path):
        self.path = path
        self.name = path.stem.replace("_", " ")
        head, _, rest = path.read_text().partition("--- stdout\n")
        self.stdout, _, self.stderr = rest.partition("--- stderr\n")
        self.fields = [tuple(line.split(": ", 1)) for line in head.splitlines() if ": " in line]

    def all(self, key):
        return [value for name, value in self.fields if name == key]

    def one(self, key, default=None):
        return (self.all(key) or [default])[0]

    def run(self, directory, cache):
        """(exit code, stdout, stderr), normalised."""
        if self.one("needs") == "root" and os.geteuid() != 0:
            raise Skip("needs root")
        environment = {"PATH": f"{BUILD / 'bin'}:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(directory), "LC_ALL": "C",
                       "DATA": str(DATA), "CACHE": str(cache)}
        done = subprocess.run(["/bin/sh", "-c", self.one("command")], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT)
        return done.returncode, self._normal(done.stdout, directory, cache), self._normal(done.stderr, directory, cache)

    def _normal(self, printed, directory, cache):
        text = printed.decode(errors="replace")
        for place, name in ((DATA, "$DATA"), (cache, "$CACHE"), (BUILD / "bin", "$BIN"), (directory, "$DIR")):
            text = text.replace(str(place), name)
        for rule in self.all("replace"):
            pattern, _, replacement = rule.partition(" => ")
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        return text

    def expected(self):
        return int(self.one("exit", "0")), self.stdout, self.stderr

    def write(self, code, stdout, stderr):
        """Makes what was seen the golden."""
        lines = [f"{key}: {value}" for key, value in self.fields if key != "exit"] + [f"exit: {code}"]
        self.path.write_text("\n".join(lines) + f"\n--- stdout\n{stdout}--- stderr\n{stderr}")


def all_cases():
    return [Case(path) for path in sorted((HERE / "cases").glob("*.txt"))]
