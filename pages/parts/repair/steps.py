"""The steps of a recipe with their settings, part of the link, and a suggestion."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.improve import HUB_CORRECTIONS, REPAIRS, Step, parse_steps
from core.registry import Choices, Param, Plugin
from core.workbench import Repaired
from pages.parts import controls, formatting, problems, session, state
from pages.parts.repair import effect, work

ABOUT = (
    f"Compares a grid of recipes, among them to change nothing, for {work.SECONDS:.0f} seconds on "
    "pairs of "
    "the half that repairs are fitted on. The held-out pairs then judge the best of them."
)


def choose() -> tuple[Step, ...] | None:
    """The chosen steps in order, each with the settings that differ from its defaults.

    None while a suggestion is computed.
    """
    parts = _parts()
    with problems.shown():
        _read_link(parts)
    with st.container(horizontal=True, vertical_alignment="bottom", key="repair_steps"):
        names = session.linked(
            "step", ("",)[:0], st.multiselect, "Steps, in order", list(parts), among=list(parts),
            format_func=lambda name: parts[name].title,
            placeholder="Choose one repair or several; a hubness correction comes last",
            on_change=lambda: session.store(state.SUGGESTING, False),
        )  # fmt: skip
        kind = "secondary" if names else "primary"
        if st.button("Suggest", icon=":material/lightbulb:", help=ABOUT, type=kind):
            session.store(state.SUGGESTING, True)
    if session.get(state.SUGGESTING, False):
        with problems.shown():
            _suggest()
        return None
    hubs = [name for name in names if name in HUB_CORRECTIONS.all()]
    ordered = [name for name in names if name not in hubs] + hubs[:1]
    if len(hubs) > 1:
        st.caption(f"One hubness correction at a time: {parts[hubs[0]].title} is used.")
    _tried()
    return tuple(Step(name, _settings(parts[name])) for name in ordered)


def recommended(found: Repaired) -> None:
    """Repairs that answer what was measured before, each one click away."""
    parts, names = _parts(), found.recommended
    if not names:
        st.caption("Choose a repair, or let Sextant compare a grid of them: Suggest.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Recommended by what was measured:", width="content")
        for name, reason in names.items():
            if st.button(
                parts[name].title, key=f"_recommended_{name}", help=formatting.plain(reason),
                icon=":material/add:",
            ):  # fmt: skip
                session.preset("step", (name,))
                st.rerun()


def _parts() -> Mapping[str, Plugin[Any]]:
    return {**REPAIRS.all(), **HUB_CORRECTIONS.all()}


def _read_link(parts: Mapping[str, Plugin[Any]]) -> None:
    """Steps with their settings, as the command line writes them, go into the controls."""
    names = session.read("step", ("",)[:0])
    if not set(names) <= set(parts):
        _preset(parse_steps(",".join(names)))


def _preset(steps: Sequence[Step]) -> None:
    for step in steps:
        for param in _parts()[step.name].params:
            session.preset(
                f"{step.name}.{param.name}", step.settings.get(param.name, param.default)
            )
    session.preset("step", tuple(step.name for step in steps))


def _settings(part: Plugin[Any]) -> dict[str, Any]:
    """The settings of a part by controls with its name, in one row."""
    values: dict[str, Any] = {}
    with st.container(border=True, key=f"_step_{part.name}"):
        st.markdown(f"**{part.title}** :small[:gray[{formatting.plain(part.summary)}]]")
        if part.params:
            with st.grid(4, min_column_width=190):
                for param in part.params:
                    value = _setting(part.name, param)
                    if value != param.default:
                        values[param.name] = value
    return values


def _setting(part: str, param: Param) -> Any:
    name, label = f"{part}.{param.name}", param.name.replace("_", " ").capitalize()
    if isinstance(param.allowed, Choices):
        options = list(param.allowed.values)
        return session.linked(
            name, param.default, st.selectbox, label, options, among=options,
            help=param.allowed.help, filter_mode=None,
        )  # fmt: skip
    low, high = param.type(param.allowed.low), param.type(param.allowed.high)
    value = session.read(name, param.default)
    if not low <= value <= high:
        session.forget(name)
    return session.linked(
        name, param.default, st.number_input, label, min_value=low, max_value=high,
        step=1 if param.type is int else None, help=param.allowed.help,
        format=None if param.type is int else "%.4g",
    )  # fmt: skip


def _suggest() -> None:
    """Find the best recipe of the grid and put its steps into the controls."""
    result = work.suggested()
    if result is None:
        return
    session.store(state.SUGGESTING, False)
    session.store(state.TRIED, (state.as_encoded().space.key, result.tried, result.rejected))
    _preset(result.recipe.steps)
    st.rerun()


def _tried() -> None:
    """What the last suggestion on these vectors compared."""
    key, tried, rejected = session.get(state.TRIED, ("", (), ""))
    if not tried or key != state.as_encoded().space.key:
        return
    if rejected:
        st.info(formatting.plain(rejected), icon=":material/info:")
    best, rows = tried[0], [{"steps": steps, effect.JUDGED: score} for steps, score in tried]
    title = f"{len(tried)} recipes compared on pairs of the training half; first: {best[0]}"
    with st.expander(title):
        st.dataframe(
            rows, hide_index=True,
            column_config={effect.JUDGED: st.column_config.NumberColumn(format="percent")},
        )  # fmt: skip
        controls.download(rows, "recipes-compared")
