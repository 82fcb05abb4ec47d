# SPDX-License-Identifier: Apache-2.0
"""cri-tools' conformance suite against a node, with images made here."""
import json

import images

FLAGS = ("--ginkgo.no-color", "--ginkgo.silence-skips", "--ginkgo.timeout=20m", "--ginkgo.flake-attempts=0")


def fill(node):
    """Puts the suite's images into the node's registry."""
    images.add_critest(node.store, node.busybox)


def run(node, handler, focus=None, skip=None):
    """{name of the spec: ("passed" | "failed" | "skipped", why)}"""
    place = node.directory / f"critest-{handler}"
    place.mkdir()
    (place / "images.yaml").write_text("defaultTestContainerImage: wherry.test/e2e-test-images/busybox:latest\n"
                                       "webServerTestImage: wherry.test/e2e-test-images/nginx:1.14-2\n")
    report = place / "report.json"
    choice = [f"--ginkgo.{k}={v}" for k, v in (("focus", focus), ("skip", skip)) if v]
    done = node.run("sh", "-c", 'cd "$0" && exec critest "$@"', place, f"--runtime-endpoint=unix://{node.socket}",
                    f"--image-endpoint=unix://{node.socket}", f"--test-images-file={place}/images.yaml", f"--runtime-handler={handler}",
                    f"--ginkgo.json-report={report}", *FLAGS, *choice, check=False, timeout=1500)
    assert report.exists(), f"critest ended with {done.returncode} and no report: {(done.stderr or done.stdout)[-600:]}"
    return _results(json.loads(report.read_text()))


def _results(suites):
    found = {}
    for spec in (s for suite in suites for s in suite["SpecReports"] or []):
        if spec["LeafNodeType"] != "It":
            continue
        name = " ".join([*(spec["ContainerHierarchyTexts"] or []), spec["LeafNodeText"]]).removeprefix("[k8s.io] ")
        why = " ".join(spec.get("Failure", {}).get("Message", "").split())[:240]
        state = spec["State"] if spec["State"] in ("passed", "skipped") else "failed"
        found[name] = ("skipped" if state == "skipped" or spec["State"] == "pending" else state, why)
    return found
