#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`private_machine.py DISTRIBUTION CONTAINERD PLACE SCENARIO`: in fresh namespaces of mounts and processes, on a copy of this machine's
file system that is gone afterwards, runs a scenario of `distributions.py`'s."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import scenarios  # noqa: E402
import standins  # noqa: E402
import tools  # noqa: E402
from suite import BUILD, SOURCE  # noqa: E402


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def change_root(place):
    """What is written goes to a tmpfs. Programs and sources are where they were."""
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "tmpfs", place / "over")
    root = place / "over" / "root"
    for name in ("upper", "work", "root"):
        (place / "over" / name).mkdir()
    mount("-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={place}/over/upper,workdir={place}/over/work", root)
    for name in ("dev", "sys"):
        mount("--rbind", f"/{name}", root / name)
    mount("-t", "proc", "proc", root / "proc")
    for name in ("run", "tmp", "opt", "srv", "var/lib", "var/snap", "snap"):
        (root / name).mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", root / name)
    for directory in {SOURCE, BUILD, tools.directory()}:
        target = root / str(directory).lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        mount("--rbind", directory, target)
    (root / "place").mkdir()
    mount("--bind", place, root / "place")
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "."], check=True)
    subprocess.run(["umount", "-l", "."], check=True)
    os.chdir("/")


def main():
    distribution, containerd, place, scenario = sys.argv[1:]
    change_root(pathlib.Path(place))
    standin = getattr(standins, distribution)(pathlib.Path(containerd), pathlib.Path("/place"), pathlib.Path(place).name)
    standin.start()
    getattr(scenarios, scenario)(standin)


if __name__ == "__main__":
    main()
