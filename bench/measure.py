# SPDX-License-Identifier: Apache-2.0
"""Times of programs, taken in turns so that all see the same machine."""
import math
import os
import statistics
import subprocess
import time


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
    """(seconds, peak bytes of the largest process) of a program and those it started."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def median(values):
    return statistics.median(values)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))
