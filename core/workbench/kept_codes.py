"""The way to keep vectors that a collection's search uses, stored with its codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import search as engine
from core.improve import compressed_to_bytes
from core.types import digest
from core.workbench.ways import RECALL, Way, codes_of, measured_way

if TYPE_CHECKING:
    from core.improve import Step
    from core.store import EncodedCollection


def keep_way(opened: EncodedCollection, way: Step, recall: float = RECALL) -> None:
    """Store the codes of all rows, in place of those that were kept for these vectors before.

    A search with the first stage "compressed" ranks by them, then rescores as many by full vectors
    as kept the level on held-out queries.

    Raises:
        UnknownName: no such compressor or setting.
    """
    measured = measured_way(opened, way, recall)
    kept = codes_of(opened, way)[0]
    space = opened.with_attributes() if kept.fitted.table else opened.space
    file = compressed_to_bytes(kept, opened.passport, opened.space.steps)
    report = {
        "way": str(way),
        "rows": engine.codes_key(space),
        "file": digest(file),
        "shortlist": measured.shortlist,
        "bytes_per_item": measured.bytes_per_item,
        "sentence": _sentence(measured),
        "attributes": kept.fitted.table is not None,
    }
    opened.collection.artifacts.write_compressed(engine.kept_name(opened), file, report)


def kept_way(opened: EncodedCollection) -> dict[str, Any] | None:
    """What is kept: way, shortlist, bytes_per_item, sentence, attributes; None for nothing.

    `attributes`: whether labels and attributes are beside the vectors, so that queries prefer some.
    """
    return opened.collection.artifacts.compressed_report(engine.kept_name(opened))


def delete_kept_way(opened: EncodedCollection) -> None:
    """Delete the kept codes; the vectors stay."""
    opened.collection.artifacts.delete_compressed(engine.kept_name(opened))


def _sentence(way: Way) -> str:
    value, low, high = min(way.rescored.values())
    return (
        f"Two steps: {way.name} codes ({way.bytes_per_item:,.0f} bytes an item), then full vectors "
        f"of the best {way.shortlist:,}: recall@10 {value:.1%} (95% interval {low:.1%} to "
        f"{high:.1%}) on held-out queries that chose nothing."
    )
