#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is deployed: the chart, the plain manifests, the installer's image.

run.py --update makes what the chart prints now the goldens; look at the difference.
"""
# timeout: 900
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "lib"), str(pathlib.Path(__file__).resolve().parent)]
import tools  # noqa: E402
from suite import BUILD, SOURCE, Skip, Suite, equal, program  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

HERE = pathlib.Path(__file__).resolve().parent
CHART = SOURCE / "deploy" / "helm" / "wherry"
MANIFESTS = SOURCE / "deploy" / "manifests"
NAMESPACE = "wherry-system"
# name: what differs from the default values
CASES = {
    "defaults": [],
    "everything": ["install.distribution=k3s", "install.config=/etc/x.toml", "install.socket=/run/x.sock", "install.handler=wasm",
                   "install.binDir=/usr/local/bin", "install.restart=false", "install.restartCommand=pkill -HUP \"x\"", "install.trial=false",
                   "image.repository=registry.test/w", "image.tag=v1.2", "imagePullSecrets[0].name=secret", "runtimeClass.name=wasm",
                   "nodeLabels.labels.wherry\\.dev/installed=yes", "nodeLabels.labels.wherry\\.dev/zone=x",
                   "podLabels.a=b", "podAnnotations.c=d", "podTolerations[0].key=wasm", "uninstall.force=true", "priorityClassName="],
    "little": ["runtimeClass.create=false", "uninstall.enabled=false"],
    "no-labels": ["nodeLabels.enabled=false"],
}
REFUSED = {
    "install.handler=A_b": "install.handler",
    "install.timeout=soon": "install.timeout",
    "install.binDir=relative": "install.binDir",
    "no.such=1": "no",
    "nodeLabels.labels.other\\.dev/x=y": "nodeLabels.labels",
    "runtimeClass.overhead.cpu=many": "runtimeClass.overhead.cpu",
}

suite = Suite()


def helm(*arguments, check=True):
    tool = next(t for t in tools.TOOLS if t.name == "helm")
    if not tool.path.is_file():
        raise Skip("helm is not in the cache of built tools (tests/lib/tools.py helm)")
    done = subprocess.run([tool.path, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr + done.stdout
    return done


def template(values, check=True):
    options = [word for value in values for word in ("--set", value)]
    return helm("template", "wherry", CHART, "--namespace", NAMESPACE, "--kube-version", "1.34.0", *options, check=check)


def parsed(text):
    if yaml is None:
        raise Skip("no PyYAML (python3-yaml)")
    return [document for document in yaml.safe_load_all(text) if document]


def without_helm(document):
    """What remains of a chart's object when it is none."""
    labels, annotations = document["metadata"]["labels"], document["metadata"].pop("annotations", {})
    for name in [n for n in labels if n != "app.kubernetes.io/name"]:
        del labels[name]
    equal([n for n in annotations if not n.startswith("helm.sh/")], [], "annotations that are not helm's")
    return document


@suite.test("helm finds nothing wrong with the chart")
def _():
    helm("lint", "--strict", CHART)


for _name, _values in CASES.items():
    @suite.test(f"the chart with {_name} is its golden")
    def _(name=_name, values=_values):
        seen = template(values).stdout
        equal(seen.splitlines(), (HERE / "cases" / f"{name}.yaml").read_text().splitlines(), "the chart's output")
        parsed(seen)


for _value, _key in REFUSED.items():
    @suite.test(f"the chart refuses {_value}")
    def _(value=_value, key=_key):
        done = template([value], check=False)
        assert done.returncode != 0 and "don't meet the specifications of the schema" in done.stderr, done.stderr
        assert re.search(key.replace(".", "[./]"), done.stderr), done.stderr


@suite.test("the plain manifests are what the chart makes of its default values")
def _():
    rendered = parsed(template([]).stdout)
    hooks = [d for d in rendered if "helm.sh/hook" in d["metadata"].get("annotations", {})]
    objects = [d for d in rendered if d not in hooks]
    plain = {p.stem: parsed(p.read_text()) for p in MANIFESTS.glob("*.yaml")}
    equal(sorted(plain), ["namespace", "node", "runtimeclass", "serviceaccount", "uninstall"], "manifests")
    by_kind = lambda documents: {d["kind"]: without_helm(d) for d in documents}  # noqa: E731
    kept = {d["kind"]: d for d in plain["serviceaccount"]}
    equal({d["kind"]: d for d in plain["node"] + plain["runtimeclass"]} | kept, by_kind(objects), "objects")
    undoing = by_kind(hooks)
    equal(plain["uninstall"], [undoing.pop("DaemonSet")], "what undoes them")
    equal(undoing, {kind: kept[kind] for kind in undoing}, "whose account it has")


@suite.test("the uninstaller takes the installer's place, on the same nodes with the same rights")
def _():
    installer, = parsed((MANIFESTS / "node.yaml").read_text())
    uninstaller, = parsed((MANIFESTS / "uninstall.yaml").read_text())
    for get in (lambda d: d["metadata"]["name"], lambda d: d["spec"]["selector"], lambda d: d["spec"]["template"]["spec"]["nodeSelector"],
                lambda d: d["spec"]["template"]["spec"]["containers"][0]["securityContext"]):
        equal(get(uninstaller), get(installer), "part of the uninstaller")


@suite.test("the installer gets no privilege and no token, and who has the token nothing else")
def _():
    for name in ("node", "uninstall"):
        spec = parsed((MANIFESTS / f"{name}.yaml").read_text())[0]["spec"]["template"]["spec"]
        equal((spec["automountServiceAccountToken"], spec.get("hostNetwork"), spec.get("hostIPC")), (False, None, None), "the pod")
        equal({v["name"] for v in spec["volumes"]} - {"token", "ready"}, set(), "volumes")
        for container in spec["containers"] + spec.get("initContainers", []):
            context = container["securityContext"]
            has_token = any(m["name"] == "token" for m in container.get("volumeMounts", []))
            equal((container["name"], context["runAsUser"], "add" in context["capabilities"]),
                  ("label", 65532, False) if has_token else (container["name"], 0, True), "the container")
            assert has_token or container["name"] != "label"
            equal((context.get("privileged"), context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"],
                   context["capabilities"]["drop"], context["seccompProfile"]["type"]),
                  (None, False, True, ["ALL"], "RuntimeDefault"), "the container")


@suite.test("the options of the chart are options of the programs")
def _():
    text = "".join(subprocess.run([program(words[0]), *words[1:], "--help"], capture_output=True, text=True, check=True).stdout
                   for words in (["wherry", "node"], ["wherry-label"]))
    options = re.findall(r"- \"?(--[a-z-]+)", template(CASES["everything"]).stdout)
    equal([o for o in options if f"{o} " not in text], [], "unknown options")


@suite.test("the image holds the programs alone, and comes out the same twice")
def _():
    for name in ("wherry", "wherryc", "containerd-shim-wherry-v1", "wherry-label"):
        program(name)
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        for name in ("one.tar", "two.tar"):
            subprocess.run([SOURCE / "deploy" / "image" / "build.py", BUILD / "bin", place / name], check=True, stdout=subprocess.DEVNULL)
        assert (place / "one.tar").read_bytes() == (place / "two.tar").read_bytes(), "two builds differ"
        with tarfile.open(place / "one.tar") as archive:
            manifest = json.load(archive.extractfile("manifest.json"))[0]
            config = json.load(archive.extractfile(manifest["Config"]))
            equal(config["config"]["Entrypoint"], ["/wherry", "node"], "entrypoint")
            with tarfile.open(fileobj=archive.extractfile(manifest["Layers"][0])) as layer:
                names = layer.getnames()
        equal([n for n in names if n not in ("wherry-oci", "wherryc-opt", "toolbox.wasm")],
              ["containerd-shim-wherry-v1", "wherry", "wherry-label", "wherryc"], "files")
        if not shutil.which("skopeo"):
            raise Skip("no skopeo to read it with")
        subprocess.run(["skopeo", "inspect", f"oci-archive:{place / 'one.tar'}"], check=True, stdout=subprocess.DEVNULL)


@suite.test("on a cluster the chart installs, keeps pods from a node where it fails, serves the example, and leaves nothing")
def _():
    if not all(map(tools.is_built, ("helm", "etcd", "kubernetes", "cni", "cri", "containerd-2.4"))):
        raise Skip("helm or Kubernetes is not in the cache of built tools (tests/lib/tools.py)")
    import on_cluster
    on_cluster.the_chart_installs_serves_and_leaves_nothing()


if sys.argv[1:] == ["--update"]:
    for _name, _values in CASES.items():
        (HERE / "cases" / f"{_name}.yaml").write_text(template(_values).stdout)
else:
    suite.main()
