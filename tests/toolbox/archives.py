# SPDX-License-Identifier: Apache-2.0
"""tar against Python's, both ways, and archives that mean harm."""
import io
import os
import pathlib
import tarfile

from suite import equal

TIME = 1600000000
LONG = "/".join(["a" * 60] * 3) + "/" + "b" * 120


def make_tree(root):
    for name, text, mode in (("plain", "text\n", 0o644), ("program", "run\n", 0o755), ("secret", "s", 0o600), ("sub/empty", "", 0o644), (LONG, "long\n", 0o640), ("big", "x" * 70000, 0o644)):
        path = root / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.utime(path, (TIME, TIME))
    (root / "tree" / "link").symlink_to("sub/empty")
    (root / "tree" / "far").symlink_to("c" * 150)


def described(archive):
    members = {}
    for member in archive:
        data = archive.extractfile(member).read() if member.isreg() else b""
        members[member.name] = (member.type, member.linkname, oct(member.mode) if not member.issym() else "", data, member.mtime if member.isreg() else 0)
    return members


def archive_of(*members, **options):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", **options) as archive:
        for name, kind, more in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            content = b""
            if kind == tarfile.REGTYPE:
                content = more.encode()
                info.size = len(content)
            else:
                info.linkname = more
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def add_tests(suite, toolbox, directory):
    @suite.test("what tar packs Python reads: names, permissions, times, links")
    def _():
        with directory() as root:
            make_tree(root)
            done = toolbox(root, ["tar", "cf", "-", "tree"])
            equal((done.returncode, done.stderr), (0, b""), "exit code and messages")
            expected = io.BytesIO()
            with tarfile.open(fileobj=expected, mode="w") as archive:
                archive.add(root / "tree", "tree")
            expected.seek(0)
            seen = described(tarfile.open(fileobj=io.BytesIO(done.stdout)))
            equal(seen, described(tarfile.open(fileobj=expected)), "members")
            equal(len(done.stdout) % 10240, 0, "rest of the last record")

    for kind, number in (("ustar", tarfile.USTAR_FORMAT), ("GNU", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        @suite.test(f"tar unpacks what Python packs as {kind}")
        def _(number=number):
            with directory() as root, directory() as other:
                make_tree(other)
                if number == tarfile.USTAR_FORMAT:  # which has no room for it
                    (other / "tree" / "far").unlink()
                    (other / "tree" / LONG).unlink()
                data = io.BytesIO()
                with tarfile.open(fileobj=data, mode="w", format=number) as archive:
                    archive.add(other / "tree", "tree")
                done = toolbox(root, ["tar", "-xf", "-"], input=data.getvalue())
                equal((done.returncode, done.stderr), (0, b""), "exit code and messages")
                for path in sorted((other / "tree").rglob("*")):
                    twin = root / path.relative_to(other)
                    if path.is_symlink():
                        equal(os.readlink(twin), os.readlink(path), path.name)
                        continue
                    equal(oct(twin.stat().st_mode), oct(path.stat().st_mode), f"mode of {path.name}")
                    if path.is_file():
                        equal((twin.read_bytes(), int(twin.stat().st_mtime)), (path.read_bytes(), TIME), path.name)

    @suite.test("kubectl cp's command lines: -xmf - -C, and with --no-same-permissions --no-same-owner")
    def _():
        for options in (["-xmf"], ["--no-same-permissions", "--no-same-owner", "-xmf"]):
            with directory() as root:
                data = archive_of(("file", tarfile.REGTYPE, "copied"), ("d/file", tarfile.REGTYPE, "too"))
                equal(toolbox(root, ["tar", *options, "-", "-C", "/d/e"], input=data).returncode, 0, "exit code")
                equal([(root / "d/e" / name).read_text() for name in ("file", "d/file")], ["copied", "too"], "files")
                assert (root / "d/e/file").stat().st_mtime > TIME, "its time is the archive's"

    @suite.test("an archive's names stay below where it is unpacked; a file replaces a link and does not follow it")
    def _():
        with directory() as root:
            (root / "d" / "trap").symlink_to("../a")
            data = archive_of(("../../up", tarfile.REGTYPE, "1"), ("/absolute", tarfile.REGTYPE, "2"), ("x/../../y", tarfile.REGTYPE, "3"), ("trap", tarfile.REGTYPE, "4"), ("..", tarfile.DIRTYPE, ""))
            toolbox(root, ["tar", "xf", "-", "-C", "/d"], input=data)
            equal({name: (root / "d" / name).read_text() for name in ("up", "absolute", "y", "trap")}, {"up": "1", "absolute": "2", "y": "3", "trap": "4"}, "files")
            equal((root / "a").read_text(), "one\ntwo\nthree\n", "the file that the link led to")
            equal(sorted(p.name for p in pathlib.Path(root).iterdir() if p.name in ("up", "absolute", "y")), [], "files above")

    @suite.test("archives that are cut or changed anywhere end with a message, or are what they were")
    def _():
        whole = archive_of(("n" * 120, tarfile.REGTYPE, "x" * 600), ("link", tarfile.SYMTYPE, "t" * 120), format=tarfile.GNU_FORMAT)
        pax = archive_of(("n" * 120, tarfile.REGTYPE, "x" * 600), format=tarfile.PAX_FORMAT)
        with directory() as root:
            for data in (whole, pax):
                for cut in range(1, 3000, 211):
                    done = toolbox(root, ["tar", "tf", "-"], input=data[:cut])
                    assert done.returncode in (0, 1) and (done.returncode == 0 or done.stderr), (cut, done)
                for at in (0, 100, 124, 135, 148, 156, 512, 600, 1024 + 124):
                    broken = bytearray(data)
                    broken[at] ^= 0x83
                    done = toolbox(root, ["tar", "tf", "-"], input=bytes(broken))
                    assert done.returncode in (0, 1) and (done.returncode == 0 or done.stderr), (at, done)
