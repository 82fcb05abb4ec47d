#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`wherry node`: what it makes of the configurations of each distribution, and of real containerds."""
# timeout: 1800
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[0] / "lib")]

import configs  # noqa: E402
import daemons  # noqa: E402
import distributions  # noqa: E402
import faults  # noqa: E402
import service  # noqa: E402
from suite import Suite  # noqa: E402

suite = Suite()
configs.add_tests(suite)
daemons.add_tests(suite)
faults.add_tests(suite)
distributions.add_tests(suite)
service.add_tests(suite)
suite.main(2)
