# SPDX-License-Identifier: Apache-2.0
"""exec of Wherry's own small programs in a container that holds nothing but a module."""
import re

from checks_exec import execute
from suite import equal, program


def register(suite, world):
    def test(name):
        return suite.test(f"toolbox: {name} [{world.version}]")

    @test("its programs run where the image has none")
    def _():
        program("toolbox.wasm")
        with world.running("sleep") as container:
            equal(execute(world, container, "cat", "/etc/motd").stdout, "of the image\n", "cat")
            assert "probe.wasm" in execute(world, container, "ls", "/").stdout.split()
            equal(execute(world, container, "/bin/test", "-e", "/nope").returncode, 1, "a test that fails, by a path")
            equal(execute(world, container, "pwd", options=["--cwd", "/opt/app"]).stdout, "/opt/app\n", "working directory")
            equal(execute(world, container, "cat", stdin="through\n").stdout, "through\n", "standard input")
            shown = execute(world, container, "ls", "-ld", "/etc").stdout
            assert re.match(r"drwxr-xr-x +\d+ 0 +0 ", shown), shown
            names = re.findall(r"^Name:\t(.*)$", execute(world, container, "cat", "/proc/1/status", "/proc/self/status").stdout, re.M)
            equal(names, ["wherry-init", "wherry-exec"], "processes")
            assert execute(world, container, "cat", "/proc/self/maps").returncode == 1, "it reads where its process's memory is"
        world.check_no_leaks()

    @test("a container whose image has no shell runs the toolbox's, but none for a path of its own")
    def _():
        done = world.run("-c", "echo $((6 * 7)); cat /proc/1/comm; ls -d /etc; exit 5", program="sh", check=False)
        equal((done.returncode, done.stdout), (5, "42\nwherry-init\n/etc\n"), "exit code and output")
        equal(world.run("/etc/motd", program="/bin/cat").stdout, "of the image\n", "output of /bin/cat")
        for missing in ("/opt/app/sh", "nosuch"):
            done = world.run(program=missing, check=False)
            assert done.returncode != 0 and missing in done.stderr, (missing, done.stderr)
        world.check_no_leaks()

    @test("what the image calls so has nothing of it")
    def _():
        container = world.new_id("own")
        spec = world.spec(container, ["/probe.wasm", "sleep"])
        copy = world.daemon.directory / "plain-root" / "toolbox.wasm"
        copy.write_bytes(program("toolbox.wasm").read_bytes())
        (copy.parent / "cat").write_bytes(copy.read_bytes())
        with world.configured(container, spec):
            for name in ("/toolbox.wasm", "/cat", "cat"):
                done = execute(world, container, name, "cat", "/proc/self/status")
                assert done.returncode != 0 and "`wherry_toolbox." in done.stderr, (name, done.stdout, done.stderr)
