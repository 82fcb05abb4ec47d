#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1500
"""The shim under real containerd, 1.6 and 2.4, and by itself. The numbers are those of the
acceptance checks of containerd-shim.md, section 11."""
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]

import checks_start  # noqa: E402
import checks_ttrpc  # noqa: E402
from suite import Suite  # noqa: E402

suite = Suite()
checks_start.register(suite)
checks_ttrpc.register(suite)
suite.main()
