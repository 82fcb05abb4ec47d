#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 2400
"""Wherry on a real one-node Kubernetes: what CI has time for. `run.py --full` has all behaviours; more arguments select by substring."""
import contextlib
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]

import checks_clients  # noqa: E402
import checks_node  # noqa: E402
import checks_pods  # noqa: E402
import checks_security  # noqa: E402
import checks_workloads  # noqa: E402
from place import Lazy, Place  # noqa: E402
from suite import Skip, Suite  # noqa: E402

WORKERS = 4


def register(suite, cluster, module, full, prefix="", alone=False):
    for function in module.SMOKE + (module.FULL if full else []):
        def check(function=function):
            with Place(cluster()) as place:
                function(place)
        suite.test(prefix + function.__name__.replace("_", " "), alone)(check)


def main():
    full = "--full" in sys.argv
    version = next((a.partition("=")[2] for a in sys.argv if a.startswith("--containerd=")), "2.4")
    sys.argv[1:] = [a for a in sys.argv[1:] if not a.startswith("--")]
    suite, cluster = Suite(), Lazy(containerd=version)
    for module in (checks_workloads, checks_pods, checks_clients, checks_security):
        register(suite, cluster, module, full)
    register(suite, cluster, checks_node, full, alone=True)
    try:
        with contextlib.suppress(Skip):  # every test says why; here, because a node lives as long as the thread that started it
            cluster()
        suite.main(WORKERS)
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
