"""Two studies beside the ways, each in an expander: equal bytes with filters, and fewer layers."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.improve import parse_way
from core.workbench import BudgetRow, DepthGrid, filter_words
from pages.parts import charts, formatting, session, state
from pages.parts.compress import ways, work

AT_EQUAL_BYTES = (
    "Recall of the exact list under the same filter, by codes alone, with 95% intervals over "
    "queries; half of them are texts, half images. A line spends its bytes in one way."
)
BY_LAYER = (
    "Recall@10 of the exact lists by whole vectors, in percent, when the encoder stops after a "
    "layer and keeps so many dimensions. Milliseconds: until an image's vector is there."
)
SPENT = {"rabitq": "bits (RaBitQ)", "pq": "product quantization"}


def equal_bytes() -> None:
    """The protocol of the literature: fixed budgets, lists of 10 and 100, filters."""
    with st.expander("Equal bytes, with filters"):
        st.caption(
            "Budgets from a half to a 64th of the float vectors, each spent on bits or on "
            "dimensions, and how well lists of 10 and 100 survive with and without a filter."
        )
        bench, opened = state.workbench(), state.opened()
        rows = work.asked(
            "budget_rows", f"Measuring compression of {state.collection()} at equal bytes",
            lambda: bench.known_budget_rows(opened),
        )  # fmt: skip
        if rows:
            _equal_bytes(rows)
        st.code(ways.command("--protocol"), language=None, wrap_lines=True)


def fewer_layers() -> None:
    """Depth times width of the encoder."""
    with st.expander("Fewer layers of the encoder"):
        st.caption(
            "What the encoder would find if it stopped early: a linear map from each layer's "
            "output to its vectors, fitted on half of a sample of the images."
        )
        bench, opened = state.workbench(), state.opened()
        grid = work.asked(
            "depth_grid", f"Layers of the encoder of {state.collection()}",
            lambda: bench.known_depth_grid(opened),
        )  # fmt: skip
        if grid:
            _layers(grid)
        st.code(ways.command("--layers"), language=None, wrap_lines=True)


def _equal_bytes(rows: Sequence[BudgetRow]) -> None:
    lengths = sorted({k for k, _ in rows[0].recall})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = session.linked(
            "list", lengths[0], st.segmented_control, "Results in a list", lengths, among=lengths,
            required=True,
        )  # fmt: skip
        names = [name for length, name in rows[0].recall if length == k]
        chosen = session.linked(
            "filter", names[0], st.segmented_control, "Filter", names, among=names,
            format_func=lambda name: filter_words(name).capitalize(), required=True,
        )  # fmt: skip
    figure = go.Figure()
    by_kind: dict[str, list[BudgetRow]] = {}
    for row in rows:
        by_kind.setdefault(_spent(row.way), []).append(row)
    for (name, own), color in zip(by_kind.items(), charts.PALETTE, strict=False):
        values = [row.recall[k, chosen] for row in own]
        figure.add_scatter(
            x=[row.code_bytes for row in own], y=[value for value, _, _ in values], name=name,
            mode="lines+markers", line={"color": color, "width": 1.5}, marker={"size": 8},
            error_y={
                "array": [high - value for value, _, high in values],
                "arrayminus": [value - low for value, low, _ in values],
                "thickness": 2, "width": 0,
            },
            customdata=[row.way for row in own],
            hovertemplate="%{customdata}<br>%{x:,.0f} bytes of codes an item<br>recall %{y:.1%}",
        )  # fmt: skip
    budgets = sorted({row.budget for row in rows})
    figure.update_xaxes(
        title="bytes of codes an item", type="log", tickvals=budgets,
        ticktext=[f"{budget:,.0f}" for budget in budgets],
    )  # fmt: skip
    figure.update_yaxes(title=f"recall@{k}", tickformat=".0%")
    table = [_row(row, k, names) for row in rows]
    charts.chart(
        figure, key="_equal_bytes", aid=AT_EQUAL_BYTES, rows=table, height=380,
        alt=f"Recall@{k} of {len(rows)} ways at equal bytes, {filter_words(chosen)}",
    )  # fmt: skip
    percent = st.column_config.NumberColumn(format="%.1f%%")
    st.dataframe(
        table, hide_index=True,
        column_config={
            "way": st.column_config.TextColumn(pinned=True, width=230),
            "codes alone": st.column_config.NumberColumn(format="%.0f"),
            "bytes an item": st.column_config.NumberColumn(format="%.0f"),
            **{f"recall@{k}, {name}": percent for name in names},
        },
    )  # fmt: skip


def _row(row: BudgetRow, k: int, names: Sequence[str]) -> dict[str, Any]:
    return {
        "way": row.way,
        "budget": f"1/{row.part}",
        "codes alone": row.code_bytes,
        "bytes an item": row.bytes_per_item,
        **{f"recall@{k}, {name}": 100 * row.recall[k, name][0] for name in names},
    }


def _spent(way: str) -> str:
    """What a way spends its bytes on."""
    step = parse_way(way)
    return SPENT.get(step.name) or f"dimensions, {step.settings.get('numbers', 'float16')}"


def _layers(grid: DepthGrid) -> None:
    st.caption(
        formatting.plain(
            f"{grid.sentence} Fitted on {grid.fitted} images; {grid.judged} others are searched "
            f"with {grid.asked:,} queries."
        )
    )
    names = [
        f"{f'layer {layer}' if layer else 'all'}, {ms:.0f} ms"
        for layer, ms in zip(grid.layers, grid.ms, strict=True)
    ]
    figure = go.Figure()
    figure.add_heatmap(
        z=[[100 * value for value, _, _ in row] for row in grid.recall],
        x=[str(dims) for dims in grid.dims], y=names,
        customdata=[
            [[1000 / ms, 100 * low, 100 * high] for _, low, high in row]
            for ms, row in zip(grid.ms, grid.recall, strict=True)
        ],
        texttemplate="%{z:.0f}", colorscale=list(charts.SEQUENTIAL), zmin=0, zmax=100,
        xgap=2, ygap=2, colorbar={"thickness": 10, "ticksuffix": " %"},
        hovertemplate="%{y}, %{x} dimensions<br>recall@10 %{z:.1f}% (%{customdata[1]:.1f} to "
        "%{customdata[2]:.1f})<br>%{customdata[0]:.0f} images a second<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="dimensions", type="category")
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    rows = [
        {"layer": layer or "all", "dimensions": dims, "ms an image": float(ms),
         "recall@10": value, "low": low, "high": high}
        for layer, ms, row in zip(grid.layers, grid.ms, grid.recall, strict=True)
        for dims, (value, low, high) in zip(grid.dims, row, strict=True)
    ]  # fmt: skip
    charts.chart(
        figure, key="_layers", aid=BY_LAYER, rows=rows, height=110 + 34 * len(names),
        alt=f"Recall by layer and dimensions. {grid.sentence}",
    )  # fmt: skip
