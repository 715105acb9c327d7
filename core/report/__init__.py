"""Contents of measurement screens and files: the HTML report, map layers, subsets."""

from core.report.evidence import Evidence, evidence_ids
from core.report.html import Side, html_page
from core.report.map_layers import (
    OTHER,
    Coloring,
    Group,
    bit_bytes,
    by_attribute,
    by_cluster,
    by_finding,
    by_kind,
    by_label,
    colored_part,
    place_bytes,
    sample_for_map,
)
from core.report.selection import (
    SelectedIds,
    Selection,
    in_polygon,
    inside,
    layout_name,
    listed,
    read_selection,
    rows_besides,
    rows_key,
    selected_rows,
)
from core.report.subsets import narrow_space, pack_ids, rest_of_space, unpack_ids
from core.report.svg import sparkline

__all__ = [
    "OTHER",
    "Coloring",
    "Evidence",
    "Group",
    "SelectedIds",
    "Selection",
    "Side",
    "bit_bytes",
    "by_attribute",
    "by_cluster",
    "by_finding",
    "by_kind",
    "by_label",
    "colored_part",
    "evidence_ids",
    "html_page",
    "in_polygon",
    "inside",
    "layout_name",
    "listed",
    "narrow_space",
    "pack_ids",
    "place_bytes",
    "read_selection",
    "rest_of_space",
    "rows_besides",
    "rows_key",
    "sample_for_map",
    "selected_rows",
    "sparkline",
    "unpack_ids",
]
