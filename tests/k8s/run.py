#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 2400
"""Wherry on a real one-node Kubernetes: what CI has time for, or more."""
import argparse
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]

import checks_beside  # noqa: E402
import checks_chaos  # noqa: E402
import checks_clients  # noqa: E402
import checks_config  # noqa: E402
import checks_faults  # noqa: E402
import checks_life  # noqa: E402
import checks_metrics  # noqa: E402
import checks_node  # noqa: E402
import checks_pods  # noqa: E402
import checks_security  # noqa: E402
import checks_volumes  # noqa: E402
import checks_workloads  # noqa: E402
from node import Node  # noqa: E402
from place import Lazy, Place  # noqa: E402
from suite import Suite  # noqa: E402

WORKERS = 4


def register(suite, cluster, module, full, long=False, alone=False):
    for function in module.SMOKE + (module.FULL if full else []) + (getattr(module, "LONG", []) if long else []):
        def check(function=function):
            with Place(cluster()) as place:
                function(place)
        suite.test(sentence(function), alone)(check)


def register_faults(suite, cluster, node, full, long):
    """These come when the cluster is no longer needed."""
    def run(function):
        cluster.close()
        function(node())

    for function in checks_faults.SMOKE + (checks_faults.FULL if full else []) + (checks_faults.LONG if long else []):
        suite.test(sentence(function))(lambda function=function: run(function))


def sentence(function):
    return function.__name__.replace("_", " ")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TEXT", help="only behaviours whose name contains one of these")
    parser.add_argument("--full", action="store_true", help="all behaviours")
    parser.add_argument("--long", action="store_true", help="minutes of chaos too")
    parser.add_argument("--containerd", choices=("2.4", "1.7"), default="2.4")
    parser.add_argument("--sandbox-api", action="store_true", help="our handler makes the pods by containerd's Sandbox API, with streams over ttrpc")
    options = parser.parse_args()
    sys.argv[1:] = options.names
    kind = {"containerd": options.containerd, "sandbox_api": options.sandbox_api}
    suite, cluster, node = Suite(), Lazy(**kind), Lazy(Node, **kind)
    for module in (checks_workloads, checks_pods, checks_life, checks_volumes, checks_beside, checks_clients, checks_security, checks_config, checks_metrics):
        register(suite, cluster, module, options.full)
    for module in (checks_node, checks_chaos):
        register(suite, cluster, module, options.full, options.long, alone=True)
    register_faults(suite, cluster, node, options.full, options.long)
    try:
        suite.main(WORKERS)
    finally:
        cluster.close()
        node.close()


if __name__ == "__main__":
    main()
