"""What it does to lists that queries prefer attributes of their own, kept beside the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.improve import attribute_shares, taken
from core.measure import Interval, format_value, list_recall
from core.types import Ints, Space
from core.workbench.way_tasks import Best, K, Task, blocks, without_self

if TYPE_CHECKING:
    from core.improve import Compressed

TASK = "image_to_image"  # its queries have attributes as its results have


@dataclass(frozen=True)
class Preference:
    """Image queries that prefer their own labels and attributes.

    Args:
        recall: share of the exact first ten, by cosine and weight times the exact cosine of
            attributes, that are among the first ten by codes.
        alike: mean cosine of attributes of a query and its first ten by codes.
        alike_before: the same of the first ten by float vectors, which know no attributes.
        queries: that have attributes and choose nothing.
    """

    recall: Interval
    alike: float
    alike_before: float
    queries: int

    @property
    def sentence(self) -> str:
        """How well codes respect attributes, and what that does to lists."""
        value, low, high = (100 * x for x in self.recall)
        return (
            f"Image queries that prefer their own attributes: recall@10 "
            f"{format_value(value, low, high)}% ({low:.1f} to {high:.1f}) of the exact lists with "
            f"attributes. Cosine of attributes with the first ten: {self.alike:.2f} instead of "
            f"{self.alike_before:.2f} by vectors alone."
        )


def preference_of(space: Space, kept: Compressed, tasks: Sequence[Task]) -> Preference | None:
    """What codes with attributes do to the lists of image queries; None where none has some.

    Args:
        space: with its attributes.
        kept: codes of all rows.
        tasks: of the collection.
    """
    table, task = kept.fitted.table, next((task for task in tasks if task.name == TASK), None)
    if table is None or task is None or space.attributes is None:
        return None
    size = task.span.stop - task.span.start
    attributes = space.attributes.of(task.span)
    own = _unit(attribute_shares(attributes, size))
    use = np.flatnonzero(~task.chooses & (own[task.queries].sum(axis=1) > 0))
    if not len(use):
        return None
    rows = task.queries[use]
    queries = task.vectors[use]
    asked = np.concatenate([queries, table.rows(attributes, size)[rows]], axis=1)
    exact, found = Best(len(use), K), Best(len(use), K)
    for part in blocks(len(use), task.span):
        scores = queries @ space.vectors[task.span][part].T
        scores += np.float32(table.weight) * (own[rows] @ own[part].T).toarray()
        exact.add(without_self(scores, rows, part), part)
        codes = taken(kept.codes["image"], part)
        scores = kept.fitted.scores(asked, "image", codes, "image")
        found.add(without_self(scores, rows, part), part)
    same = (exact.columns[:, :, None] == found.columns[:, None]).any(axis=2)
    recall = list_recall(np.where(same, 1, K + 1), task.clusters[use])
    by_vectors = task.exact[use]
    return Preference(
        recall, _alike(own, rows, found.columns), _alike(own, rows, by_vectors), len(use)
    )


def _alike(own: Any, rows: Ints, lists: Ints) -> float:
    asked, found = np.repeat(rows, lists.shape[1]), lists.ravel()
    return float(own[asked].multiply(own[found]).sum() / max(1, len(found)))


def _unit(shares: Any) -> Any:
    """Sparse rows brought to length 1; empty ones stay."""
    from scipy import sparse

    lengths = np.sqrt(shares.multiply(shares).sum(axis=1))
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_array(sparse.diags_array(inverse.astype(np.float32)) @ shares)
