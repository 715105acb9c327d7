"""The geometry report at 100,000 pairs and at a million items, beside direct computations.

Each measurement runs in a process of its own, so that its peak memory is its own. Intermediate
results that diagnostics share count for the first that needs them. SEXTANT_BENCH_ITEMS sets other
sizes, such as "200000".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.bench.geometry.synthetic import D
from tests.bench.rows import figures, row

SIZES = "200000,1000000"  # items: half are images, each with a text
VITAL = {1_000_000: 30.0}  # limits in seconds, by number of items
REPORT = {200_000: 60.0, 1_000_000: 300.0}
MEMORY = 1.5  # of the matrix


def run() -> list[dict[str, Any]]:
    """Rows for the vital signs, the whole report, each diagnostic, and the alternatives."""
    sizes = [int(size) for size in os.environ.get("SEXTANT_BENCH_ITEMS", SIZES).split(",")]
    rows: list[dict[str, Any]] = []
    for n in sizes:
        vital, whole = (_child("measured", what, str(n)) for what in ("vital", "all"))
        rows.append(_seconds("vital signs", n, vital, VITAL.get(n)))
        rows.append(_seconds("whole report", n, whole, REPORT.get(n)))
        rows.append(_memory(n, whole))
        rows += [_seconds(part["name"], n, part, None) for part in whole["parts"]]
    return rows + list(_child("alternatives"))


def _child(module: str, *arguments: str) -> Any:
    """The JSON that a module of this folder prints, run in a process of its own."""
    command = [sys.executable, "-m", f"{__name__}.{module}", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _seconds(name: str, n: int, run: dict[str, Any], limit: float | None) -> dict[str, Any]:
    note = f"{run['cpu']:.1f} s of processor time" + ("; baseline: the limit" if limit else "")
    return row(name, n, D, figures(run["seconds"]), "s", note, baseline=limit)


def _memory(n: int, run: dict[str, Any]) -> dict[str, Any]:
    note = f"baseline: the matrix, which is included; the limit is {MEMORY} times its size"
    return row("peak memory", n, D, figures(run["peak"]), "GB", note, baseline=run["matrix"])
