# SPDX-License-Identifier: Apache-2.0
"""Containers with a user namespace, by ctr: with a copied root file system, and with an id-mapped one."""
import json
import pathlib
import subprocess

from checks_exec import execute, status
from checks_terminal import ctr_console
from suite import equal, wait_until
from world import IMAGE, WHERRY

ROOT = 200000  # on the host, of the containers
IDS = ["--uidmap", f"0:{ROOT}:65536", "--gidmap", f"0:{ROOT}:65536"]


def owner(path):
    seen = path.stat()
    return seen.st_uid, seen.st_gid


def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    def each_way():
        """The client gives a copy of the image away, or the mount does; the second is containerd 2's."""
        world.daemon  # not there at all: skipped
        return [IDS] if world.version != "2.4" else [IDS, [*IDS, "--remap-labels"]]

    @test("a container's root is nobody on the host, and sees its own files")
    def _():
        for options in each_way():
            with world.running("sleep", options=options) as container:
                pid = world.pid(container)
                equal(pathlib.Path(f"/proc/{pid}/uid_map").read_text().split(), ["0", str(ROOT), "65536"], "uid_map")
                equal(pathlib.Path(f"/proc/{pid}/gid_map").read_text().split(), ["0", str(ROOT), "65536"], "gid_map")
                seen = status(pid)
                equal({*seen["Uid"].split(), *seen["Gid"].split(), *seen["Groups"].split()}, {str(ROOT)}, "users and groups")
                root = pathlib.Path(f"/proc/{pid}/root")
                equal(owner(root / "etc/motd"), (ROOT, ROOT), f"owner of the image's file, {options}")
                done = execute(world, container, "/probe.wasm", "write", "/etc/note", "x")
                equal(done.returncode, 0, f"write ({done.stderr})")
                equal(owner(root / "etc/note"), (ROOT, ROOT), f"owner of a new file, {options}")
        world.check_no_leaks()

    @test("with a user namespace a guest's output, exit code and errors are what they are without")
    def _():
        for options in each_way():
            done = world.run("echo", "hello", options=options)
            equal((done.returncode, done.stdout), (0, "hello\n"), f"echo ({done.stderr})")
            equal(world.run("exit", "7", options=options).returncode, 7, "exit code")
            equal(world.run("read", "/etc/motd", options=options).stdout, "of the image\n", "a file of the image")
            done = world.run(program="/text.wasm", options=options)
            assert done.returncode != 0 and "not a WebAssembly module" in done.stderr, done.stderr
        world.check_no_leaks()

    @test("an exec is in the user namespace of its container, with a user of it")
    def _():
        with world.running("sleep", options=IDS) as container:
            link = pathlib.Path(f"/proc/{world.pid(container)}/ns/user").readlink()
            with world.daemon.popen("tasks", "exec", "--exec-id", "e", "--user", "1000:2000", container, "/probe.wasm", "sleep", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
                def of_exec():
                    rows = world.daemon.ctr("tasks", "ps", container).stdout.splitlines()[1:]
                    return [pid for pid in map(int, (row.split()[0] for row in rows)) if pid != world.pid(container)]
                wait_until(of_exec, "process of the exec")
                [pid] = of_exec()
                equal(pathlib.Path(f"/proc/{pid}/ns/user").readlink(), link, "user namespace")
                seen = status(pid)
                equal((set(seen["Uid"].split()), set(seen["Gid"].split())), ({str(ROOT + 1000)}, {str(ROOT + 2000)}), "user and group")
                client.terminate()  # which ctr passes on
        world.check_no_leaks()

    @test("a terminal belongs to the container's user")
    def _():
        container = world.new_id("t")
        with ctr_console(world, "run", "-t", "--rm", "--runtime", WHERRY, *IDS, IMAGE, container,
                     "/probe.wasm", "echo", "on a terminal") as user:
            user.read_until("on a terminal")
            equal(user.wait(), 0, "exit code")
        world.check_no_leaks()

    @test("a volume with mapped ids keeps its own")
    def _():
        volume = world.daemon.directory / "volume"
        volume.mkdir(mode=0o700)
        container = world.new_id("m")
        spec = world.spec(container, ["/probe.wasm", "write", "/data/note", "x"])
        maps = [{"containerID": 0, "hostID": ROOT, "size": 65536}]
        spec["mounts"].append({"destination": "/data", "type": "bind", "source": str(volume), "options": ["rbind", "rw"],
                               "uidMappings": maps, "gidMappings": maps})
        spec["linux"] |= {"uidMappings": maps, "gidMappings": maps}
        spec["linux"]["namespaces"].append({"type": "user"})
        root = world.daemon.directory / "mapped-root"
        root.mkdir()
        for name in ("dev", "proc", "sys", "run", "data"):
            (root / name).mkdir()
        (root / "probe.wasm").write_bytes((pathlib.Path(__file__).parent / "guests/probe.wasm").read_bytes())
        spec["root"]["path"] = str(root)
        path = world.daemon.directory / f"{container}.json"
        path.write_text(json.dumps(spec))
        done = world.daemon.ctr("run", "--rm", "--runtime", WHERRY, "--config", path, container, check=False)
        equal(done.returncode, 0, f"exit code ({done.stderr})")
        equal(owner(volume / "note"), (0, 0), "owner on the host")
        world.check_no_leaks()
