"""The geometry report at 100,000 pairs and at a million items, beside the obvious computations.

Each measurement runs in a process of its own, so that its peak of memory is its own. Seconds of a
diagnostic hold what it was the first to ask for; the others share that. SEXTANT_BENCH_ITEMS names
other sizes, such as "200000".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.bench.geometry.made import D

SIZES = "200000,1000000"  # items: half are images, each with a text
VITAL = {1_000_000: 30.0}  # seconds allowed, by number of items
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
        rows += [_part(n, part) for part in whole["parts"]]
    return rows + list(_child("alternatives"))


def _child(module: str, *arguments: str) -> Any:
    """What a module of this folder prints as JSON in a process of its own."""
    command = [sys.executable, "-m", f"{__name__}.{module}", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def row(name: str, n: int, value: float, unit: str, note: str, **more: Any) -> dict[str, Any]:
    """One row; baseline, ratio and recall where there are any."""
    empty = {"baseline": None, "ratio": None, "recall": None}
    value = float(f"{value:.4g}")
    return {"name": name, "n": n, "d": D, "value": value, "unit": unit, **empty, **more} | {
        "note": note
    }


def _seconds(name: str, n: int, found: dict[str, Any], allowed: float | None) -> dict[str, Any]:
    more = {"baseline": allowed, "ratio": round(found["seconds"] / allowed, 3)} if allowed else {}
    note = f"{found['cpu']:.1f} s of processor time" + ("; baseline: what is allowed" * bool(more))
    return row(name, n, found["seconds"], "s", note, **more)


def _memory(n: int, found: dict[str, Any]) -> dict[str, Any]:
    ratio = round(found["peak"] / found["matrix"], 3)
    note = f"baseline: the matrix, which is part of it; {MEMORY} times are allowed"
    baseline = round(found["matrix"], 3)
    return row("peak memory", n, found["peak"], "GB", note, baseline=baseline, ratio=ratio)


def _part(n: int, part: dict[str, Any]) -> dict[str, Any]:
    return row(part["name"], n, part["seconds"], "s", f"{part['cpu']:.1f} s of processor time")
