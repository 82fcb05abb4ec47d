# SPDX-License-Identifier: Apache-2.0
"""Images of `wherry pack` in the programs that read images: ctr, skopeo, podman."""
import json
import pathlib
import shutil
import subprocess
import tempfile

import tools
from cases import DATA
from containerd import Containerd, HarnessError
from suite import Skip, equal, program

NAME = "docker.io/library/hello:v1"


def pack(directory, *options):
    image = pathlib.Path(directory) / "hello.tar"
    subprocess.run([program("wherry"), "pack", DATA / "hello.wasm", "-t", "hello:v1", "-o", image, *options], check=True, capture_output=True)
    return image


def tool(name):
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    return path


def output(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    equal(done.returncode, 0, f"exit code of {command[0]} ({done.stderr.strip()[-300:]})")
    return done.stdout


def ctr_imports_it():
    try:
        imported_by(Containerd())
    except HarnessError as error:
        raise Skip(str(error)) from error


def ctr_of_containerd_2_imports_it():
    if not tools.is_built("containerd-2.4"):
        raise Skip("containerd 2 is not built yet; the shim's tests do that")
    imported_by(Containerd(binary=tools.containerd("2.4")[0] / "containerd"))


def imported_by(daemon):
    with daemon, tempfile.TemporaryDirectory() as directory:
        equal(daemon.import_image(pack(directory)), [NAME], "images")
        line = next(row for row in daemon.ctr("images", "ls").stdout.splitlines() if row.startswith(NAME))
        assert "linux/amd64,linux/arm64,wasip1/wasm" in line, line
        daemon.ctr("images", "rm", NAME)
        local = ["--local"] if daemon.major >= 2 else []
        daemon.ctr("images", "import", *local, "--all-platforms", pack(directory))
        assert "complete" in daemon.ctr("images", "check").stdout


def skopeo_reads_both_forms():
    skopeo = tool("skopeo")
    with tempfile.TemporaryDirectory() as directory:
        image = pack(directory, "-e", "A=b", "-l", "k=v", "-u", "1000:1000", "-p", "80")
        for form in (f"oci-archive:{image}:v1", f"docker-archive:{image}"):
            config = json.loads(output(skopeo, "inspect", "--config", form))
            equal((config["os"], config["architecture"]), ("linux", "amd64"), f"platform in {form}")
            equal(config["config"], {"User": "1000:1000", "ExposedPorts": {"80/tcp": {}}, "Env": ["A=b"], "Entrypoint": ["/hello.wasm"],
                                     "WorkingDir": "/", "Labels": {"k": "v"}}, f"configuration in {form}")
        wasm = ["--override-os", "wasip1", "--override-arch", "wasm"]
        equal(json.loads(output(skopeo, *wasm, "inspect", "--config", f"oci-archive:{image}"))["architecture"], "wasm", "architecture")
        output(skopeo, "copy", "--all", f"oci-archive:{image}", f"dir:{directory}/copy")


def podman_loads_it():
    podman = tool("podman")
    with tempfile.TemporaryDirectory() as directory:
        image = pack(directory)
        own = [podman, "--root", f"{directory}/root", "--runroot", f"{directory}/run", "--storage-driver", "vfs"]
        assert NAME in output(*own, "load", "-i", image)
        assert NAME in output(*own, "images", "--format", "{{.Repository}}:{{.Tag}}")


def it_is_reproducible():
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        equal(pack(first).read_bytes(), pack(second).read_bytes(), "bytes of the image")


def add_tests(suite):
    for test in (ctr_imports_it, ctr_of_containerd_2_imports_it, skopeo_reads_both_forms, podman_loads_it, it_is_reproducible):
        suite.test(f"pack: {test.__name__.replace('_', ' ')}")(test)
