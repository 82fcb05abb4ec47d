#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""Pods that the shim makes by containerd's Sandbox API, with streams over ttrpc: behaviours that differ by it."""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "k8s"), str(TESTS / "lib")]

import checks_beside  # noqa: E402
import checks_clients  # noqa: E402
import checks_life  # noqa: E402
import checks_node  # noqa: E402
import checks_pods  # noqa: E402
import checks_security  # noqa: E402
from place import Lazy, Place  # noqa: E402
from run import WORKERS, sentence  # noqa: E402
from suite import Suite  # noqa: E402

TOGETHER = [
    checks_beside.two_modules_and_a_native_program_are_one_pod, checks_beside.processes_of_all_containers_are_seen_where_shared,
    checks_beside.the_nodes_processes_and_ipc_are_seen_where_asked, checks_life.megabytes_of_log_are_complete, checks_life.long_and_unended_lines_are_whole_in_the_log,
    checks_clients.exec_runs_a_module_of_the_image, checks_clients.attach_reaches_standard_input, checks_clients.attach_reaches_a_terminal,
    checks_clients.a_terminal_is_one, checks_clients.cp_goes_both_ways, checks_clients.port_forward_reaches_a_guest, checks_pods.names_of_the_pod_are_in_its_files,
    checks_pods.termination_is_graceful, checks_pods.the_kernels_kill_is_reported_as_oom_killed, checks_security.a_pod_may_have_users_of_its_own,
]
ALONE = [checks_node.pods_survive_a_restart_of_containerd]


def main():
    suite, cluster = Suite(), Lazy(sandbox_api=True)
    for functions, alone in ((TOGETHER, False), (ALONE, True)):
        for function in functions:
            def check(function=function):
                with Place(cluster()) as place:
                    function(place)
            suite.test(sentence(function), alone)(check)
    try:
        suite.main(WORKERS)
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
