#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails if the documents name files that are not there, or their tables are not what the code says.

check_docs.py --update writes the tables anew.
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/*.md",
             "tests/*.md", "examples/*/README.md")
ROW = re.compile(r'^(?:FEATURE)\((\w+),\s*"([^"]*)",\s*(on|off),\s*(\w+),\s*"([^"]*)",\s*"([^"]*)"\)')
SETTING = re.compile(r'^SETTING\((\w+),\s*"([^"]*)",\s*(yes|no),\s*"([^"]*)",\s*"([^"]*)"\)')
APPLET = re.compile(r'^APPLET\("([^"]+)",\s*\w+,\s*\d,\s*"((?:[^"\\]|\\.)+)",\s*"((?:[^"\\]|\\.)+)"\)')
END = "<!-- end -->"


def feature_table():
    """The README's feature table, from src/wasm/feature.def."""
    rows = [ROW.match(line) for line in (SOURCE / "src/wasm/feature.def").read_text().splitlines()]
    lines = ["| feature | | |", "| --- | --- | --- |"]
    for row in filter(None, rows):
        _, flag, default, _, text, proposal = row.groups()
        state = "works" if default == "on" else "not yet"
        link = "" if proposal == "spec" else f"[proposal](https://github.com/WebAssembly/{proposal})"
        lines.append(f"| {text} | {state} | {link} |")
    return "\n".join(lines)


def setting_table():
    """The table of settings, from src/config/setting.def."""
    rows = [SETTING.match(line) for line in (SOURCE / "src/config/setting.def").read_text().splitlines()]
    lines = ["| key | ceiling | example | meaning |", "| --- | --- | --- | --- |"]
    for row in filter(None, rows):
        _, key, ceiling, example, text = row.groups()
        lines.append(f"| `{key}` | {ceiling} | `{example}` | {text} |")
    return "\n".join(lines)


def applet_table():
    """docs/toolbox.md's table of applets, from toolbox/applets.def."""
    rows = filter(None, map(APPLET.match, (SOURCE / "toolbox/applets.def").read_text().splitlines()))
    cells = ((name, usage.replace("|", "\\|"), summary.split("\\n")[0]) for name, usage, summary in (row.groups() for row in rows))
    return "\n".join(["| applet | arguments | |", "| --- | --- | --- |", *(f"| `{name}` | `{usage}` | {summary} |" for name, usage, summary in cells)])


TABLES = (("README.md", "features", feature_table), ("docs/configuration.md", "settings", setting_table), ("docs/toolbox.md", "applets", applet_table))


def tables(update):
    """Compares, or replaces, what stands between the marks."""
    for name, what, table in TABLES:
        document = SOURCE / name
        begin = f"<!-- {what}: written by tools/check_docs.py --update -->"
        text = document.read_text()
        if begin not in text:
            yield f"{name}: the mark of the {what} is missing"
            continue
        head, rest = text.split(begin, 1)
        fresh = f"{head}{begin}\n{table()}\n{END}{rest.split(END, 1)[1]}"
        if fresh != text and update:
            document.write_text(fresh)
        elif fresh != text:
            yield f"{name}: the table of {what} is not the code's; run tools/check_docs.py --update"


def missing_paths():
    """Every `path/like/this` of a document, and every relative link, must exist."""
    roots = "|".join(sorted(re.escape(p.name) for p in SOURCE.iterdir() if p.is_dir() and not p.name.startswith(("build", ".git"))))
    path = re.compile(rf"`((?:{roots})/[\w./*-]*)`|\]\((?!https?:|#)([\w./-]+)\)")
    for pattern in DOCUMENTS:
        for document in sorted(SOURCE.glob(pattern)):
            for number, line in enumerate(document.read_text().splitlines(), 1):
                for in_tree, relative in path.findall(line):
                    found = list(SOURCE.glob(in_tree.rstrip("/"))) if in_tree else (document.parent / relative).exists()
                    if not found and "NAME" not in in_tree:
                        yield f"{document.relative_to(SOURCE)}:{number}: no {in_tree or relative}"


def unknown_tests():
    """Each `Suite.name` in SECURITY.md is a GoogleTest case."""
    names = set()
    for file in SOURCE.glob("src/**/*_test.cc"):
        names.update(f"{suite}.{name}" for suite, name in re.findall(r"^TEST\w*\((\w+),\s*(\w+)\)", file.read_text(), re.M))
    for number, line in enumerate((SOURCE / "SECURITY.md").read_text().splitlines(), 1):
        for name in re.findall(r"`([A-Z]\w*\.[a-z]\w*)`", line):
            if name not in names:
                yield f"SECURITY.md:{number}: no test {name}"


def undescribed_folders():
    """Each folder of src/LAYERS has its line in ARCHITECTURE.md."""
    text = (SOURCE / "ARCHITECTURE.md").read_text()
    for line in (SOURCE / "src/LAYERS").read_text().splitlines():
        folder = line.split(":")[0]
        if line and not line.startswith("#") and f"`{folder}/`" not in text:
            yield f"ARCHITECTURE.md: no line for `{folder}/`"


if __name__ == "__main__":
    problems = [*tables("--update" in sys.argv[1:]), *missing_paths(), *unknown_tests(), *undescribed_folders()]
    if problems:
        print("\n".join(problems))
    sys.exit(bool(problems))
