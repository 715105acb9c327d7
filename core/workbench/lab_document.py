"""Ways to keep vectors as plain dictionaries: the JSON of `sextant compress` and of downloads."""

from __future__ import annotations

from math import isfinite
from typing import Any

from core.measure import GroupLoss, Interval
from core.workbench.compress import Lab
from core.workbench.ways import Way


def lab_document(lab: Lab) -> dict[str, Any]:
    """Ways with bytes, recall, time and losers, the smallest first."""
    return {
        "n": lab.n,
        "d": lab.d,
        "encoder": lab.encoder,
        "level": lab.level,
        "n_queries": {task.name: len(task.queries) for task in lab.tasks},
        "n_judging": {task.name: int((~task.chooses).sum()) for task in lab.tasks},
        "ways": [_way(way) for way in lab.ways],
        "left_out": dict(lab.left_out),
        "indexes": [
            {
                "name": "ivf",
                "kind": row.kind,
                "bytes_per_item": row.bytes_per_item,
                "recall@10": interval_document(row.recall),
                "n_queries": row.queries,
                "rescored": row.rescored,
            }
            for row in lab.indexes
        ],
        "frontier": [way.name for way in lab.frontier],
        "suggested": lab.suggested.name if lab.suggested else None,
        "sentence": lab.sentence,
    }


def _way(way: Way) -> dict[str, Any]:
    loser = way.loser
    return {
        "name": way.name,
        "settings": dict(way.way.settings),
        "bytes_per_item": way.bytes_per_item,
        "code_bytes": way.code_bytes,
        "recall@10": {task: interval_document(value) for task, value in way.recall.items()},
        "rescored": {
            "shortlist": way.shortlist,
            "recall@10": {task: interval_document(value) for task, value in way.rescored.items()},
        },
        "pairs": {task: interval_document(value) for task, value in way.pairs.items()},
        "score_error": way.score_error,
        "ms_per_query": way.ms_per_query,
        "fit_seconds": way.fit_seconds,
        "encode_seconds": way.encode_seconds,
        "attributes": _preference(way),
        "losers": {"by": way.loser_by, **_loss(loser)} if loser else None,
        "losses": {name: [_loss(one) for one in losses] for name, losses in way.losers.items()},
    }


def _preference(way: Way) -> dict[str, Any] | None:
    """Of codes with attributes: image queries that prefer their own."""
    found = way.preference
    if found is None:
        return None
    return {
        "recall@10": interval_document(found.recall),
        "alike": found.alike,
        "alike_by_vectors": found.alike_before,
        "n_queries": found.queries,
    }


def _loss(loss: GroupLoss) -> dict[str, Any]:
    return {
        "label": loss.group,
        **interval_document((loss.value, loss.low, loss.high)),
        "expected": loss.expected,
        "null_low": loss.null_low,
        "null_high": loss.null_high,
        "places": loss.places,
    }


def interval_document(interval: Interval) -> dict[str, float | None]:
    """Value and ends of an interval; null where nothing is known."""
    values = zip(("value", "low", "high"), interval, strict=True)
    return {name: value if isfinite(value) else None for name, value in values}
