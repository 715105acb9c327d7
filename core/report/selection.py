"""What a person has selected: points in a polygon, a selection as one text, and back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from core.errors import BadParameter
from core.report.subsets import LONGEST, pack_rows, unpack_rows
from core.types import Bools, Floats, Ints, Kind, Space, digest, per_array

MOST = 64  # vertices of a polygon

POLYGON, SAVED = "~", "="  # first characters of a text; ids have none


@dataclass(frozen=True)
class Selection:
    """Selected items: those in a polygon on a layout, listed ones, or those saved under a name.

    It is small whatever it selects: a million items are one polygon or one text of bits.

    Args:
        layout: where the polygon lies, as `layout_name` names it; "" without one.
        polygon: its vertices.
        kind: of the items in the polygon that count; "" for both.
        packed: listed items, as `pack_rows` packs them; "" without.
        saved: the name of a saved selection; "" without.
    """

    layout: str = ""
    polygon: tuple[tuple[float, float], ...] = ()
    kind: Kind | str = ""
    packed: str = ""
    saved: str = ""

    def __bool__(self) -> bool:
        return bool(self.polygon or self.packed or self.saved)

    @property
    def text(self) -> str:
        """The selection as one text; `read_selection` reads it."""
        if self.saved:
            return f"{SAVED}{self.saved}"
        if not self.polygon:
            return self.packed
        points = urlsafe_b64encode(np.asarray(self.polygon, "<f4").tobytes()).decode()
        return POLYGON.join(["", self.layout, self.kind, points.rstrip("=")])

    @property
    def link(self) -> str:
        """The same for a link; "" where it is too long for one."""
        return self.text if len(self.text) <= LONGEST else ""


@dataclass(frozen=True)
class SelectedIds(Sequence[str]):
    """The ids of some rows, looked up when they are used: no list of a million strings.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> ids = SelectedIds(space, np.array([0, 2]))
    >>> list(ids), len(ids), ids[1:]
    (['a', 't'], 2, ('t',))
    """

    space: Space
    rows: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[str]:
        return (self.space.ids[row] for row in self.rows.tolist())

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(self.space.ids[row] for row in self.rows[at])
        return self.space.ids[self.rows[at]]


def in_polygon(layout: str, polygon: Iterable[Sequence[float]], kind: Kind | str = "") -> Selection:
    """The items in a polygon on a layout.

    Raises:
        BadParameter: it has fewer than 3 or more than 64 vertices, or one that is no point.

    >>> one = in_polygon("pca/gap=keep/1a2b", [(0, 0), (2, 0), (0, 2)])
    >>> read_selection(one.text) == one
    True
    """
    points = np.asarray([tuple(point) for point in polygon] or [()], np.float32)
    if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= MOST:
        raise BadParameter("number of vertices", len(points), f"3 to {MOST}, of two numbers each")
    if not np.isfinite(points).all():
        raise BadParameter("A vertex", "not finite", "finite numbers")
    return Selection(layout, tuple((float(x), float(y)) for x, y in points), kind)


def listed(space: Space, rows: Ints) -> Selection:
    """These rows of a space, whatever layout they are seen on.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> read_selection(listed(space, np.array([0, 2])).text).packed == listed(space, [0, 2]).packed
    True
    """
    return Selection(packed=pack_rows(space, rows)) if len(rows) else Selection()


def read_selection(text: str) -> Selection:
    """The inverse of `Selection.text`; an empty selection for any other text.

    >>> read_selection("=beach").saved, bool(read_selection("~nonsense"))
    ('beach', False)
    """
    if text.startswith(SAVED):
        return Selection(saved=text[1:])
    if not text.startswith(POLYGON):
        return Selection(packed=text)
    layout, _, rest = text[1:].partition(POLYGON)
    kind, _, packed = rest.partition(POLYGON)
    try:
        points = np.frombuffer(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), "<f4")
        return in_polygon(layout, points.reshape(-1, 2), kind if kind in ("image", "text") else "")
    except (NotBase64, ValueError, BadParameter):
        return Selection()


def selected_rows(
    selection: Selection,
    space: Space,
    *,
    layout: Callable[[str], Floats | None],
    saved: Callable[[str], Iterable[str] | None],
) -> Ints | None:
    """The rows of a selection, in order; None for one that does not belong to this collection.

    Args:
        selection: what is selected.
        space: its items.
        layout: the (n, 2) coordinates of the layout with this name, None where there is none.
        saved: the ids saved under a name, None where there are none.
    """
    if selection.saved:
        ids = saved(selection.saved)
        found = [space.row.get(id_, -1) for id_ in ids or ()]
        rows = np.unique(np.asarray(found, np.int64))
        return None if ids is None else rows[rows >= 0]
    if not selection.polygon:
        return unpack_rows(space, selection.packed)
    xy = layout(selection.layout)
    if xy is None or len(xy) != space.n:
        return None
    rows = np.flatnonzero(inside(xy, selection.polygon))
    if selection.kind:
        rows = rows[(rows < space.n_images) == (selection.kind == "image")]
    return rows


def rows_in_polygon(
    space: Space, layout: str, xy: Floats, polygon: Iterable[Sequence[float]], shown: Bools | None
) -> tuple[Ints, Selection | None]:
    """The rows that a person selects on a layout, and the selection that says the same in a link.

    Args:
        space: the items.
        layout: the name of the layout; see `layout_name`.
        xy: (n, 2) its coordinates.
        polygon: the vertices.
        shown: (n,) rows that are not hidden; None for all.

    Returns:
        The shown rows in the polygon; and the polygon, with the kind of the rows where the hidden
        ones are those of the other kind. None in its place where it does not say which are hidden.

    Raises:
        BadParameter: see `in_polygon`.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> xy, square = np.ones((3, 2), np.float32), [(0, 0), (2, 0), (2, 2), (0, 2)]
    >>> rows, selection = rows_in_polygon(space, "pca", xy, square, np.array([True, True, False]))
    >>> rows.tolist(), selection.kind
    ([0, 1], 'image')
    """
    chosen = in_polygon(layout, polygon)
    every = np.flatnonzero(inside(xy, chosen.polygon))
    rows = every if shown is None else every[shown[every]]
    is_image = every < space.n_images
    kinds = {"": every, "image": every[is_image], "text": every[~is_image]}
    same = (replace(chosen, kind=k) for k, of in kinds.items() if np.array_equal(of, rows))
    return rows, next(same, None)


def rows_of_ids(space: Space, ids: Iterable[str] = ()) -> Ints:
    """The rows of some items, in order; those that the space lacks are left out."""
    return np.unique(np.array([space.row[i] for i in ids if i in space.row], np.int64))


def mask_of_rows(space: Space, rows: Ints) -> Bools | None:
    """(n,) which rows these are; None for none."""
    if not len(rows):
        return None
    result = np.zeros(space.n, bool)
    result[rows] = True
    return result


def points_of(drawn: Ints, rows: Ints) -> Ints:
    """The points of some rows among those that are drawn, which are sorted.

    >>> points_of(np.array([2, 5, 7]), np.array([7, 2, 3, 9])).tolist()
    [0, 2]
    """
    at = np.unique(np.searchsorted(drawn, rows))
    at = at[at < len(drawn)]
    return at[np.isin(drawn[at], rows)]


def rows_besides(space: Space, rows: Ints, *, among: Ints | None = None) -> Ints:
    """All rows of a space, or some, that are not among others.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> rows_besides(space, np.array([1])).tolist()
    [0, 2]
    """
    return np.setdiff1d(np.arange(space.n) if among is None else among, rows)


def rows_key(rows: Ints) -> str:
    """A short text that is the same for the same rows, to cache by."""
    return digest(np.asarray(rows, np.int64).tobytes())[:16]


def layout_name(label: str, xy: Floats) -> str:
    """A layout's name in a link: its label and its coordinates, for a polygon is of these alone.

    >>> layout_name("pca/gap=keep", np.zeros((2, 2), np.float32))
    'pca/gap=keep/abf36bc8'
    """
    return f"{label}/{_content(xy)}"


@per_array
def _content(xy: Floats) -> str:
    return digest(np.ascontiguousarray(xy, np.float32).tobytes())[:8]


def inside(xy: Floats, polygon: Iterable[Sequence[float]]) -> Bools:
    """Which points lie in a polygon, by the nonzero rule.

    A polygon that crosses itself selects all that its line goes around, also where it does so
    twice; a part that it goes around once forward and once backward is outside. Of points on the
    line some are inside.

    Each edge is compared only with the points at its height, which one sort of the points makes a
    slice: a lasso of 64 vertices costs about as much as a rectangle.

    Args:
        xy: (n, 2) points.
        polygon: its vertices; the last one is joined to the first.

    >>> inside(np.array([[1, 1], [3, 1], [1, 3]]), [(0, 0), (2, 0), (2, 2), (0, 2)]).tolist()
    [True, False, False]
    """
    corners = np.asarray([tuple(point) for point in polygon], np.float64).reshape(-1, 2)
    mask = np.zeros(len(xy), bool)
    if len(corners) < 3 or not len(xy):
        return mask
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero(
        (xy[:, 0] >= low[0]) & (xy[:, 0] <= high[0]) & (xy[:, 1] >= low[1]) & (xy[:, 1] <= high[1])
    )
    near = near[np.argsort(xy[near, 1])]
    x, y = xy[near, 0].astype(np.float64), xy[near, 1].astype(np.float64)
    turns = np.zeros(len(near), np.int16)  # how often the polygon goes around each point
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first, last = np.searchsorted(y, [min(y0, y1), max(y0, y1)])
        part = slice(first, last)
        if first < last:
            right = x0 + (y[part] - y0) * ((x1 - x0) / (y1 - y0)) > x[part]
            turns[part] += np.where(right, 1 if y1 > y0 else -1, 0).astype(np.int16)
    mask[near[turns != 0]] = True
    return mask
