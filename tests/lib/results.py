# SPDX-License-Identifier: Apache-2.0
"""What tests did: counted, failures shown at once, skips listed at the end."""
import dataclasses
import sys
import time

PASS, FAIL, SKIP = "PASS", "FAIL", "SKIP"


@dataclasses.dataclass
class Result:
    state: str
    name: str
    reason: str = ""
    detail: str = ""


class Results:
    """The results of all parts of one run."""

    def __init__(self):
        self._all = []
        self._start = time.monotonic()

    def count(self, state):
        return sum(1 for r in self._all if r.state == state)

    def add_part(self, part, results, seconds):
        """Adds a part's results, prints its progress line and its failures."""
        results = list(results)
        self._all += [dataclasses.replace(r, name=f"{part}: {r.name}") for r in results]
        passed, failed, skipped = (sum(r.state == s for r in results) for s in (PASS, FAIL, SKIP))
        clock = time.monotonic() - self._start
        print(f"[{clock:6.0f} s] {part}: {passed} passed, {failed} failed, {skipped} skipped ({seconds:.1f} s)")
        for r in results:
            if r.state == FAIL:
                print(f"FAIL {part}: {r.name}: {r.reason}")
                for line in r.detail.splitlines():
                    print(f"    {line}")
        sys.stdout.flush()

    def summary(self):
        """Prints every skip with its reason, every failure once more; returns the last line."""
        for r in self._all:
            if r.state == SKIP:
                print(f"SKIP {r.name}: {r.reason}")
        for r in self._all:
            if r.state == FAIL:
                print(f"FAIL {r.name}: {r.reason}")
        return f"{self.count(PASS)} passed, {self.count(FAIL)} failed, {self.count(SKIP)} skipped"


def last_lines(text, count=30):
    return "\n".join(text.rstrip().splitlines()[-count:])
