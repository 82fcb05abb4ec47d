# SPDX-License-Identifier: Apache-2.0
"""Times of programs, taken in turns so that all see the same machine."""
import math
import os
import pathlib
import statistics
import subprocess
import time

import peers

HERE = pathlib.Path(__file__).resolve().parent


def run(command, **options):
    """Runs a program to its end; returns (seconds, what it printed)."""
    start = time.perf_counter()
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, **options)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"])[0]
        raise RuntimeError(f"{command[0]} ended with {done.returncode} and said: {said}")
    return seconds, done.stdout


def interleaved(actions, rounds):
    """{name: [seconds]} of callables that return seconds, each called once a round."""
    times = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            times[name].append(action())
    return times


def spawn_seconds(command):
    """Seconds from exec to exit with next to nothing of Python's in between."""
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    seconds = time.perf_counter() - start
    os.close(null)
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds


def peak_memory(command):
    """Peak bytes of a program, or of the largest process that it waited for."""
    helper = peers.WORK / "peak"
    if not helper.exists():
        peers.WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run([peers.clang() or "cc", "-O2", "-static", HERE / "peak.c", "-o", helper], check=True)
    reader, writer = os.pipe()
    with open(reader) as result:
        wrapped = ["/bin/sh", "-c", f'exec "$@" 3>&{writer} {writer}>&- >/dev/null 2>&1', "sh", helper, *command]
        done = subprocess.run(wrapped, stdin=subprocess.DEVNULL, pass_fds=[writer])
        os.close(writer)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}")
        return int(result.read()) * 1024


def median(values):
    return statistics.median(values)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))
