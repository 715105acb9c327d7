"""Which ways are measured and what they cost: a figure, a table, a sentence."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.improve import parse_way
from core.measure import points
from core.workbench import Lab, Way, documents
from pages.parts import charts, controls, formatting, problems, session, state

LEVELS, LEVEL = (0.9, 0.95, 0.99, 0.995, 0.999), 0.99
TASKS = {**controls.DIRECTIONS, "image_to_image": "Image → image"}
AID = (
    "Share of the exact first ten among the first ten by codes alone, with 95% intervals over "
    "queries. Line: no smaller way reaches this recall in the task that loses most."
)
ABOUT = (
    "Names with settings, such as rabitq:bits=3 or pq:parts=48. OPQ, RepCONC and SimVQ are "
    "measured when named; they take about a minute each. Attributes keeps labels and attributes "
    "beside each vector."
)


def choose() -> tuple[float, tuple[str, ...]]:
    """The recall to keep and the ways to measure; parts of the link."""
    bench, space = state.workbench(), state.space()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = session.linked(
            "recall", LEVEL, st.selectbox, "Keep recall@10 of", list(LEVELS), among=LEVELS,
            format_func=percent_of, filter_mode=None, width=170,
        )  # fmt: skip
        also = session.linked(
            "also_way", ("",)[:0], st.multiselect, "Measure also", _offered(),
            accept_new_options=True, placeholder="Another way, such as rabitq:bits=3", help=ABOUT,
        )  # fmt: skip
    names = list(bench.way_names(space.n, space.d))
    for text in also:
        with problems.shown():
            names += [str(parse_way(text))]
    return level, tuple(dict.fromkeys(names))


def percent_of(level: float) -> str:
    """A level in percent.

    >>> percent_of(0.995)
    '99.5%'
    """
    return f"{100 * level:g}%"


def show(lab: Lab) -> None:
    """The sentence, the figure and the table."""
    found = lab.suggested is not None
    box, icon = (st.success, "check_circle") if found else (st.info, "info")
    said = f"Suggested: {lab.sentence}" if found else lab.sentence
    box(formatting.plain(said), icon=f":material/{icon}:")
    _figure(lab)
    _table(lab)


def chosen(lab: Lab) -> Way:
    """The way that is looked at, by default the suggested one; part of the link."""
    names = [way.name for way in lab.ways]
    usual = lab.suggested.name if lab.suggested else "float16"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = session.linked(
            "way", usual, st.selectbox, "Way", names, among=names, width=360,
        )  # fmt: skip
        if name != usual and st.button("Suggest", icon=":material/lightbulb:"):
            session.preset("way", usual)
            st.rerun()
    return next(way for way in lab.ways if way.name == name)


def _offered() -> list[str]:
    given = session.read("also_way", ("",)[:0])
    return list(dict.fromkeys(["opq", "repconc", "simvq", "rabitq:bits=3", "attributes", *given]))


def _figure(lab: Lab) -> None:
    figure, rows = go.Figure(), list[dict[str, Any]]()
    line = lab.frontier
    figure.add_scatter(
        x=[way.bytes_per_item for way in line], y=[way.least(rescored=False) for way in line],
        mode="lines", line={"color": charts.OTHER, "width": 1.5}, name="frontier", hoverinfo="skip",
    )  # fmt: skip
    for task, color in zip([task.name for task in lab.tasks], charts.PALETTE, strict=False):
        values = [way.recall[task] for way in lab.ways]
        figure.add_scatter(
            x=[way.bytes_per_item for way in lab.ways], y=[value for value, _, _ in values],
            mode="markers", name=TASKS[task], marker={"color": color, "size": 9},
            error_y={
                "array": [high - value for value, _, high in values],
                "arrayminus": [value - low for value, low, _ in values],
                "thickness": 2, "width": 0,
            },
            customdata=[way.name for way in lab.ways],
            hovertemplate="%{customdata}<br>%{x:,.0f} bytes an item<br>recall@10 %{y:.1%}",
        )  # fmt: skip
        rows += [
            {"way": way.name, "task": task, "bytes an item": way.bytes_per_item,
             "recall@10": way.recall[task][0], "low": way.recall[task][1],
             "high": way.recall[task][2]}
            for way in lab.ways
        ]  # fmt: skip
    best = lab.suggested
    if best:
        figure.add_scatter(
            x=[best.bytes_per_item] * len(best.recall),
            y=[value for value, _, _ in best.recall.values()],
            mode="markers", name="suggested", hoverinfo="skip",
            marker={"color": charts.OTHER, "size": 18, "symbol": "circle-open",
                    "line": {"width": 2}},
        )  # fmt: skip
    sizes = sorted({size for n in range(3, 15) for size in (2**n, 3 * 2 ** (n - 1))})
    figure.update_xaxes(
        title="bytes an item, codebooks and rotations included",
        type="log",
        tickvals=sizes,
        ticktext=[f"{size:,}" for size in sizes],
    )
    figure.update_yaxes(title="recall@10", tickformat=".0%")
    charts.chart(
        figure, key="_ways", aid=AID, rows=rows, height=400,
        alt=f"Recall against bytes an item of {len(lab.ways)} ways. {lab.sentence}",
    )  # fmt: skip


def _table(lab: Lab) -> None:
    line, names = lab.frontier, [task.name for task in lab.tasks]
    rows = [
        {
            "way": way.name,
            "bytes an item": way.bytes_per_item,
            "codes alone": way.code_bytes,
            **{f"recall@10, {TASKS[name]}": 100 * way.recall[name][0] for name in names},
            "rescored": way.shortlist,
            "ms per query": way.ms_per_query,
            **{f"own pairs, {TASKS[name]}": points(*way.pairs[name]) for name in way.pairs},
            "score error": way.score_error,
            "fit, s": way.fit_seconds,
            "loses most": _loser(way),
            "frontier": way in line,
        }
        for way in lab.ways
    ]
    st.dataframe(
        rows, hide_index=True, height="content",
        column_config={
            "way": st.column_config.TextColumn(pinned=True, width=230),
            "bytes an item": st.column_config.NumberColumn(format="%.0f"),
            "codes alone": st.column_config.NumberColumn(
                format="%.0f", help="What remains of it as a collection grows"
            ),
            **{
                f"recall@10, {TASKS[name]}": st.column_config.NumberColumn(
                    TASKS[name], format="%.1f%%", help="recall@10 of the exact results, by codes"
                )
                for name in names
            },
            "rescored": st.column_config.NumberColumn(
                help="Results that full vectors rescore to keep the chosen recall@10 in every "
                f"task; each reads {4 * lab.d:,} bytes"
            ),
            **{
                f"own pairs, {TASKS[name]}": st.column_config.TextColumn(
                    help="Gain in recall@10 of your own pairs against float vectors, in points, "
                    "with its 95% interval"
                )
                for name in names
            },
            "score error": st.column_config.NumberColumn(format="%.4f"),
            "ms per query": st.column_config.NumberColumn(format="%.2f"),
            "fit, s": st.column_config.NumberColumn(format="%.1f"),
        },
    )  # fmt: skip
    queries = ", ".join(f"{len(task.queries):,} {TASKS[task.name]}" for task in lab.tasks)
    st.caption(
        f"Held-out queries: {queries}. Half of them choose how many results are rescored; recall "
        "is that of the others. The same as JSON:"
    )
    for row in lab.indexes:
        value, low, high = (100 * x for x in row.recall)
        st.caption(
            f"Approximate index (IVF) of {row.kind}s: recall@10 {value:.1f}% ({low:.1f} to "
            f"{high:.1f}), {row.bytes_per_item:,.0f} bytes an item, full vectors rescore "
            f"{row.rescored:,}. Search uses it with Ranking > First stage; it is faster, not "
            "smaller: float vectors stay in memory."
        )
    for name, reason in lab.left_out.items():
        st.caption(formatting.plain(f"Not measured: {name}. {reason}"))
    st.code(command(*_options(lab)), language=None, wrap_lines=True)


def command(*options: str) -> str:
    """The command that measures the same vectors, with these options."""
    chosen = {"--encoder": state.encoder(), "--recipe": state.recipe()}
    own = [word for option, name in chosen.items() if name for word in (option, name)]
    return documents.command("compress", state.collection(), *own, *options, "--json")


def _options(lab: Lab) -> list[str]:
    """Those of the command that measures the same ways."""
    measured = [*(way.name for way in lab.ways), *lab.left_out]
    more = set(measured) - set(state.workbench().way_names(lab.n, lab.d))
    options = ["--only", ",".join(measured)] if more else []
    return options if lab.level == LEVEL else [*options, "--recall", f"{lab.level:g}"]


def _loser(way: Way) -> str:
    if way.loser is None:
        return ""
    group = way.loser.group
    return group if way.loser_by == "label" else f"items in {group} lists"
