#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that Debian does not have, or has too old: built once by Go into a cache directory.

As a program it builds what is named (all without) and prints a line for each, or the reason why not.
"""
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

GO_NEEDED = (1, 26)
BUILD_TIMEOUT = 1500
STAGING = re.compile(r"\./staging/src/(k8s\.io/[a-z-]+)$")  # parts of kubernetes that are modules too
CONTAINERD_TAGS = "no_btrfs,no_devmapper,no_zfs,no_aufs"  # those snapshotters want C headers


class Source(NamedTuple):
    """Modules that are built together. The first one's exclude and replace lines are kept."""
    modules: dict  # path: version
    settings: str = ""  # -X of the linker, {v} is the version
    tags: str = ""
    c: bool = False  # has C in it, linked statically


KUBERNETES = "v1.36.3"
CRI_TOOLS = "v1.36.0"
SOURCES = {
    "containerd-2.4": Source({"github.com/containerd/containerd/v2": "v2.4.2"},
                             "github.com/containerd/containerd/v2/version.Version={v}", CONTAINERD_TAGS),
    "containerd-1.7": Source({"github.com/containerd/containerd": "v1.7.35"},
                             "github.com/containerd/containerd/version.Version={v}", CONTAINERD_TAGS),
    "cni": Source({"github.com/containernetworking/plugins": "v1.9.1"}),
    "cri": Source({"k8s.io/kubernetes": KUBERNETES, "sigs.k8s.io/cri-tools": CRI_TOOLS},
                  f"sigs.k8s.io/cri-tools/pkg/version.Version={CRI_TOOLS}"),
    "etcd": Source({"go.etcd.io/etcd/server/v3": "v3.6.16"}),
    # without these the node says that it is v0.0.0
    "kubernetes": Source({"k8s.io/kubernetes": KUBERNETES},
                         "k8s.io/component-base/version.gitVersion={v} k8s.io/component-base/version.gitMajor=1 "
                         f"k8s.io/component-base/version.gitMinor={KUBERNETES.split('.')[1]} "
                         "k8s.io/component-base/version.gitTreeState=clean k8s.io/component-base/version.gitCommit=none"),
    # 29: what Debian has (20.10) does not take a shim by its name
    "docker": Source({"github.com/moby/moby/v2": "v2.0.0-beta.24"}, tags="exclude_graphdriver_btrfs exclude_graphdriver_zfs no_btrfs"),
    # Debian's can not map the ids of a mount
    "runc": Source({"github.com/opencontainers/runc": "v1.5.2"}, tags="netgo osusergo seccomp", c=True),
    "distribution": Source({"github.com/distribution/distribution/v3": "v3.1.2"},
                           "github.com/distribution/distribution/v3/version.version={v}"),
    "nerdctl": Source({"github.com/containerd/nerdctl/v2": "v2.1.2"}, "github.com/containerd/nerdctl/v2/pkg/version.Version={v}"),
    "crio": Source({"github.com/cri-o/cri-o": "v1.34.0"}, tags="containers_image_openpgp exclude_graphdriver_btrfs exclude_graphdriver_devicemapper"),
    "metrics-server": Source({"sigs.k8s.io/metrics-server": "v0.8.0"}, "k8s.io/client-go/pkg/version.gitVersion={v}"),
    "helm": Source({"helm.sh/helm/v3": "v3.22.0"}, "helm.sh/helm/v3/internal/version.version={v}"),
}


class Tool(NamedTuple):
    name: str  # also that of its stamp
    source: str
    file: str  # below directory()
    package: str

    @property
    def version(self):
        return list(SOURCES[self.source].modules.values())[-1]

    @property
    def path(self):
        return directory() / self.file


def _containerd(label, source, place, module):
    return [Tool(f"{label}/{p}", source, f"{place}/{p}", f"{module}/cmd/{p}") for p in ("containerd", "containerd-shim-runc-v2", "ctr")]


TOOLS = [  # in the order in which they are wanted
    *_containerd("2.x", "containerd-2.4", "containerd-2.x", "github.com/containerd/containerd/v2"),
    *(Tool(f"cni/{p.split('/')[1]}", "cni", f"cni/{p.split('/')[1]}", f"github.com/containernetworking/plugins/plugins/{p}")
      for p in ("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap", "meta/firewall", "meta/tuning")),
    *(Tool(p, "cri", f"bin/{p}", f"sigs.k8s.io/cri-tools/cmd/{p}") for p in ("crictl", "critest")),
    Tool("etcd", "etcd", "bin/etcd", "go.etcd.io/etcd/server/v3"),
    *(Tool(p, "kubernetes", f"bin/{p}", f"k8s.io/kubernetes/cmd/{p}")
      for p in ("kube-apiserver", "kubelet", "kube-controller-manager", "kube-scheduler", "kubectl", "kube-proxy")),
    Tool("runc", "runc", "runc/runc", "github.com/opencontainers/runc"),
    *_containerd("1.7", "containerd-1.7", "containerd-1.7", "github.com/containerd/containerd"),
    Tool("dockerd", "docker", "bin/dockerd", "github.com/moby/moby/v2/cmd/dockerd"),
    Tool("registry", "distribution", "bin/registry", "github.com/distribution/distribution/v3/cmd/registry"),
    Tool("nerdctl", "nerdctl", "bin/nerdctl", "github.com/containerd/nerdctl/v2/cmd/nerdctl"),
    Tool("crio", "crio", "bin/crio", "github.com/cri-o/cri-o/cmd/crio"),
    Tool("metrics-server", "metrics-server", "bin/metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server"),
    Tool("helm", "helm", "bin/helm", "helm.sh/helm/v3/cmd/helm"),
]
TEST_PROGRAMS = {"critest"}  # a test package: `go test -c`


def cache_directory():
    """What tests keep between runs: $XDG_CACHE_HOME/wherry-tests or ~/.cache/wherry-tests."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "wherry-tests"


def directory():
    return cache_directory() / "tools"


def containerd(version, timeout=BUILD_TIMEOUT):
    """(directory with containerd and ctr, None) or (None, reason). version: "2.4", "1.7", or "1.6", which is Debian 12's."""
    if version == "1.6":
        return _debians_containerd()
    reason = ensure(f"containerd-{version}", timeout=timeout)
    return (None, reason) if reason else (_of(f"containerd-{version}")[0].path.parent, None)


def _debians_containerd():
    program = pathlib.Path("/usr/bin/containerd")
    if not program.is_file():
        return None, "Debian's containerd is not installed"
    text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return (program.parent, None) if " 1.6." in text else (None, f"the containerd installed is not 1.6: {text.strip()}")


def is_built(source):
    return all(map(_is_current, _of(source)))


def ensure(*sources, timeout=BUILD_TIMEOUT):
    """Builds what is missing of the sources: None, or the reason why they can not be had. Concurrent callers build once."""
    deadline = time.monotonic() + timeout
    for tool in (t for s in sources for t in _of(s)):
        if reason := _ensure(tool, deadline):
            return reason
    return None


def module_directory(source):
    """Where the sources of one's first module are, which may hold more than Go."""
    path, version = next(iter(SOURCES[source].modules.items()))
    text = subprocess.run(["go", "mod", "download", "-json", f"{path}@{version}"], check=True, capture_output=True, text=True,
                          env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""}, timeout=BUILD_TIMEOUT).stdout
    return pathlib.Path(json.loads(text)["Dir"])


def missing_reason():
    """Why nothing can be built here, or None."""
    go = shutil.which("go")
    wanted = f"Go {GO_NEEDED[0]}.{GO_NEEDED[1]}"
    if not go:
        return f"needs {wanted} to build: no go in PATH"
    text = subprocess.run([go, "version"], capture_output=True, text=True, env={**os.environ, "GOTOOLCHAIN": "local"}).stdout
    found = re.search(r"go(\d+)\.(\d+)", text)
    if not found or tuple(map(int, found.groups())) < GO_NEEDED:
        return f"needs {wanted} to build, found: {text.strip() or 'none'}"
    return None


def _of(source):
    tools = [t for t in TOOLS if t.source == source]
    assert tools, f"no tools called {source}; there are {', '.join(SOURCES)}"
    return tools


def _stamp(tool):
    return directory() / ".build" / f"stamp.{tool.name.replace('/', '_')}"


def _is_current(tool):
    try:
        return _stamp(tool).read_text().strip() == tool.version and os.access(tool.path, os.X_OK)
    except OSError:
        return False


def _ensure(tool, deadline):
    if _is_current(tool):
        return None
    if reason := missing_reason():
        return f"{tool.path.name} {tool.version} {reason}"
    module = directory() / ".build" / "modules" / tool.source
    module.mkdir(parents=True, exist_ok=True)
    with open(module / "lock", "w") as lock:
        if not _lock(lock, deadline):
            return f"{tool.path.name} {tool.version} is still being built by another"
        return None if _is_current(tool) else _build(tool, module, deadline)


def _lock(file, deadline):
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)


def _build(tool, module, deadline):
    """The reason why it failed, or None."""
    source = SOURCES[tool.source]
    flags = " ".join(["-s -w", *(["-extldflags -static"] if source.c else []), *(f"-X {s.format(v=tool.version)}" for s in source.settings.split())])
    verb = ["test", "-c"] if tool.name in TEST_PROGRAMS else ["build"]
    tool.path.parent.mkdir(parents=True, exist_ok=True)
    fresh = tool.path.with_suffix(".new")
    try:
        _prepare(module, source, deadline)
        _go(module, deadline, *verb, "-mod=mod", "-trimpath", "-tags", source.tags, "-ldflags", flags, "-o", fresh, tool.package, c=source.c)
    except subprocess.TimeoutExpired:
        return f"building {tool.path.name} {tool.version} took too long"
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no output"])[-1]
        return f"building {tool.path.name} {tool.version} failed: {last}"
    os.replace(fresh, tool.path)
    _stamp(tool).write_text(tool.version + "\n")
    return None


def _prepare(module, source, deadline):
    """A Go module that requires the wanted ones: `go install` refuses those that have replace or exclude lines."""
    done = module / "ready"
    wanted = " ".join(f"{path}@{version}" for path, version in source.modules.items())
    if done.exists() and done.read_text() == wanted:
        return
    for name in ("go.mod", "go.sum"):
        (module / name).unlink(missing_ok=True)
    _go(module, deadline, "mod", "init", "wherry.test/tools")
    first, version = next(iter(source.modules.items()))
    download = json.loads(_go(module, deadline, "mod", "download", "-json", f"{first}@{version}"))
    sums = pathlib.Path(download["Dir"], "go.sum")  # it knows modules that the public list of sums does not
    if sums.is_file():
        (module / "go.sum").write_bytes(sums.read_bytes())
    directives = json.loads(_go(module, deadline, "mod", "edit", "-json", download["GoMod"]))
    edits = [f"-require={path}@{v}" for path, v in source.modules.items()]
    edits += [f"-exclude={e['Path']}@{e['Version']}" for e in directives.get("Exclude") or []]
    edits += filter(None, (_replacement(r, version) for r in directives.get("Replace") or []))
    _go(module, deadline, "mod", "edit", f"-go={GO_NEEDED[0]}.{GO_NEEDED[1]}.0", *edits)
    done.write_text(wanted)


def _replacement(directive, version):
    old, new = directive["Old"]["Path"], directive["New"]
    if staging := STAGING.match(new["Path"]):
        return f"-replace={old}={staging[1]}@v0.{version.removeprefix('v1.')}"
    return f"-replace={old}={new['Path']}@{new['Version']}" if "Version" in new else None


def _go(module, deadline, *arguments, c=False):
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "1" if c else "0"}
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(["nice", "-n", "10", "go", *arguments], cwd=module, env=environment, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=errors, timeout=max(1, deadline - time.monotonic()))
        errors.seek(0)
        if done.returncode != 0:
            raise subprocess.CalledProcessError(done.returncode, arguments, done.stdout, errors.read())
    return done.stdout


def main():
    unknown = set(sys.argv[1:]) - SOURCES.keys()
    if unknown:
        sys.exit(f"no tools called {', '.join(sorted(unknown))}; there are {', '.join(SOURCES)}")
    failed = False
    for tool in TOOLS:
        if tool.source in (sys.argv[1:] or SOURCES):
            reason = ensure_tool(tool)
            failed |= bool(reason)
            print(reason or f"{tool.path} {tool.version}", flush=True)
    return 1 if failed else 0


def ensure_tool(tool, timeout=BUILD_TIMEOUT):
    return _ensure(tool, time.monotonic() + timeout)


if __name__ == "__main__":
    sys.exit(main())
