# SPDX-License-Identifier: Apache-2.0
"""Runs the parts of `make test`: unit tests, checks and suites. Each yields Results."""
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import tempfile

from results import FAIL, PASS, SKIP, Result, last_lines

UNIT_TIMEOUT = 600
CHECK_TIMEOUT = 120
SUITE_TIMEOUT = 600


def run_bounded(command, timeout, **options):
    """Runs a command in an own process group, ended as a whole when the time is up.

    Returns (exit code or None, output). Output goes to a file: a child left behind can not hold us.
    """
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                 start_new_session=True, **options)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
            _end_group(child)
        except BaseException:
            _end_group(child)
            raise
        output.seek(0)
        return code, output.read().decode(errors="replace")


def _end_group(child):
    """Asks first, so that a suite can clean up."""
    for number, grace in ((signal.SIGTERM, 15), (signal.SIGKILL, None)):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            pass
        try:
            child.wait(grace)
            return
        except subprocess.TimeoutExpired:
            continue


def _ending(code, timeout):
    if code is None:
        return f"ran longer than {timeout} s"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


# --- unit tests

def unit_tests(tree, environment, without=(), only=None):
    """Every CTest test of a build tree, two at a time; a GoogleTest case is one result.

    only: {name: GoogleTest's filter}, nothing but these.
    """
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=tree, capture_output=True, text=True, check=True)
    tests = [t for t in json.loads(listing.stdout)["tests"]
             if t["name"] not in without and (only is None or t["name"] in only) and os.path.isfile(t.get("command", [""])[0])]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        filtered = lambda t: {**environment, "GTEST_FILTER": only[t["name"]]} if only else environment
        for results in pool.map(lambda t: _unit_test(t, filtered(t)), tests):
            yield from results


def _unit_test(test, environment):
    properties = {p["name"]: p["value"] for p in test.get("properties", [])}
    extra = dict(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
    code, output = run_bounded(test["command"], UNIT_TIMEOUT, cwd=properties.get("WORKING_DIRECTORY"),
                               env={**environment, **extra, "GTEST_COLOR": "no"})
    results = gtest_results(output)
    if not any(r.state == FAIL for r in results) and code != 0:
        results.append(Result(FAIL, test["name"], _ending(code, UNIT_TIMEOUT), last_lines(output)))
    elif not results:
        results.append(Result(PASS, test["name"]))
    return [Result(r.state, f"{test['name']}/{r.name}" if r.name != test["name"] else r.name, r.reason, r.detail)
            for r in results]


def gtest_results(output):
    """The cases in a GoogleTest program's output; text between start and end of a case is its detail."""
    results, text = [], []
    for line in output.splitlines():
        ended = re.match(r"\[ +(OK|FAILED|SKIPPED) +\] (\S+?),? .*\(\d+ ms\)$", line)
        if line.startswith("[ RUN      ]"):
            text = []
        elif not ended:
            text.append(line)
        elif ended[1] == "OK":
            results.append(Result(PASS, ended[2]))
        elif ended[1] == "SKIPPED":
            said = [t for t in text if t.strip() and not re.search(r": Skipped$", t)]
            results.append(Result(SKIP, ended[2], said[-1].strip() if said else "no reason given"))
        else:
            results.append(Result(FAIL, ended[2], "see below", "\n".join(text)))
    return results


# --- checks

def checks(source):
    """Every tools/check_*.py: passes if it exits with 0."""
    for script in sorted((source / "tools").glob("check_*.py")):
        code, output = run_bounded([script], CHECK_TIMEOUT, cwd=source)
        if code == 0:
            yield Result(PASS, script.stem)
        else:
            yield Result(FAIL, script.stem, _ending(code, CHECK_TIMEOUT), last_lines(output))


# --- suites

def suites(source):
    """{name: executable} of tests/NAME/run.py, tests/NAME/run and fuzz/run.py."""
    found = {}
    for folder in sorted([*(source / "tests").iterdir(), source / "fuzz"]):
        for file in (folder / "run.py", folder / "run"):
            if os.access(file, os.X_OK) and file.is_file():
                found[folder.name] = file
    return found


def suite_timeout(file):
    head = "\n".join(file.read_text(errors="replace").splitlines()[:20])
    said = re.search(r"timeout: (\d+)", head)
    return int(said[1]) if said else SUITE_TIMEOUT


def suite(file, source, environment):
    timeout = suite_timeout(file)
    code, output = run_bounded([file], timeout, cwd=source, env=environment)
    results = suite_results(output)
    failed = any(r.state == FAIL for r in results)
    if code is None or (code != 0 and not failed):
        results.append(Result(FAIL, "the suite itself", _ending(code, timeout), last_lines(output)))
    elif not results:
        results.append(Result(FAIL, "the suite itself", "printed no result", last_lines(output)))
    return results


def suite_results(output):
    results = []
    in_failure = False
    for line in output.splitlines():
        said = re.match(r"(PASS|FAIL|SKIP) ([^\n]+)$", line)
        if said:
            state, rest = said.groups()
            name, _, reason = (rest, "", "") if state == PASS else rest.partition(": ")
            results.append(Result(state, name, reason or ("" if state == PASS else "no reason given")))
            in_failure = state == FAIL
        elif in_failure and line.startswith("  "):
            results[-1].detail += line[2:] + "\n"
    return results
