"""Filters: a typed widget for labels and each attribute; all are part of the link."""

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from core import search
from core.types import Filter
from pages.parts import formatting, session

IS, NOT, HAS, FROM_TO, FROM, TO = "is", "not", "has", "range", "from", "to"


def popover(fields: Sequence[Any], *, of: str = "") -> tuple[Filter, ...]:
    """A button that opens the filters, with the number of active ones.

    Args:
        fields: the fields to filter by.
        of: prefix of the names in the link, for filters of another page.
    """
    fields = [field for field in fields if field.name != "kind"]
    names = [(f"{of}{name}", default) for name, default in _names(fields)]
    active = sum(_differs(session.peek(name, default), default) for name, default in names)
    label = f"Filters · {active}" if active else "Filters"
    with (
        st.popover(label, icon=":material/tune:", key=f"_{of}filters"),
        st.container(key=f"{of}filters", width=420),
    ):
        chosen = [f for field in fields for f in _widgets(field, of)]
        st.button(
            "Clear filters",
            key=f"_{of}clear_filters",
            type="tertiary",
            disabled=not active,
            on_click=session.forget,
            args=tuple(name for name, _ in names),
        )
    return tuple(chosen)


def named(name: str) -> bool:
    """Whether a name in the link is a filter's."""
    return name.partition(".")[0] in (IS, NOT, HAS, FROM_TO, FROM, TO) and "." in name


def _names(fields: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The names of the filters in the link, each with its neutral value."""
    for field in fields:
        if field.type in ("int", "float") and field.step is None:
            yield from ((f"{FROM}.{field.name}", ""), (f"{TO}.{field.name}", ""))
        elif field.type in ("int", "float"):
            yield f"{FROM_TO}.{field.name}", (field.low, field.high)
        elif field.type == "bool":
            yield f"{IS}.{field.name}", ()
        elif field.values:
            yield from ((f"{IS}.{field.name}", ()), (f"{NOT}.{field.name}", ()))
        else:
            yield f"{HAS}.{field.name}", ""


def _widgets(field: Any, of: str) -> Iterator[Filter]:
    title = formatting.plain(field.name.replace("_", " ").capitalize())
    if field.type in ("int", "float") and field.step is None:
        yield from _typed(field, title, of)
    elif field.type in ("int", "float"):
        yield from _range(field, title, of)
    elif field.type == "bool":
        yield from _yes_no(field, title, of)
    elif field.values:
        yield from _choices(field, title, of)
    elif field.type == "str":
        text = session.linked(f"{of}{HAS}.{field.name}", "", st.text_input, f"{title} contains")
        if text.strip():
            yield Filter(field.name, "contains", (text.strip(),))


def _choices(field: Any, title: str, of: str) -> Iterator[Filter]:
    by_text = {str(value): value for value in field.values}
    for name, op, label in ((IS, "in", "is any of"), (NOT, "not in", "is none of")):
        chosen = session.linked(
            f"{of}{name}.{field.name}", (), st.multiselect, f"{title} {label}", list(by_text),
            format_func=formatting.plain, placeholder="Any" if name == IS else "None",
        )  # fmt: skip
        values = tuple(by_text[text] for text in chosen if text in by_text)
        if values:
            yield Filter(field.name, op, values)


def _range(field: Any, title: str, of: str) -> Iterator[Filter]:
    low, high = field.low, field.high
    if low == high:
        return
    name = f"{of}{FROM_TO}.{field.name}"
    current = tuple(session.peek(name, (low, high)))
    if len(current) != 2 or not low <= current[0] <= current[1] <= high:
        session.preset(name, (low, high))
    chosen = session.linked(name, (low, high), st.slider, title, low, high, step=field.step)
    if tuple(chosen) != (low, high):
        yield Filter(field.name, "between", tuple(chosen))


def _typed(field: Any, title: str, of: str) -> Iterator[Filter]:
    """Two numbers as text, where no slider holds the range, as of ids of 19 digits.

    Text that is no number stays text: the search rejects it with a sentence.
    """
    with st.container(horizontal=True, gap="small"):
        texts = [
            session.linked(
                f"{of}{name}.{field.name}", "", st.text_input, f"{title} {name}", placeholder="any"
            ).strip()
            for name in (FROM, TO)
        ]
    if any(texts):
        ends = tuple(search.read_number(text) if text else None for text in texts)
        yield Filter(field.name, "between", ends)


def _yes_no(field: Any, title: str, of: str) -> Iterator[Filter]:
    by_text = {"yes": True, "no": False}
    chosen = session.linked(
        f"{of}{IS}.{field.name}",
        (),
        st.pills,
        title,
        list(by_text),
        among=list(by_text),
        selection_mode="multi",
    )
    values = tuple(by_text[text] for text in chosen if text in by_text)
    if values:
        yield Filter(field.name, "in", values)


def _differs(value: Any, default: Any) -> bool:
    return (tuple(value) if isinstance(default, tuple) else value) != default
