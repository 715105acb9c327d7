"""What a map shows of its points: which rows, and their colors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.measure import Clusters
from core.types import KINDS, SCOPE_NAMES, Bools, Finding, Floats, Ints, Space, Value

N = TypeVar("N", bound=np.generic)
MAX_GROUPS = 12
MAX_POINTS = 1_000_000
OTHER, NOTHING = 254, 255  # codes of the gray groups; a scale uses the codes below
UNLABELED = "no label"
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Group:
    """Points with one color: their name, the code in `Coloring.codes`, and how many they are."""

    name: str
    code: int
    count: int


@dataclass(frozen=True)
class Coloring:
    """One byte for each point on a map, and what it stands for.

    Args:
        codes: (m,) of the drawn points. A group's number; on a scale 0 to 253; 254 and 255 are the
            gray groups "other" and "none".
        groups: those with points, gray ones last.
        title: of the scale; "" without one.
        limits: the values at the ends of the scale.
        values: (m,) the values on the scale, NaN for none.
    """

    codes: NDArray[np.uint8]
    groups: tuple[Group, ...] = ()
    title: str = ""
    limits: tuple[float, float] = (0.0, 1.0)
    values: Floats | None = None

    def name_of(self, point: int) -> str:
        """The name of a point's group; "" where it has a place on the scale."""
        code = int(self.codes[point])
        return next((group.name for group in self.groups if group.code == code), "")


def sample_for_map(space: Space, most: int = MAX_POINTS, seed: int = 0) -> Ints:
    """The rows on a map: all of them, or a seeded sample, sorted."""
    if space.n <= most:
        return np.arange(space.n)
    return np.sort(np.random.default_rng(seed).choice(space.n, most, replace=False))


def shown_rows(
    space: Space, drawn: Ints, coloring: Coloring, hidden: Sequence[int], texts: bool
) -> Bools | None:
    """(n,) which rows of a space are drawn and not hidden; None where nothing is hidden.

    Args:
        space: its items.
        drawn: the rows on the map.
        coloring: their colors.
        hidden: codes of the groups that are hidden.
        texts: whether texts are shown.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> drawn = np.arange(3)
    >>> shown_rows(space, drawn, by_kind(space, drawn), [0], True).tolist()
    [False, False, True]
    """
    if texts and not hidden:
        return None
    on_screen = ~np.isin(coloring.codes, hidden) & (texts | (drawn < space.n_images))
    shown = np.zeros(space.n, bool)
    shown[drawn[on_screen]] = True
    return shown


def point_table(
    space: Space, xy: Floats, drawn: Ints, coloring: Coloring
) -> list[dict[str, str | float]]:
    """The points of a map as numbers: id, kind, group, place and, on a scale, value.

    >>> space = Space(np.eye(2, dtype=np.float32), ("a", "t"), 1)
    >>> xy, drawn = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([1])
    >>> point_table(space, xy, drawn, by_kind(space, drawn))
    [{'id': 't', 'kind': 'text', 'layer': 'texts', 'x': 2.0, 'y': 3.0, 'value': ''}]
    """
    names = {group.code: group.name for group in coloring.groups}
    values = np.full(len(drawn), np.nan) if coloring.values is None else coloring.values
    columns = (drawn, coloring.codes, xy[drawn, 0], xy[drawn, 1], values)
    return [
        {
            "id": space.ids[row], "kind": "image" if row < space.n_images else "text",
            "layer": names.get(code, ""), "x": x, "y": y, "value": "" if isnan(value) else value,
        }
        for row, code, x, y, value in zip(*(column.tolist() for column in columns), strict=True)
    ]  # fmt: skip


def colored_part(coloring: Coloring, points: Ints) -> Coloring:
    """The colors of some of the points; the groups keep their colors and are counted again."""
    codes = coloring.codes[points]
    counts = np.bincount(codes, minlength=256)
    groups = tuple(
        replace(group, count=int(counts[group.code]))
        for group in coloring.groups
        if counts[group.code]
    )
    values = None if coloring.values is None else coloring.values[points]
    return replace(coloring, codes=codes, groups=groups, values=values)


def by_kind(space: Space, rows: Ints) -> Coloring:
    """Images and texts.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> by_kind(space, np.arange(3)).groups
    (Group(name='images', code=0, count=2), Group(name='texts', code=1, count=1))
    """
    codes = (rows >= space.n_images).astype(np.uint8)
    counts = np.bincount(codes, minlength=2)
    return Coloring(
        codes,
        tuple(
            Group(SCOPE_NAMES[kind], code, int(counts[code]))
            for code, kind in enumerate(KINDS)
            if counts[code]
        ),
    )


def by_label(space: Space, rows: Ints, most: int = MAX_GROUPS) -> Coloring:
    """The most frequent labels, then "other", then items without a label.

    Of several labels the first counts; a text without a label gets its image's.

    Raises:
        InputError: nothing is labeled.
    """
    first = [labels[0] if labels else None for labels in space.labels] or [None] * space.n
    if not any(first):
        raise InputError("No item has a label yet. Add them as a column 'label' when ingesting.")
    return _by_group(space, rows, first, UNLABELED, most)


def by_attribute(
    space: Space, rows: Ints, values: Sequence[Value | None], title: str, most: int = MAX_GROUPS
) -> Coloring:
    """Items by an attribute: a color scale for more than a few numbers, else as `by_label`.

    Args:
        space: its items.
        rows: of the space that are drawn.
        values: (n,) of the attribute, None where there is none; a text without one gets its
            image's.
        title: of the attribute.
        most: groups with a color of their own.

    >>> space = Space(np.eye(2, dtype=np.float32), ("a", "b"), 2)
    >>> [group.name for group in by_attribute(space, np.arange(2), [None, True], "warm").groups]
    ['True', 'no warm']
    """
    known = {value for value in values if value is not None}
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
    if numbers and len(known) > most:
        column = np.array([np.nan if v is None else float(v) for v in values], np.float32)
        with_texts = _with_texts(space, column, np.isnan(column))
        return _by_value(rows, with_texts, title, f"no {title}")
    names = [None if value is None else str(value) for value in values]
    return _by_group(space, rows, names, f"no {title}", most)


def by_cluster(rows: Ints, clusters: Clusters, most: int = MAX_GROUPS) -> Coloring:
    """The largest clusters, then the others, then points in none."""
    drawn = clusters.of[rows]
    codes = np.where(drawn < 0, NOTHING, np.where(drawn < most, drawn, OTHER)).astype(np.uint8)
    counts = np.bincount(codes, minlength=256)
    named = enumerate(clusters.names[:most])
    groups = [Group(name, code, int(counts[code])) for code, name in named if counts[code]]
    return Coloring(codes, (*groups, *_gray(codes, "no cluster")))


def by_finding(rows: Ints, finding: Finding) -> Coloring:
    """The value of each item that a finding measured; the others are gray.

    Raises:
        InputError: the finding has no per-item values.
    """
    if finding.per_item is None:
        raise InputError(f"{finding.name} has no per-item values.")
    return _by_value(rows, finding.per_item, finding.per_item_title, NOT_MEASURED)


def _by_group(
    space: Space, rows: Ints, names: Sequence[str | None], without: str, most: int
) -> Coloring:
    titles = [name for name in dict.fromkeys(names) if name is not None]
    number: dict[str | None, int] = {None: -1, **{name: k for k, name in enumerate(titles)}}
    found = np.fromiter(map(number.__getitem__, names), np.int64, len(names))
    drawn = _with_texts(space, found, found < 0)[rows]
    counts = np.bincount(drawn[drawn >= 0], minlength=len(titles))
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda k: (-counts[k], titles[k]))
    table = np.full(len(titles) + 1, OTHER, np.uint8)  # the last, -1, is for no name
    table[order[:most]] = np.arange(len(order[:most]))
    table[-1] = NOTHING
    codes = table[drawn]
    groups = [Group(titles[k], code, int(counts[k])) for code, k in enumerate(order[:most])]
    return Coloring(codes, (*groups, *_gray(codes, without)))


def _by_value(rows: Ints, values: Floats, title: str, without: str) -> Coloring:
    """From the 2nd to the 98th percentile; what lies beyond has the color of the end."""
    drawn: Floats = np.asarray(values, np.float32)[rows]
    measured = np.isfinite(drawn)
    low, high = np.quantile(drawn[measured], [0.02, 0.98]) if measured.any() else (0.0, 1.0)
    if not high > low:
        high = low + 1.0
    codes = np.full(len(rows), NOTHING, np.uint8)
    codes[measured] = np.rint(np.clip((drawn[measured] - low) / (high - low), 0, 1) * (OTHER - 1))
    return Coloring(codes, _gray(codes, without), title, (float(low), float(high)), drawn)


def _gray(codes: NDArray[np.uint8], without: str) -> tuple[Group, ...]:
    counts = np.bincount(codes, minlength=256)
    names = ((OTHER, "other"), (NOTHING, without))
    return tuple(Group(name, code, int(counts[code])) for code, name in names if counts[code])


def _with_texts(space: Space, values: NDArray[N], lacking: Bools) -> NDArray[N]:
    """Values of all items; a text that lacks one gets that of its first image that has one."""
    images, texts = space.pairs.T[:, ::-1]
    use = lacking[texts] & ~lacking[images]
    values = values.copy()
    values[texts[use]] = values[images[use]]
    return values
