"""The map in the browser: points, what is drawn over them, and what a person does there.

A component in assets/map draws. What crosses, and when:

- Columns of bytes, each by the address of its content (`_served`): a browser loads a column once,
  keeps it over runs and pages, and loads only the colors when the coloring changes. Positions are
  float32 x y, colors and fade one byte a point, the selection one bit a point.
- Small lists with each run: legend, marks, hits, names, path (`Overlay`).
- Back: a polygon in the layout's coordinates with what is hidden, the number of a clicked name,
  "clear", the index of a clicked point.

To add something to the map, put it into an `Overlay`, in rows of the space and coordinates of the
layout; `show` translates to drawn points. `show` may be called twice on a page with two keys.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit import runtime

from core import ASSETS, report
from core.report import OTHER, Coloring
from core.types import Bools, Floats, Ints, digest
from core.workbench import Layout
from pages.parts import charts, formatting, gallery, item, problems, session, state
from pages.parts.controls import download

KEY = "_points"
MOST_ASKED = 36  # thumbnails at once, as many as the component draws
# Visible in the light and the dark theme.
COLOR_SCALE = ("#3d9db4", "#7faf95", "#cda545", "#d8713c", "#c2304f")
AID = (
    "Dots: images, rings: texts. Drag to pan, scroll to zoom, Shift-drag or the lasso to select, "
    "click to open an item."
)
_FILES = ASSETS / "map"
# One module for the browser; the parts do not import each other.
_PARTS = ("data.js", "paint.js", "overlay.js", "frame.js", "input.js", "map.js")
_MAP = st.components.v2.component(
    "sextant_map",
    css=(_FILES / "map.css").read_text("utf-8"),
    js="\n".join((_FILES / name).read_text("utf-8") for name in _PARTS),
)
_ITEMS = st.components.v2.component(
    "sextant_map_items", js=(_FILES / "items.js").read_text("utf-8")
)


@dataclass(frozen=True)
class Overlay:
    """What is drawn over the points, beside the selection.

    Args:
        fade: (n,) bytes for the rows of the space: 0 a place to trust, 255 one not to trust.
        lines: of (k, 4) x y to x y, such as pairs or true neighbors.
        marks: query points (x, y, text).
        lit: rows of the space, such as hits.
        path: (k, 2) points of a polyline.
        names: of clusters (x, y, text, weight).
    """

    fade: Any = None
    lines: Sequence[Floats] = ()
    marks: Sequence[tuple[float, float, str]] = ()
    lit: Sequence[int] = ()
    path: Sequence[tuple[float, float]] = ()
    names: Sequence[tuple[float, float, str, float]] = ()


@dataclass(frozen=True)
class Drawing:
    """The points of a map: a layout and the drawn rows of its space (sorted).

    What a person does there comes before the page runs: `select` gets the layout, the vertices of a
    polygon and which rows of the space are not hidden (None where none is), `select_named` the
    layout and the number of a clicked name.
    """

    layout: Layout
    rows: Ints
    select: Callable[[Layout, Sequence[Sequence[float]], Bools | None], None]
    clear: Callable[[], None]
    select_named: Callable[[Layout, int], None] = lambda layout, number: None
    over: Overlay = field(default_factory=Overlay)
    items: str = ""  # changes when items do: a browser keeps their cards and thumbnails

    @property
    def items_key(self) -> str:
        """Names the items behind the indices of points."""
        return digest(self.layout.space.key, self.items, str(len(self.rows)))[:12]


def show(
    drawing: Drawing,
    coloring: Coloring,
    selected: Bools | None = None,
    *,
    ahead: Coloring | None = None,
    key: str = KEY,
) -> None:
    """Draw the map.

    Args:
        drawing: what to draw.
        coloring: the colors of its points.
        selected: (n,) rows of the space that are selected; None for no selection.
        ahead: colors that a browser loads ahead, so that a change to them takes no time.
        key: of the component, unique on the page.
    """
    points(drawing, coloring, selected, ahead=ahead, key=key)
    _items(key, drawing.items_key, drawing.rows, session.get(state.MAP_OPENED, ""))


def points(
    drawing: Drawing,
    coloring: Coloring,
    selected: Bools | None = None,
    *,
    ahead: Coloring | None = None,
    key: str = KEY,
) -> None:
    """The same without cards, thumbnails and clicks, which need the items."""
    _MAP(
        key=key,
        data=_data(drawing, coloring, selected, ahead, key),
        on_polygon_change=lambda: _select(drawing, coloring, key),
        on_named_change=lambda: _select_named(drawing, key),
        on_clear_change=lambda: _clear(drawing),
    )


def under(drawing: Drawing, coloring: Coloring, aid: str) -> None:
    """How to read the map, whether it is a sample, and its points as CSV."""
    n, of = len(drawing.rows), drawing.layout.space.n
    part = f" Random sample: {n:,} of {of:,} items." if n < of else ""
    layout = drawing.layout
    with st.container(horizontal=True, key="_aid_points"):
        st.caption(f"{aid}{part} {AID}")
        download(lambda: report.point_table(layout.space, layout.xy, drawing.rows, coloring), "map")


def _data(
    drawing: Drawing,
    coloring: Coloring,
    selected: Bools | None,
    ahead: Coloring | None,
    key: str,
) -> dict[str, Any]:
    layout, rows, over = drawing.layout, drawing.rows, drawing.over
    images = bisect_left(rows, layout.space.n_images)
    scale = None
    if coloring.title:
        low, high = (formatting.number(limit) for limit in coloring.limits)
        title = formatting.shorten(coloring.title, 60)
        scale = {"title": title, "low": low, "high": high, "colors": COLOR_SCALE}
    kinds = not coloring.title and {group.name for group in coloring.groups} <= {"images", "texts"}
    return {
        "key": key,
        "n": len(rows),
        "images": images,
        "items": drawing.items_key,
        "label": f"Map of {formatting.count(images, 'image')} and "
        f"{formatting.count(len(rows) - images, 'text')}. Arrow keys pan, plus and minus zoom, "
        "Enter opens the item in the middle, Escape clears the selection.",
        "method": layout.method if key == KEY else "",  # of the view in the link
        "places": _served(f"{key} places", report.place_column(layout.xy, rows)),
        "colors": _served(f"{key} colors", report.byte_column(coloring.codes)),
        "ahead": "" if ahead is None else _served(f"{key} ahead", report.byte_column(ahead.codes)),
        "coloring": coloring.title,
        "scale": scale,
        "groups": [
            {
                "name": formatting.shorten(group.name, 40), "code": group.code,
                "count": group.count, "ring": kinds and group.name == "texts",
                "color": charts.PALETTE[group.code] if group.code < OTHER else "",
            }
            for group in coloring.groups
        ],
        "fade": None if over.fade is None else _served(
            f"{key} fade", report.byte_column(over.fade[rows])
        ),
        "chosen": None if selected is None else _served(
            f"{key} chosen", report.bit_column(selected[rows])
        ),
        "lines": _served(f"{key} lines", report.line_column(over.lines)),
        "marks": [[float(x), float(y), formatting.shorten(text, 60)] for x, y, text in over.marks],
        "lit": report.points_of(rows, over.lit).tolist(),
        "path": [[float(x), float(y)] for x, y in over.path],
        "names": [
            [float(x), float(y), formatting.shorten(text, 40), float(weight)]
            for x, y, text, weight in over.names
        ],
    }  # fmt: skip


def _served(name: str, data: bytes) -> str:
    """The address at which the browser loads named bytes, by their content; "" for none."""
    if not data:
        return ""
    files = runtime.get_instance().media_file_mgr
    # As a download: other files are gone with the next run, before a slow browser has fetched them.
    return files.add(data, "application/octet-stream", name, is_for_static_download=True)


def _select(drawing: Drawing, coloring: Coloring, key: str) -> None:
    outline = session.sent(key, "polygon")
    if outline:
        with problems.shown():
            shown = report.shown_rows(
                drawing.layout.space, drawing.rows, coloring, outline["hidden"], outline["texts"]
            )
            drawing.select(drawing.layout, outline["points"], shown)
            st.rerun()  # the page, where the map is in a fragment


def _select_named(drawing: Drawing, key: str) -> None:
    number = session.sent(key, "named")
    if number is not None and 0 <= number < len(drawing.over.names):
        drawing.select_named(drawing.layout, number)
        st.rerun()


def _clear(drawing: Drawing) -> None:
    drawing.clear()
    st.rerun()


@st.fragment
@problems.guarded
def _items(key: str, items: str, rows: Ints, lines_of: str) -> None:
    """Cards and thumbnails of points, and the click on one.

    A fragment: pointing at an item does not run the page.
    """
    asked = session.sent(f"{key}_items", "ask") or {}
    current = asked.get("items") == items
    hover = _ids(rows, [asked["hover"]]) if current else {}
    images = _ids(rows, asked["thumbnails"][:MOST_ASKED]) if current else {}
    thumbnails = state.thumbnails(list(images.values())) if images else {}
    result = _ITEMS(
        key=f"{key}_items",
        data={
            "map": key,
            "items": asked.get("items", ""),
            "hover": next(iter(hover), -1),
            "about": next((_about(id_) for id_ in hover.values()), None),
            "thumbnails": [
                [at, gallery.data_uri(thumbnails[id_])]
                for at, id_ in images.items()
                if thumbnails.get(id_)
            ],
        },
        on_ask_change=lambda: None,
        on_open_change=lambda: None,
    )
    opened = result.open or {}
    if opened.get("items") == items:
        for id_ in _ids(rows, [opened["index"]]).values():
            session.store(state.MAP_OPENED, id_)  # lines lead to its neighbors afterwards
            item.open(id_, on_dismiss="rerun")
    elif session.get(state.MAP_OPENED, "") != lines_of:
        st.rerun()  # closing the dialog runs this fragment alone


def _ids(rows: Ints, points: Sequence[Any]) -> dict[int, str]:
    """The ids of points by index; without those that are no points."""
    ids = state.space().ids
    return {
        point: ids[rows[point]]
        for point in points
        if isinstance(point, int) and 0 <= point < len(rows)
    }


def _about(id_: str) -> dict[str, str]:
    shown = state.items([id_]).get(id_)
    if shown is None:
        return {"name": "No longer in the collection"}
    if shown.kind == "text":
        return {"name": formatting.shorten(shown.text, 240)}
    return {
        "name": formatting.shorten(shown.name.rpartition("/")[2], 60),
        "caption": formatting.shorten(state.captions([id_]).get(id_, ""), 140),
        "value": " · ".join(shown.labels[:3]),
        "image": gallery.data_uri(state.thumbnails([id_]).get(id_, b"")),
    }
