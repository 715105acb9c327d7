"""One run of the report on a synthetic space, alone in its process: seconds and peak memory.

python -m tests.bench.geometry.measured vital|all ITEMS prints JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any

from core.measure.diagnostics import DIAGNOSTICS
from tests.bench.geometry.synthetic import synthetic


def measured(what: str, n: int) -> dict[str, Any]:
    """Seconds (on the clock, and of processor time) and the largest resident size in GB.

    The clock starts when the space exists. The first part is the digest of the space, the key under
    which results that diagnostics share are cached.
    """
    space = synthetic(n)
    started = perf_counter(), process_time()
    parts = [_timed("digest of the space", lambda: space.key)]
    parts += [
        _timed(plugin.name, partial(plugin, space))
        for plugin in DIAGNOSTICS.all().values()
        if what == "all" or plugin.traits["vital"]
    ]
    scale = 1e9 if sys.platform == "darwin" else 1e6  # bytes there, kilobytes elsewhere
    return {
        "parts": parts,
        "seconds": perf_counter() - started[0],
        "cpu": process_time() - started[1],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale,
        "matrix": space.vectors.nbytes / 1e9,
    }


def _timed(name: str, work: Callable[[], object]) -> dict[str, Any]:
    clock, processor = perf_counter(), process_time()
    work()
    return {"name": name, "seconds": perf_counter() - clock, "cpu": process_time() - processor}


if __name__ == "__main__":
    json.dump(measured(sys.argv[1], int(sys.argv[2])), sys.stdout)
