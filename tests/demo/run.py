#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make demo: it shows what it promises, and cleans up, also when it is interrupted or fails."""
# timeout: 400
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from remains import Remains  # noqa: E402
from suite import BUILD, SOURCE, Skip, Suite, equal, program  # noqa: E402

suite = Suite()


class Demo:
    """A running tools/demo.py with a temporary directory of its own."""

    def __init__(self, *arguments, build=BUILD):
        if os.geteuid() != 0:
            raise Skip("needs root")
        missing = [p for p in ("containerd", "ctr", "runc", "wrk", "unshare", "ip") if not shutil.which(p)]
        if missing:
            raise Skip(f"no {missing[0]}")
        for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
            program(name)
        self.temporary = pathlib.Path(tempfile.mkdtemp(prefix="wherry-demo-test-"))
        self.process = subprocess.Popen(
            [SOURCE / "tools" / "demo.py", "--build", build, *arguments], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(self.temporary)})

    def read_until(self, text):
        seen = ""
        while text not in seen:
            line = self.process.stdout.readline()
            assert line, f"ended before it said {text!r}: {seen[-1500:]}"
            seen += line
        return seen

    def finish(self):
        """(exit code, the rest of the output); fails if anything is left."""
        rest = self.process.stdout.read()
        code = self.process.wait(60)
        self.process.stdout.close()
        left = list(self.temporary.iterdir())
        shutil.rmtree(self.temporary)
        equal(left, [], "files left")
        daemons = list(pathlib.Path("/tmp").glob(f"wt-{self.process.pid}-*"))
        equal(daemons, [], "containerd directories left")
        equal(Remains(f"/tmp/wt-{self.process.pid}-").processes(), [], "processes left")
        return code, rest


@suite.test("shows requests, a graceful stop and a table")
def _():
    code, output = Demo("--rounds", "1").finish()
    equal(code, 0, f"exit code\n{output[-2500:]}")
    assert '"a": "b"' in output and '"url": "http://127.0.0.1:3000/get?a=b' in output, output
    assert re.search(r"ended with 143 after", output), output
    for row in ("image ", "image with embedded runtime +not yet", "start, first", "start, cached", "requests a second",
                "requests a CPU second"):
        assert re.search(f"^{row}", output, re.MULTILINE), f"no row {row!r}: {output[-1500:]}"


for _name, _number, _code in (("SIGINT", signal.SIGINT, 130), ("SIGTERM", signal.SIGTERM, 143)):
    @suite.test(f"{_name} while the container runs leaves nothing")
    def _(number=_number, code=_code):
        demo = Demo()
        demo.read_until("== stop it")
        demo.process.send_signal(number)
        equal(demo.finish()[0], code, "exit code")


@suite.test("a failure says what it is and leaves nothing")
def _():
    with tempfile.TemporaryDirectory() as directory:
        (pathlib.Path(directory) / "bin").mkdir()
        shutil.copy(program("wherry"), pathlib.Path(directory) / "bin")
        code, output = Demo(build=directory).finish()
    equal(code, 1, "exit code")
    assert re.search(r"^demo: ctr run .*wherry", output, re.MULTILINE), output[-1500:]


suite.main()
