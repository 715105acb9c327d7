"""What texts say a label looks like: one direction for each label, from the space's own texts."""

from __future__ import annotations

import numpy as np

from core.labels import class_totals, classes
from core.types import Doubles, Space, digest

PROMPTS = ("{}", "a photo of a {}", "a photo of a {}.")


def prototypes(space: Space, names: tuple[str, ...]) -> tuple[Doubles, str] | None:
    """(K, d) the unit row that texts give each label, and which texts; None where one has none.

    Texts that are the label itself (or "a photo of a ...") come first; else the mean of the texts
    that carry the label or belong to a picture that does.
    """
    named = [_named(space, name) for name in names]
    if all(row is not None for row in named):
        return space.vectors[np.array(named, np.int64)].astype(np.float64), "texts that name them"
    found = classes(space, "text", least=1, most=space.n)
    place = {name: i for i, name in enumerate(found.names)}
    if not set(names) <= set(place):
        return None
    sums = class_totals(space, "text", found.names)[0][[place[name] for name in names]]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    if not (lengths > 1e-9).all():
        return None
    return sums / lengths, "texts of their items"


def _named(space: Space, name: str) -> int | None:
    """Row of a text that says the label: an item's id is the digest of what it says."""
    ids = (digest("text", prompt.format(name).encode()) for prompt in PROMPTS)
    return next((space.row[id_] for id_ in ids if id_ in space.row), None)
