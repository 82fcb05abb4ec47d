# SPDX-License-Identifier: Apache-2.0
"""What nodes of each distribution have on disk, as small trees, and what `wherry node` makes of them."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from suite import BUILD, Skip, equal, program

TIMEOUT = 60
V2 = '''# kubeadm's
version = 2   # two

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"  # the usual
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true
'''
V3 = '''version = 3
{imports}
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
'''
V4 = V3.replace("version = 3", "version = 4") + '''[plugins.'io.containerd.server.v1.grpc']
  address = '/run/elsewhere.sock'
'''
K3S = "var/lib/rancher/k3s/agent/etc/containerd/"
RKE2 = "var/lib/rancher/rke2/agent/etc/containerd/"
MICROK8S = "var/snap/microk8s/current/args/containerd-template.toml"
TEMPLATE_START = '{{ template "base" . }}\n'

# name: (files before, the file that is edited, its first line afterwards, version of the handler's table)
NODES = {
    "plain, version 2": ({"etc/containerd/config.toml": V2}, "etc/containerd/config.toml", "# kubeadm's\n", 2),
    "plain, version 2 with imports, which 1.x would not merge":
        ({"etc/containerd/config.toml": 'imports = ["/etc/containerd/conf.d/*.toml"]\n' + V2},
         "etc/containerd/config.toml", 'imports = ["/etc/containerd/conf.d/*.toml"]\n', 2),
    "plain, version 3": ({"etc/containerd/config.toml": V3.format(imports="")}, "etc/containerd/config.toml", "version = 3\n", 3),
    "plain, version 3 with imports":
        ({"etc/containerd/config.toml": V3.format(imports='imports = ["conf.d/*.toml"]')},
         "etc/containerd/conf.d/wherry.toml", "version = 3\n", 3),
    "plain, version 4 with imports":
        ({"etc/containerd/config.toml": V4.format(imports='imports = ["/etc/containerd/conf.d/*.toml"]')},
         "etc/containerd/conf.d/wherry.toml", "version = 4\n", 4),
    "plain, without a configuration": ({"etc/hostname": "node\n"}, "etc/containerd/config.toml", "version = 2\n", 2),
    "plain, without a line feed at the end": ({"etc/containerd/config.toml": "version = 2"}, "etc/containerd/config.toml", "version = 2\n", 2),
    "k3s of containerd 1.7": ({K3S + "config.toml": V2}, K3S + "config.toml.tmpl", TEMPLATE_START, 2),
    "k3s of containerd 2": ({K3S + "config.toml": V3.format(imports="")}, K3S + "config-v3.toml.tmpl", TEMPLATE_START, 3),
    "k3s with a template of somebody's":
        ({K3S + "config.toml": V2, K3S + "config.toml.tmpl": "# mine\n{{ template \"base\" . }}\n"}, K3S + "config.toml.tmpl", "# mine\n", 2),
    "k3s with imports":
        ({K3S + "config.toml": V3.format(imports=f'imports = ["/{K3S}config-v3.toml.d/*.toml"]')},
         K3S + "config-v3.toml.d/wherry.toml", "version = 3\n", 3),
    "rke2": ({RKE2 + "config.toml": V2}, RKE2 + "config.toml.tmpl", TEMPLATE_START, 2),
    "microk8s":
        ({MICROK8S: 'version = 2\nroot = "${SNAP_COMMON}/containerd"\n[grpc]\n  address = "${SNAP_COMMON}/run/c.sock"\n'}, MICROK8S, "version = 2\n", 2),
    "k0s": ({"etc/k0s/containerd.toml": "# k0s_managed=true\nversion = 2\n"}, "etc/k0s/containerd.d/wherry.toml", "version = 2\n", 2),
}
PLUGINS = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime", 4: "io.containerd.cri.v1.runtime"}


class Tree:
    """A machine's file system without programs: wherry makes it its own by chroot."""

    def __init__(self, files):
        self.place = tempfile.TemporaryDirectory(prefix="wherry-node-")
        self.root = pathlib.Path(self.place.name)
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.place.cleanup()

    def node(self, action, *arguments, check=0):
        done = subprocess.run([program("wherry"), "node", action, "--host-root", self.root, "--no-restart", "--no-check", *arguments],
                              capture_output=True, text=True, timeout=TIMEOUT)
        equal(done.returncode, check, f"exit code ({done.stdout}{done.stderr})")
        return done

    def files(self):
        return {str(p.relative_to(self.root)): hashlib.sha256(p.read_bytes()).hexdigest()
                for p in self.root.rglob("*") if p.is_file()}

    def configuration(self):
        return {name: digest for name, digest in self.files().items() if not name.startswith(("opt/", "var/lib/wherry/"))}


def need_programs():
    for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
        program(name)
    if os.geteuid() != 0:
        raise Skip("needs root")


def one_node(files, edited, first_line, version):
    need_programs()
    with Tree(files) as tree:
        before = tree.files()
        dry = tree.node("install", "--dry-run").stdout
        equal(tree.files(), before, "files after a dry run")
        assert f"+++ /{edited}" in dry and "+  runtime_type" in dry, dry
        tree.node("install")
        text = (tree.root / edited).read_text()
        assert text.startswith(first_line), text
        assert f'[plugins."{PLUGINS[version]}".containerd.runtimes.wherry]' in text, text
        equal("SystemdCgroup" in text.split("# wherry: begin")[1], any("SystemdCgroup = true" in f for f in files.values()),
              "the handler has runc's SystemdCgroup")
        assert 'runtime_path = "/opt/wherry/bin/containerd-shim-wherry-v1"' in text, text
        equal(sorted(p.name for p in (tree.root / "opt/wherry/bin").iterdir() if p.name[0] in "cw"),
              sorted(n.name for n in (BUILD / "bin").iterdir()
                     if n.name in ("wherry", "wherryc", "wherryc-opt", "wherry-oci", "wherry-registry", "containerd-shim-wherry-v1")), "binaries")
        once = tree.files()
        tree.node("install")
        equal(tree.files(), once, "files after a second installation")
        tree.node("uninstall")
        equal(tree.files(), before, "files after the uninstallation")
        assert not (tree.root / "opt/wherry").exists(), "the directory of binaries is left"


def others_edit_too():
    need_programs()
    with Tree({"etc/containerd/config.toml": V2}) as tree:
        config = tree.root / "etc/containerd/config.toml"
        tree.node("install")
        config.write_text("# new head\n" + config.read_text() + "[debug]\n  level = 'info'\n")
        status = tree.node("status", check=1).stdout
        assert "or not as it should be" in status, status  # the block is not at the end any more
        tree.node("install")
        tree.node("uninstall")
        equal(config.read_text(), "# new head\n" + V2 + "[debug]\n  level = 'info'\n", "the file")


def others_make_the_handler():
    need_programs()
    mine = V2 + '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wherry]\n  runtime_type = "io.containerd.wherry.v1"\n'
    with Tree({"etc/containerd/config.toml": mine}) as tree:
        tree.node("install")
        equal((tree.root / "etc/containerd/config.toml").read_text(), mine, "the file")
        tree.node("uninstall")
        equal((tree.root / "etc/containerd/config.toml").read_text(), mine, "the file")
    with Tree({"etc/containerd/config.toml": mine.replace("wherry.v1", "spin.v2")}) as tree:
        done = tree.node("install", check=1)
        assert "has a handler `wherry` of another runtime" in done.stderr, done.stderr
        tree.node("install", "--handler", "wasm")


def refused_configurations():
    need_programs()
    cases = {
        'disabled_plugins = ["cri"]\n': "is of version 1",
        "version = 2\n[plugins\n": "line 2: ",
        "version = 2\nplugins = {}\n": "inline table",
        "version = 2\nplugins = 2\n": "no table",
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\nruntimes = {}\n': "inline table",
        'version = 2\n[[plugins."io.containerd.grpc.v1.cri".containerd.runtimes]]\n': "is there already, or was not added",
        'version = "2"\n': "has another `version` than 1 to 4",
        "version = -2\n": "has another `version` than 1 to 4",
        "version = 5\n": "has another `version` than 1 to 4",
        "version = 4294967298\n": "has another `version` than 1 to 4",
        "version = 2\n\0\n": "line 2: ",
        b"version = 2\na = \xff\n": "line 2: ",
        "version = 2\n# wherry: end\n": "are not in pairs any more",
        "version = 2\n" + ".".join("a" * 300000) + " = 1\n": "line 2: a key of too many parts",
        "version = 2\na = " + "[" * 300000 + "\n": "line 2: ",
        "version = 2\na = " + "{a=" * 300000 + "\n": "line 2: ",
        "version = 2\n" + "#" * (4 << 20): "the limit is 4194304",
    }
    for content, message in cases.items():
        with Tree({"etc/containerd/config.toml": content}) as tree:
            before = tree.configuration()
            done = tree.node("install", check=1)
            assert done.stderr.startswith("error: ") and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
            equal(tree.configuration(), before, "configuration")


def kept_as_they_are():
    """Files that are unusual, and right: each byte of them is there afterwards, and they have their owner and mode."""
    need_programs()
    texts = {
        "other ends of lines": V2.replace("\n", "\r\n"),
        "a byte order mark": "\ufeff" + V2,
        "no line feed at the end, but a comment": V2 + "# the end",
        "other letters": V2 + '[debug]\n  level = "größer"  # übrigens: 日本\n',
        "bytes in a comment": V2.encode() + b"# \xff\xfe\n",
        "trailing empty lines": V2 + "\n\n \n",
        "100000 tables": V2 + "".join(f"[t{n}]\n" for n in range(100000)),
        "our words in a comment": V2 + "# ## wherry: begin\n#wherry: end\n",
    }
    for what, text in texts.items():
        with Tree({"etc/containerd/config.toml": text}) as tree:
            config = tree.root / "etc/containerd/config.toml"
            config.chmod(0o440)
            os.chown(config, 12, 34)
            before = config.read_bytes()
            for action in ("install", "install", "uninstall"):
                tree.node(action)
                status = config.stat()
                equal((status.st_mode & 0o7777, status.st_uid, status.st_gid), (0o440, 12, 34), f"mode and owner of one with {what}")
                assert action == "uninstall" or config.read_bytes().startswith(before), f"more than the end of one with {what} was changed"
            equal(config.read_bytes(), before, f"one with {what}")


def an_editor_that_changes_all_ends_of_lines():
    need_programs()
    with Tree({"etc/containerd/config.toml": V2}) as tree:
        config = tree.root / "etc/containerd/config.toml"
        tree.node("install")
        config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))
        tree.node("uninstall")
        equal(config.read_bytes(), V2.replace("\n", "\r\n").encode(), "the file")


def a_link_into_nothing():
    need_programs()
    with Tree({"etc/hostname": "node\n"}) as tree:
        link = tree.root / "etc/containerd/config.toml"
        link.parent.mkdir()
        link.symlink_to("/data/config.toml")
        done = tree.node("install", check=1)
        equal(done.stderr, "error: /etc/containerd/config.toml: a link to a file that is not there\n", "error")
        tree.node("uninstall")
        equal(os.readlink(link), "/data/config.toml", "the link")


def links_stay_on_the_machine():
    need_programs()
    with Tree({"data/config.toml": V2}) as tree:
        (tree.root / "etc/containerd").mkdir(parents=True)
        link = tree.root / "etc/containerd/config.toml"
        link.symlink_to("/data/config.toml")  # absolute: of the machine, not of the container that looks at it
        tree.node("install")
        assert link.is_symlink(), "the link was replaced"
        assert "# wherry: begin" in (tree.root / "data/config.toml").read_text()
        tree.node("uninstall")
        equal((tree.root / "data/config.toml").read_text(), V2, "the file")


def directories_others_can_write():
    need_programs()
    with Tree({"etc/containerd/config.toml": V2}) as tree:
        (tree.root / "shared").mkdir()
        (tree.root / "shared").chmod(0o777)
        for option in ("--bin-dir", "--state"):
            done = tree.node("install", option, "/shared/x", check=1)
            assert "others than root could put a program there" in done.stderr, done.stderr
        assert not (tree.root / "shared/x").exists()


def wrong_words():
    need_programs()
    with Tree({}) as tree:
        for arguments, message in ((["--handler", "A]"], "is no handler of a RuntimeClass"),
                                   (["--distribution", "k9s"], "`k9s` is none of k3s, rke2, microk8s, k0s, plain"),
                                   (["--config", "etc/x"], "not an absolute path")):
            done = tree.node("install", *arguments, check=1)
            assert message in done.stderr, done.stderr


def status_says_what_and_cure():
    need_programs()
    with Tree({"etc/containerd/config.toml": V2}) as tree:
        findings = json.loads(tree.node("status", "--json", check=1).stdout)["findings"]
        equal([f["what"] for f in findings if f["state"] == "problem"][0], "it is not installed", "first problem")
        assert all("cure" in f for f in findings if f["state"] != "ok"), findings
        tree.node("install")
        (tree.root / "opt/wherry/bin/wherryc").write_text("another")
        text = tree.node("status", check=1).stdout
        assert "missing or not those of this version: wherryc" in text, text
        assert "an installation was broken off, or not to restart it" in text, text


def a_container_joins_the_mounts_of_process_1():
    """As the DaemonSet does it: only /proc/1/root leads to the machine, here one of our own namespaces."""
    need_programs()
    with tempfile.TemporaryDirectory(prefix="wherry-node-", dir="/run") as place, tempfile.TemporaryDirectory() as image:
        os.chmod(place, 0o755)
        machine, container = pathlib.Path(place), pathlib.Path(image)
        (machine / "config.toml").write_text(V2)
        (container / "proc").mkdir()
        for name in ("wherry", "wherryc", "containerd-shim-wherry-v1"):
            shutil.copy(BUILD / "bin" / name, container)
        common = f"--host-root=/proc/1/root --config={machine}/config.toml --bin-dir={machine}/b/bin --state={machine}/state --no-restart --no-check"
        inside = f"mount -t proc proc {container}/proc; exec chroot {container} /wherry node"
        script = f"unshare --mount sh -ec '{inside} install {common}' && cp {machine}/config.toml {machine}/edited && " \
                 f"unshare --mount sh -ec '{inside} uninstall {common}'"
        done = subprocess.run(["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script + "; exit $?"],
                              capture_output=True, text=True, timeout=TIMEOUT)
        equal(done.returncode, 0, f"exit code ({done.stdout}{done.stderr})")
        assert "# wherry: begin" in (machine / "edited").read_text()
        equal((machine / "config.toml").read_text(), V2, "the file")
        equal(sorted(p.name for p in container.iterdir()), ["containerd-shim-wherry-v1", "proc", "wherry", "wherryc"], "files of the container")


def add_tests(suite):
    for name, node in NODES.items():
        suite.test(f"{name}: installed, installed again, uninstalled without a trace")(lambda node=node: one_node(*node))
    for function in (others_edit_too, others_make_the_handler, refused_configurations, kept_as_they_are, an_editor_that_changes_all_ends_of_lines, a_link_into_nothing,
                     links_stay_on_the_machine,
                     directories_others_can_write, a_container_joins_the_mounts_of_process_1, wrong_words, status_says_what_and_cure):
        suite.test(function.__name__.replace("_", " "))(function)
