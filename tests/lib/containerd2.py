#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""containerd 2.4.2 with ctr and its runc shim, built once by `go install` into a cache directory.

As a program it builds (if needed) and prints the directory, or the reason why not.
"""
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys

VERSION = "v2.4.2"
MODULE = "github.com/containerd/containerd/v2"
PROGRAMS = ("containerd", "ctr", "containerd-shim-runc-v2")  # the last only to compare with
TAGS = "no_btrfs,no_devmapper,no_zfs,no_aufs"  # those snapshotters want C headers
GO_NEEDED = (1, 26)


def cache_directory():
    """Where built tools are kept: $XDG_CACHE_HOME/wherry-tests or ~/.cache/wherry-tests."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "wherry-tests"


def directory():
    return cache_directory() / f"containerd-{VERSION[1:]}"


def is_built():
    return all((directory() / program).is_file() for program in PROGRAMS)


def missing_reason():
    """Why containerd 2.x can not be built here, or None."""
    go = shutil.which("go")
    if not go:
        return f"containerd {VERSION} needs Go {GO_NEEDED[0]}.{GO_NEEDED[1]} to build: no go in PATH"
    text = subprocess.run([go, "version"], capture_output=True, text=True).stdout
    found = re.search(r"go(\d+)\.(\d+)", text)
    if not found or tuple(map(int, found.groups())) < GO_NEEDED:
        return f"containerd {VERSION} needs Go {GO_NEEDED[0]}.{GO_NEEDED[1]}, found: {text.strip() or 'none'}"
    return None


def ensure(timeout=1500):
    """Returns (directory, None) or (None, reason). Concurrent callers build once."""
    if is_built():
        return directory(), None
    reason = missing_reason()
    if reason:
        return None, reason
    cache_directory().mkdir(parents=True, exist_ok=True)
    with open(cache_directory() / "containerd2.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built():
            reason = _build(timeout)
    return (None, reason) if reason else (directory(), None)


def _build(timeout):
    build = directory().with_suffix(".build")
    build.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, GOBIN=str(build), GOTOOLCHAIN="local", CGO_ENABLED="0")
    flags = f"-s -w -X {MODULE}/version.Version={VERSION}"
    command = ["nice", "-n", "10", "go", "install", "-trimpath", "-tags", TAGS, "-ldflags", flags]
    command += [f"{MODULE}/cmd/{program}@{VERSION}" for program in PROGRAMS]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return f"building containerd {VERSION} took more than {timeout} s"
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return f"building containerd {VERSION} failed: {last}"
    directory().mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        os.replace(build / program, directory() / program)
    shutil.rmtree(build, ignore_errors=True)
    return None


if __name__ == "__main__":
    where, why = ensure()
    print(where or why)
    sys.exit(0 if where else 1)
