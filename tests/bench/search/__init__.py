"""Search compared: exact, in two steps, approximate (IVF), by LanceDB and by other libraries.

$SEXTANT_BENCH_ROWS chooses the sizes, such as "100000" or "100000,1000000"; graphs are built of at
most $SEXTANT_BENCH_GRAPHS rows (200,000: two cores take a quarter of an hour for a million). Peers
come with `pip install 'sextant-embeddings[bench]'`; one that is not installed says so.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.numerics.neighbors import top_k
from core.types.arrays import Floats
from core.types.space import Space
from tests.bench.search.clouds import cloud
from tests.bench.search.filtered import filtered
from tests.bench.search.real import end_to_end, real
from tests.bench.search.timing import measured, row
from tests.bench.search.ways import OURS, PEERS, K, flat, lance, peers, resident, table_of

SIZES = "100000,1000000"


def run() -> list[dict[str, Any]]:
    """Rows for the real data, where there is some, and for each size."""
    rows = real()
    for size in os.environ.get("SEXTANT_BENCH_ROWS", SIZES).split(","):
        with TemporaryDirectory() as folder:
            rows += _at(int(size), Path(folder))
    return rows


def _at(n: int, folder: Path) -> list[dict[str, Any]]:
    made = cloud(n)
    space = Space(made.images, tuple(map(str, range(n))), n)
    truth = list(top_k(made.queries, space.vectors, K)[0])
    table = table_of(space.vectors, folder / "rq")
    ways = [*resident(space), flat(table)]
    rows = [r for way in ways for r in measured(way, space.vectors, made.queries, truth)]
    for way in lance(table, space.vectors, folder / "graph"):
        rows += measured(way, space.vectors, made.queries, truth)
    for way in peers(space.vectors):
        rows += measured(way, space.vectors, made.queries, truth)
    rows += _against_peers(rows, space.vectors)
    return rows + end_to_end(space) + filtered(space, made)


def _against_peers(rows: list[dict[str, Any]], images: Floats) -> list[dict[str, Any]]:
    """Our approximate index against the fastest peer, each at recall 0.99."""

    def best(names: tuple[str, ...]) -> dict[str, Any] | None:
        timed = [
            r
            for r in rows
            if r["unit"] == "ms" and r["name"].startswith(names) and r["name"].endswith("0.99")
        ]
        return min(timed, key=lambda r: float(r["value"]), default=None)

    ours, theirs = best((OURS,)), best(PEERS)
    if ours is None or theirs is None:
        return []
    return [
        row(
            "approximate (IVF) against the fastest peer, recall 0.99",
            images,
            ours["value"],
            "ms",
            theirs["value"],
            ours["value"] / theirs["value"],
            ours["recall"],
            f"{ours['name']} against {theirs['name']}, recall {theirs['recall']}",
        )
    ]
