#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every image form in a pod and by `ctr run`, on three versions of containerd, with our shim: the table of docs/images.md.

run.py --update writes it there.
"""
import functools
import hashlib
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / name) for name in ("k8s", "lib", "registry")]

import table  # noqa: E402
from bench import Bench  # noqa: E402
from checks_faults import mounted  # noqa: E402
from forms import HELLO, saying  # noqa: E402
from place import Lazy  # noqa: E402
from suite import SOURCE, Suite, equal  # noqa: E402

DOCUMENT = SOURCE / "docs" / "images.md"
BEGIN, END = "<!-- forms: written by tests/forms/run.py --update -->\n", "<!-- end -->"
BENCHES = {version: Lazy(Bench, containerd=version, fill=table.fill) for version in table.VERSIONS}
suite = Suite()


def runs_as_the_table_says(form, column):
    version = table.VERSIONS[column]
    bench = BENCHES[version]()
    equal(table.verdict(bench.outcome(table.image(form), form.command), form.says), form.pods[column], "pod")
    if form.ctr[column]:
        equal(table.verdict(bench.ctr_outcome(table.image(form), form.name, form.command), form.says), form.ctr[column], "ctr run")


for form in table.FORMS:
    for column, version in enumerate(table.VERSIONS):
        suite.test(f"containerd {version}: {form.text}", alone=False)(functools.partial(runs_as_the_table_says, form, column))


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@suite.test("one name serves amd64 and arm64 nodes: each fetches its own modules and no other's")
def _():
    bench = BENCHES["2.4"]()
    for machine, other in (("arm64", "amd64"), ("amd64", "arm64")):
        found = bench.pulled_by(machine, "wherry.test/two-artifacts:1")
        assert digest(saying(machine)) in found, f"{machine}: its module was not fetched"
        assert digest(saying(other)) not in found, f"{machine}: the module for {other} was fetched"


@suite.test("what `wherry pack` makes gives arm64 nodes the layer that it gives amd64 nodes")
def _():
    bench = BENCHES["2.4"]()
    by_machine = [bench.pulled_by(machine, "wherry.test/packed:1") for machine in ("arm64", "amd64")]
    equal(len(by_machine[0] & by_machine[1]), 2, "blobs in common: index and layer")


@suite.test("a module whose artifact is in the cache is not read again")
def _():
    bench = BENCHES["2.4"]()
    bench.outcome("wherry.test/artifact:1", table.APP, attempt=1)
    blob = bench.blob(digest(HELLO))
    blob.write_bytes(b"X" * len(HELLO))
    try:
        equal(bench.outcome("wherry.test/artifact:1", table.APP, attempt=2).text, "hello\n", "output")
    finally:
        blob.write_bytes(HELLO)


@suite.test("an exec finds the module by the name that the container's program has, and by no other")
def _():
    node, image = BENCHES["2.4"]().node, "wherry.test/probe:1"
    node.run("crictl", "pull", image)
    container = BENCHES["2.4"]().create(image, ("/app.wasm", "sleep"))
    node.run("crictl", "start", container)
    done = node.run("crictl", "exec", "-s", container, "/app.wasm", "exit", "7", check=False)
    assert "exited with 7" in done.stderr, done.stderr
    done = node.run("crictl", "exec", "-s", container, "/other.wasm", "exit", "7", check=False)
    assert "stat /other.wasm: no such file or directory" in done.stderr, done.stderr


@suite.test("a module for which the cache's disk has no room runs")
def _():
    bench = BENCHES["2.4"]()
    with mounted(bench.node, "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs"):
        equal(bench.outcome("wherry.test/large:1"), ("run", "large\n"), "outcome")


@suite.test("a module that was changed in containerd's store is refused")
def _():
    bench = BENCHES["2.4"]()
    bench.node.run("crictl", "pull", "wherry.test/changed:1")
    blob = bench.blob(digest(saying("about")))
    blob.write_bytes(saying("other"))
    outcome = bench.outcome("wherry.test/changed:1")
    equal(outcome.step, "start", "step")
    assert "the content has another digest" in outcome.text, outcome.text


@suite.test("docs/images.md has this table")
def _():
    text = DOCUMENT.read_text()
    equal(text.partition(BEGIN)[2].partition(END)[0], table.markdown(), "table")


def update():
    text = DOCUMENT.read_text()
    head, rest = text.split(BEGIN)
    DOCUMENT.write_text(head + BEGIN + table.markdown() + END + rest.split(END, 1)[1])


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        try:
            suite.main(workers=len(table.VERSIONS))
        finally:
            for bench in BENCHES.values():
                bench.close()
