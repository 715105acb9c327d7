"""Contents of measurement screens and files: the HTML report, map layers, subsets."""

from core.report.evidence import Evidence, evidence_ids
from core.report.html import Side, html_page
from core.report.map_layers import (
    Layer,
    by_attribute,
    by_finding,
    by_kind,
    by_label,
    color_range,
    in_lasso,
    map_places,
    sample_for_map,
)
from core.report.selection import (
    Selection,
    in_polygon,
    inside,
    layout_name,
    listed,
    read_selection,
    selected_rows,
)
from core.report.subsets import narrow_space, pack_ids, rest_of_space, unpack_ids
from core.report.svg import sparkline

__all__ = [
    "Evidence",
    "Layer",
    "Selection",
    "Side",
    "by_attribute",
    "by_finding",
    "by_kind",
    "by_label",
    "color_range",
    "evidence_ids",
    "html_page",
    "in_lasso",
    "in_polygon",
    "inside",
    "layout_name",
    "listed",
    "map_places",
    "narrow_space",
    "pack_ids",
    "read_selection",
    "rest_of_space",
    "sample_for_map",
    "selected_rows",
    "sparkline",
    "unpack_ids",
]
