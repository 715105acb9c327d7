"""Every test of hostile input and faults, the slow ones too, with what each file counts.

A case is one test, or one of those that a test counts itself: a kill, a random input, a bomb.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

from tests.bench.rows import row

TOP = Path(__file__).parents[2]


def run() -> list[dict[str, Any]]:
    """Failed tests of each file, by what it is about, and their cases in the note."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        pytest = [sys.executable, "-m", "pytest", "-m", "hardening"]
        command = [*pytest, "-o", "junit_family=xunit1", f"--junitxml={report}"]
        subprocess.run(command, cwd=TOP, stdout=sys.stderr, check=False)
        tests = ElementTree.parse(report).getroot().iter("testcase")
        cases, failed, skipped = Counter[str](), Counter[str](), Counter[str]()
        for test in tests:
            name = test.get("classname", "")
            counted = [p.get("value") for p in test.iter("property") if p.get("name") == "cases"]
            cases[name] += int(counted[0] or 1) if counted else 1
            failed[name] += bool([*test.iter("failure"), *test.iter("error")])
            skipped[name] += bool([*test.iter("skipped")])
    return [
        row(_about(name), n, 0, failed[name], "failed", f"{n:,} cases, {skipped[name]} skipped")
        for name, n in cases.items()
    ]


def _about(module: str) -> str:
    """The first line of a file of tests."""
    return str(import_module(module).__doc__).partition("\n")[0].rstrip(".")
