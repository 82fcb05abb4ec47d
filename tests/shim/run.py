#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1500
"""The shim by itself and under real containerd, 1.6, 1.7 and 2.4. The numbers in the names are those
of the shim's acceptance checks."""
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "lib")]

import checks_compile  # noqa: E402
import checks_crash  # noqa: E402
import checks_events  # noqa: E402
import checks_exec  # noqa: E402
import checks_layers  # noqa: E402
import checks_native_exec  # noqa: E402
import checks_outage  # noqa: E402
import checks_run  # noqa: E402
import checks_start  # noqa: E402
import checks_task  # noqa: E402
import checks_terminal  # noqa: E402
import checks_toolbox  # noqa: E402
import checks_ttrpc  # noqa: E402
import checks_update  # noqa: E402
import checks_users  # noqa: E402
from suite import Suite  # noqa: E402
from world import World  # noqa: E402

suite = Suite()
for module in (checks_start, checks_ttrpc, checks_task, checks_compile, checks_layers):
    module.register(suite)
worlds = [World("1.6"), World("1.7"), World("2.4")]
for world in worlds:
    for module in (checks_run, checks_exec, checks_toolbox, checks_native_exec, checks_terminal, checks_update, checks_users, checks_events,
                   checks_outage, checks_crash):
        module.register(suite, world)
try:
    suite.main()
finally:
    for world in worlds:
        world.close()
