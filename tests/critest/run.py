#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cri-tools' conformance suite (critest) on our CRI handler: each of its specs is a test."""
# timeout: 1500
import argparse
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "k8s"), str(TESTS / "lib")]

import critest  # noqa: E402
from node import Node  # noqa: E402
from suite import BUILD, Skip, program  # noqa: E402

# What fails with runc and the same images too.
UNFIT = {
    "Image Manager public image with digest should be pulled and removed [Conformance]": "the image made here has another digest",
    "Security Context bucket runtime should support MaskedPaths": "fails with runc and this image too",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containerd", choices=("2.4", "1.7"), default="2.4")
    parser.add_argument("--handler", default="wherry", help="another one to compare with, e.g. runc")
    parser.add_argument("--sandbox-api", action="store_true", help="the handler makes the pods by containerd's Sandbox API, with streams over ttrpc")
    options = parser.parse_args()
    try:
        program("containerd-shim-wherry-v1")
        with Node(options.containerd, shims=BUILD / "bin", fill=critest.fill, sandbox_api=options.sandbox_api) as node:
            found = critest.run(node, options.handler)
    except Skip as reason:
        print(f"SKIP critest: {reason}")
        return 0
    failed = 0
    for name, (state, why) in sorted(found.items()):
        name = name.replace(": ", ", ")
        if state == "failed" and name in UNFIT:
            print(f"SKIP {name}: {UNFIT[name]}")
        elif state == "skipped":
            print(f"SKIP {name}: {why or 'a benchmark, not asked for'}")
        elif state == "passed":
            print(f"PASS {name}")
        else:
            failed += 1
            print(f"FAIL {name}: {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
