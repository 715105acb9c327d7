"""The layers of a map: rows by kind, label or finding; color ranges; the points of a selection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.errors import InputError
from core.measure import rows_of_kind
from core.types import KINDS, SCOPE_NAMES, Finding, Floats, Ints, Kind, Space, Value

T = TypeVar("T")
MAX_GROUPS = 12
MAX_POINTS = 100_000
OTHER = "other"
UNLABELED = "no label"
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Layer:
    """Points of a map with one color scheme. `hue` is the number of the group's color; -1 is gray.

    `rows` are rows of the space. `values`, where given, color each point, and `unit` is their name.
    """

    name: str
    kind: Kind
    hue: int
    rows: Ints
    values: Floats | None = None
    unit: str = ""


def sample_for_map(space: Space, most: int = MAX_POINTS, seed: int = 0) -> Ints:
    """The rows on a map: all of them, or a seeded sample, sorted."""
    if space.n <= most:
        return np.arange(space.n)
    return np.sort(np.random.default_rng(seed).choice(space.n, most, replace=False))


def by_kind(space: Space, rows: Ints) -> tuple[Layer, ...]:
    """Images and texts.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> [(layer.name, layer.rows.tolist()) for layer in by_kind(space, np.arange(3))]
    [('images', [0, 1]), ('texts', [2])]
    """
    return tuple(
        Layer(SCOPE_NAMES[kind], kind, hue, part)
        for hue, kind in enumerate(KINDS)
        if len(part := rows_of_kind(space, rows, kind))
    )


def by_label(space: Space, rows: Ints, most: int = MAX_GROUPS) -> tuple[Layer, ...]:
    """Items without a label, then "other", then the most frequent labels; images and texts apart.

    Gray layers come first, so that they are drawn below the others. Of several labels the first
    counts; a text without a label gets its image's.

    Raises:
        InputError: nothing is labeled.
    """
    first = [labels[0] if labels else None for labels in space.labels] or [None] * space.n
    if not any(first):
        raise InputError("No item has a label yet. Add them as a column 'label' when ingesting.")
    return _by_group(space, rows, _with_texts(space, first), UNLABELED, most)


def by_attribute(
    space: Space, rows: Ints, values: Sequence[Value | None], title: str, most: int = MAX_GROUPS
) -> tuple[Layer, ...]:
    """Items by an attribute: a color scale for more than a few numbers, else as `by_label`.

    Args:
        space: its items.
        rows: of the space that are drawn.
        values: (n,) of the attribute, None where there is none; a text without one gets its
            image's.
        title: of the attribute.
        most: groups with a color of their own.

    >>> space = Space(np.eye(2, dtype=np.float32), ("a", "b"), 2)
    >>> [layer.name for layer in by_attribute(space, np.arange(2), [None, True], "warm")]
    ['no warm', 'True']
    """
    values = _with_texts(space, values)
    known = {value for value in values if value is not None}
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
    if numbers and len(known) > most:
        column = np.array([np.nan if v is None else float(v) for v in values], np.float32)
        return _by_value(space, rows, column, title, f"no {title}")
    names = [None if value is None else str(value) for value in values]
    return _by_group(space, rows, names, f"no {title}", most)


def _by_group(
    space: Space, rows: Ints, names: Sequence[str | None], without: str, most: int
) -> tuple[Layer, ...]:
    counts = Counter(names[r] for r in rows if names[r])
    common = [name for name, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0] or ""))]
    common = common[:most]
    hue = {name: i for i, name in enumerate(common)}
    group = np.array([hue.get(names[r], most if names[r] else most + 1) for r in rows])
    titles = dict(enumerate(common)) | {most: OTHER, most + 1: without}
    return tuple(
        Layer(titles[g], kind, g if g < most else -1, part)
        for g in [most + 1, most, *range(len(common))]
        for kind in KINDS
        if len(part := rows_of_kind(space, rows[group == g], kind))
    )


def by_finding(space: Space, rows: Ints, finding: Finding) -> tuple[Layer, ...]:
    """A value for each item that the finding measured; the others are gray and come first.

    Raises:
        InputError: the finding has no per-item values.
    """
    if finding.per_item is None:
        raise InputError(f"{finding.name} has no per-item values.")
    return _by_value(space, rows, finding.per_item, finding.per_item_title, NOT_MEASURED)


def _by_value(
    space: Space, rows: Ints, values: Floats, title: str, without: str
) -> tuple[Layer, ...]:
    measured = np.isfinite(values[rows])
    layers = [
        Layer(without, kind, -1, part)
        for kind in KINDS
        if len(part := rows_of_kind(space, rows[~measured], kind))
    ]
    return *layers, *(
        Layer(SCOPE_NAMES[kind], kind, 0, part, values[part], title)
        for kind in KINDS
        if len(part := rows_of_kind(space, rows[measured], kind))
    )


def color_range(layers: Sequence[Layer]) -> tuple[float, float] | None:
    """The ends of the color scale: the 2nd and 98th percentile of all values."""
    values = [layer.values for layer in layers if layer.values is not None]
    if not values:
        return None
    low, high = np.quantile(np.concatenate(values), [0.02, 0.98])
    return float(low), float(high) if high > low else float(low) + 1.0


def in_lasso(space: Space, layers: Sequence[Layer], points: Iterable[tuple[int, int]]) -> list[str]:
    """Ids of selected points, each (layer, place in it), in the space's order, without repeats."""
    rows = {int(layers[layer].rows[place]) for layer, place in points}
    return [space.ids[row] for row in sorted(rows)]


def map_places(space: Space, layers: Sequence[Layer], ids: Iterable[str]) -> list[list[int]]:
    """The inverse of `in_lasso`: the points of each layer that belong to these ids."""
    wanted = np.zeros(space.n, bool)
    wanted[[space.row[id_] for id_ in ids if id_ in space.row]] = True
    return [np.flatnonzero(wanted[layer.rows]).tolist() for layer in layers]


def _with_texts(space: Space, values: Sequence[T | None]) -> list[T | None]:
    """Values of all items; a text without one gets that of its image."""
    values = list(values)
    for image, text in space.pairs.tolist():
        if values[text] is None:
            values[text] = values[image]
    return values
