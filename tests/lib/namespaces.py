# SPDX-License-Identifier: Apache-2.0
"""Network and mount namespaces of one's own: only loopback is there, and what is mounted goes with the process."""
import os
import subprocess
import sys

INSIDE = "WHERRY_INSIDE_NAMESPACES"


def enter(private_directories=()):
    """Replaces this program by itself in fresh namespaces, loopback up, each of the directories empty.

    Needs root; SystemExit without.
    """
    if os.geteuid() != 0:
        sys.exit(f"{os.path.basename(sys.argv[0])}: containers need root")
    if INSIDE not in os.environ:
        command = ["unshare", "--net", "--mount", sys.executable, *sys.argv]
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for directory in private_directories:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], check=True)
