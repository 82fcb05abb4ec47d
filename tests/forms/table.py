# SPDX-License-Identifier: Apache-2.0
"""The table of image forms: what each is, how it is made, and what becomes of it on each version of containerd."""
from typing import Callable, NamedTuple

from forms import COMPONENT, CONTENT, EMPTY, HELLO, PROBE, RUNWASI, WASM, Forms, padded, saying

VERSIONS = ("1.6", "1.7", "2.4")
APP = ("/app.wasm",)

# What stands in the table: (step, text of the error or the output). "hello" is in its place what the form says.
RUNS = "runs"
REASONS = {
    "not for this platform": ("pull", "no match for platform in manifest"),
    "does not unpack": ("pull", "mismatched image rootfs and manifest layers"),
    "unknown layer": ("pull", "no processor for media-type"),
    "no snapshot": ("create", "parent snapshot"),
    "no command": ("create", "no command specified"),
    "a component": ("start", "a WebAssembly component: only core modules run here yet"),
    "ambiguous": ("start", "2 Wasm layers, and none has the title `app.wasm`"),
    "foreign config": ("ctr", "unknown image config media type"),
}


class Form(NamedTuple):
    name: str  # of the image
    text: str
    make: Callable  # (Forms, directory): descriptor
    pods: tuple  # in a pod, for each of VERSIONS
    ctr: tuple  # by `ctr run`, where the image was pulled; elsewhere ""
    command: tuple = ()
    says: str = "hello"


def _only(f, os):
    return f.index(f.platform(f.files(os, "wasm"), os, "wasm"))


def _two_machines(f, amd64, arm64):
    return f.index(f.platform(arm64, "linux", "arm64"), f.platform(amd64, "linux", "amd64"))


def _beside_files(f):
    layer, diff = f.store.layer({"etc/motd": b"of the image\n"})
    return f.manifest(f.image_config("linux", "amd64", [diff]), layer, f.module(HELLO))


EVERYWHERE = (RUNS, RUNS, RUNS)
NOT_1_6 = ("does not unpack", RUNS, RUNS)
NEVER = ("not for this platform",) * 3
NO_CTR = ("", "foreign config", "foreign config")
NO_IMAGE = ("", "", "")

FORMS = (
    Form("plain", "linux/amd64, the module in a tar layer", lambda f, d: f.files(), EVERYWHERE, EVERYWHERE),
    Form("packed", "`wherry pack`: index of linux/amd64, linux/arm64 and wasip1/wasm", lambda f, d: f.packed(d), EVERYWHERE, EVERYWHERE),
    Form("machines", "index of linux/arm64 and linux/amd64 with different modules",
         lambda f, d: _two_machines(f, f.files(word="amd64"), f.files(architecture="arm64", word="arm64")), EVERYWHERE, EVERYWHERE, says="amd64"),
    Form("bare", "bare manifest of wasip1/wasm, the module in a tar layer", lambda f, d: f.files("wasip1", "wasm"), EVERYWHERE, EVERYWHERE),
    Form("only-wasi", "index of wasi/wasm only", lambda f, d: _only(f, "wasi"), NEVER, NO_IMAGE),
    Form("only-wasip1", "index of wasip1/wasm only", lambda f, d: _only(f, "wasip1"), NEVER, NO_IMAGE),
    Form("artifact", "CNCF artifact, `command:` in the pod", lambda f, d: f.artifact(), NOT_1_6, NO_CTR, APP),
    Form("silent", "CNCF artifact, no command anywhere", lambda f, d: f.artifact(f.module(saying("quiet"))), ("does not unpack", "no command", "no command"), NO_CTR),
    Form("entrypoint", "CNCF artifact with Entrypoint in its config", lambda f, d: f.artifact(entrypoint=APP), NOT_1_6, NO_CTR),
    Form("pushed", "`wherry push --artifact`", lambda f, d: f.pushed(d), NOT_1_6, NO_CTR),
    Form("two-artifacts", "index of linux/arm64 and linux/amd64, each a CNCF artifact",
         lambda f, d: _two_machines(f, f.artifact(f.module(saying("amd64"))), f.artifact(f.module(saying("arm64")))), NOT_1_6, NO_CTR, APP, says="amd64"),
    Form("titles", "CNCF artifact of two modules, `command:` is the title of one",
         lambda f, d: f.artifact(f.module(saying("first"), title="first.wasm"), f.module(saying("other"), title="other.wasm")), NOT_1_6, NO_CTR,
         ("/bin/other.wasm",), says="other"),
    Form("untitled", "CNCF artifact of two modules without titles", lambda f, d: f.artifact(f.module(saying("first")), f.module(saying("other"))),
         ("does not unpack", "ambiguous", "ambiguous"), NO_CTR, APP),
    Form("component", "CNCF artifact of a component", lambda f, d: f.artifact(f.module(COMPONENT)), ("does not unpack", "a component", "a component"), NO_CTR, APP),
    Form("empty-config", "`oras push`: empty config, layer application/wasm", lambda f, d: f.manifest(f.store.blob(b"{}", EMPTY), f.module(HELLO)),
         NOT_1_6, NO_CTR, APP),
    Form("runwasi", "runwasi's layer, wasip1/wasm, no diff_ids", lambda f, d: f.layered(RUNWASI), NOT_1_6, ("", RUNS, RUNS)),
    Form("runwasi-diff", "runwasi's layer with a diff_id", lambda f, d: f.layered(RUNWASI, ["sha256:" + "0" * 64]),
         ("unknown layer", "does not unpack", "no snapshot"), NO_IMAGE),
    Form("layer", "image config, layer application/wasm, no diff_ids", lambda f, d: f.layered(WASM, os="linux", architecture="amd64"), NOT_1_6, ("", RUNS, RUNS)),
    Form("content", "wasm-to-oci's layer, no diff_ids", lambda f, d: f.layered(CONTENT), NOT_1_6, ("", RUNS, RUNS)),
    Form("beside-files", "linux/amd64, a tar layer and the module as a second layer", lambda f, d: _beside_files(f), EVERYWHERE, EVERYWHERE),
)


def fill(store, directory):
    """Every form, and what the other tests need."""
    forms = Forms(store)
    store.name("large:1", forms.artifact(forms.module(padded(saying("large"), 100_000)), entrypoint=APP)["digest"])
    store.name("probe:1", forms.artifact(forms.module(PROBE))["digest"])
    store.name("changed:1", forms.artifact(forms.module(saying("about")), entrypoint=APP)["digest"])
    for form in FORMS:
        store.name(f"{form.name}:1", form.make(forms, directory)["digest"])


def image(form):
    return f"wherry.test/{form.name}:1"


def verdict(outcome, says):
    """The table's word for an outcome; an outcome that has none is its text."""
    if outcome.step == "run" and outcome.text.split() == [says]:
        return RUNS
    return next((word for word, (step, text) in REASONS.items() if outcome.step == step and text in outcome.text), f"{outcome.step}: {outcome.text}")


def markdown():
    """The document's table."""
    lines = ["| form |" + "".join(f" pod on {v} |" for v in VERSIONS) + "".join(f" `ctr run` on {v} |" for v in VERSIONS),
             "|" + " --- |" * (1 + 2 * len(VERSIONS))]
    lines += ["| " + " | ".join([form.text, *form.pods, *(word or "-" for word in form.ctr)]) + " |" for form in FORMS]
    return "\n".join(lines) + "\n"
