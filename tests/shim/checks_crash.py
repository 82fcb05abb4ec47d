# SPDX-License-Identifier: Apache-2.0
"""Checks 25 to 29, 51 and 52: what is left after crashes, many runs and bad input."""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import time

from suite import BUILD, equal, program, wait_until
from world import SHIM, Events



def register(suite, world):
    def test(name):
        return suite.test(f"{name} [{world.version}]")

    @test("check 25: kill -9 of the shim leaves nothing and publishes the exit")
    def _():
        world.daemon
        with Events(world) as events, world.running("sleep") as container:
            init, shim = world.pid(container), world.shim_pid(container)
            os.kill(shim, signal.SIGKILL)
            wait_until(lambda: not os.path.exists(f"/proc/{init}"), "end of the container", timeout=5)
            events.wait_for(container, "/tasks/exit", timeout=5)
            world.check_no_leaks(5)

    @test("kill -9 of init is an exit like any other")
    def _():
        with world.attached("sleep") as (container, process, lines):
            lines.wait_for(1)
            os.kill(world.pid(container), signal.SIGKILL)
            equal(process.wait(20), 137, "exit code")

    @test("a shim that is killed while containerd is away is cleaned up when it returns")
    def _():
        with world.running("sleep") as container:
            shim = world.shim_pid(container)
            world.daemon.stop()
            os.kill(shim, signal.SIGKILL)
            world.daemon.start()
            wait_until(lambda: container not in world.daemon.tasks(), "end of the task")
            world.check_no_leaks()

    @test("check 26: 200 runs leave nothing")
    def _():
        world.run("echo", "warm", "up")
        files = world.daemon.open_files()
        for _ in range(200):
            done = world.run(program="/hello.wasm")
            assert (done.returncode, done.stdout) == (0, "hello\n"), done
        world.check_no_leaks()
        wait_until(lambda: world.daemon.open_files() <= files + 2, f"{files} open files in containerd")

    @test("check 27: 50 runs at once all have their own exit code")
    def _():
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            codes = list(pool.map(lambda n: world.run("exit", str(n)).returncode, range(50)))
        equal(codes, list(range(50)), "exit codes")
        world.check_no_leaks()

    @test("check 28: delete in another bundle leaves a live container alone")
    def _():
        with world.running("sleep") as container:
            bundle = world.bundle(container)
            other = bundle.parent / "other"
            (other / "rootfs").mkdir(parents=True)
            try:
                (other / "config.json").write_text(json.dumps({"annotations": {"io.kubernetes.cri.sandbox-id": container}}))
                (other / "address").write_text((bundle / "address").read_text())
                for _ in range(2):
                    done = subprocess.run([program(SHIM), "-namespace", world.daemon.namespace, "-address", str(world.daemon.address),
                                           "-id", "other", "-bundle", str(other), "delete"], cwd=other, capture_output=True)
                    equal((done.returncode, done.stderr), (0, b""), "delete")
                equal(world.daemon.tasks()[container][1], "RUNNING", "status")
                assert pathlib.Path(f"/proc/{world.pid(container)}").is_dir()
            finally:
                subprocess.run(["rm", "-r", str(other)], check=True)

    @test("check 29: what can not run says why, at once, and leaves nothing")
    def _():
        cases = {
            "/none.wasm": "not found",
            "/text.wasm": "not a WebAssembly module",
            "/empty.wasm": "empty",
            "/truncated.wasm": "truncated.wasm:0x",
            "/component.wasm": "a WebAssembly component",
        }
        for path, words in cases.items():
            begin = time.monotonic()
            done = world.run(program=path)
            equal(done.returncode, 1, f"exit code of {path}")
            assert words in done.stderr, done.stderr
            assert time.monotonic() - begin < 20, f"{path} took {time.monotonic() - begin:.1f} s"
            last = done.stderr.strip().splitlines()[-1]
            assert last.startswith("ctr:"), done.stderr
        world.check_no_leaks()

    @test("check 51: the second start takes the module from the cache")
    def _():
        mark = len(world.daemon.log())
        container = world.new_id("k")
        equal(world.run("echo", "x", container=container).returncode, 0, "run")
        again = world.new_id("k")
        equal(world.run("echo", "x", container=again).returncode, 0, "run")
        log = world.daemon.log()[mark:]
        assert f'msg="module found in the cache" container={again} ' in log, log
        assert list(world.daemon.cache.glob("*.artifact")), "no entry in the cache"

    @test("check 52: a corrupted cache entry is made anew")
    def _():
        equal(world.run("echo", "x").returncode, 0, "run")
        for entry in world.daemon.cache.glob("*.artifact"):
            _corrupt(entry)
        mark = len(world.daemon.log())
        done = world.run("echo", "still", "right")
        equal((done.returncode, done.stdout), (0, "still right\n"), "run")
        assert 'msg="module compiled"' in world.daemon.log()[mark:], world.daemon.log()[mark:]

    @test("a missing compiler is one clear line")
    def _():
        from containerd import Containerd
        import shutil
        import tempfile
        from world import IMAGE, images
        with tempfile.TemporaryDirectory(prefix="wherry-alone-") as directory:
            shutil.copy(BUILD / "bin" / SHIM, directory)
            with Containerd(world.daemon.binary, shim_directory=directory, snapshotter=world.daemon.snapshotter) as daemon:
                tar = images(daemon.directory)
                daemon.import_image(tar)
                rootfs = pathlib.Path(directory, "rootfs")
                rootfs.mkdir()
                # Never seen before, so that no cache has it.
                module = (pathlib.Path(__file__).parent / "guests" / "hello.wasm").read_bytes()
                unique = os.urandom(16)
                (rootfs / "new.wasm").write_bytes(module + b"\0\x13\x02id" + unique)
                done = daemon.ctr("run", "--rm", "--runtime", "io.containerd.wherry.v1", "--rootfs", str(rootfs), "c1", "/new.wasm", check=False)
                equal(done.returncode, 1, "exit code")
                assert "wherryc" in done.stderr, done.stderr
                equal(daemon.leaks(), [], "leaks")
        assert IMAGE

    @test("a client that gives up during the compilation leaves nothing")
    def _():
        import tempfile
        from checks_compile import children, large_module
        with tempfile.TemporaryDirectory(prefix="wherry-large-") as root:
            pathlib.Path(root, "large.wasm").write_bytes(large_module())
            container = world.new_id("g")
            client = world.daemon.popen("run", "--runtime", "io.containerd.wherry.v1", "--null-io", "--rootfs", root, container, "/large.wasm",
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: _shim_or_none(world, container) and children(_shim_or_none(world, container), "wherryc"), "compiler", alive=client)
                client.kill()
                client.wait()
            finally:
                client.kill()
                client.wait()
            wait_until(lambda: not world.daemon.remains.processes(), "end of shim and compiler", timeout=60)
            world.daemon.remove(container)
            world.check_no_leaks()


def _shim_or_none(world, container):
    try:
        return world.shim_pid(container)
    except AssertionError:
        return None


def _corrupt(path):
    """Damages the tables of an artifact that may be mapped elsewhere: a new file takes its place."""
    data = bytearray(path.read_bytes())
    for at in range(64, min(len(data), 4096)):
        data[at] ^= 0x5a
    temporary = path.with_suffix(".damaged")
    temporary.write_bytes(data)
    os.chmod(temporary, path.stat().st_mode & 0o777)
    os.replace(temporary, path)
