"""Ranking: presets with what each gains on the collection's own pairs, and every single option.

All but the stored token vectors are part of the link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.improve import HUB_CORRECTIONS
from core.registry import Registry
from core.search import RERANKERS
from core.types import FirstStage, FullText, Pooling, Query, StoredTokens, Template
from core.workbench import tasks
from pages.parts import formatting, jobs, problems, session, state

# Names in the link of what a ranking sets in a query.
SETTINGS = {
    "full_text": "words", "template": "template", "first_stage": "first",
    "hub_correction": "hubs", "rerank": "rerank",
}  # fmt: skip
NAMES = tuple(SETTINGS.values())
PREFER = "prefer"  # in the link, once for each value


@dataclass(frozen=True, slots=True)
class Preset:
    """A ranking by name: what it sets in a query, other options being off."""

    title: str
    settings: Mapping[str, str]
    about: str


PRESETS = {
    "plain": Preset("Plain", {}, "Cosine similarity alone."),
    "hubs": Preset(
        "Fewer hubs", {"hub_correction": "nnn"},
        "Items that are near to every query move down (NNN).",
    ),
    "words": Preset(
        "Exact words too", {"full_text": "sum"},
        "Also finds the words of the query in captions, labels and names.",
    ),
    "parts": Preset(
        "By parts", {"rerank": "max_sim"},
        "Each word is compared with each part of an image (MaxSim).",
    ),
}  # fmt: skip
CUSTOM = "Custom"
VERB = "measure_rankings"
FULL_TEXT: dict[FullText, str] = {"": "Vectors only", "rrf": "Rank fusion", "sum": "Weighted sum"}
ABOUT_FULL_TEXT = (
    "Also searches captions, labels and names for the words of the query, and fuses both rankings."
)
TEMPLATES: dict[Template, str] = {
    "": "None",
    "photo": "a photo of a ...",
    "ensemble": "Mean of several templates",
}
ABOUT_TEMPLATE = "Applied to text queries of one to three words."
FIRST_STAGES: dict[FirstStage, str] = {
    "": "Exact",
    "ivf": "Approximate (IVF)",
    "muvera": "Token vectors (MUVERA)",
    "compressed": "Kept codes (Compress)",
}
ABOUT_FIRST_STAGE = "How candidates are found, before fusion and reranking."
ABOUT_STAGE: dict[FirstStage, str] = {
    "": "",
    "ivf": "Faster on large collections at a recall below 1, which is measured on this collection "
    "and shown with the results. The first search builds the index, about a minute for a million "
    "items.",
    "muvera": "One long vector per item encodes its patch or text tokens; the best candidates are "
    "reranked by MaxSim. Experimental: recall on held-out images is below that of single vectors "
    "(More > Measurements). The first search builds the index, a minute for 200,000 items. "
    "P(match) and p-values still use the single vector.",
    "compressed": "The codes that More > Compress keeps rank all items; full vectors rescore the "
    "best, as many as kept the recall that was chosen there.",
}
ABOUT_PREFER = (
    "Items with these labels or attributes move up, others stay, by the weight that the kept codes "
    "have. To leave others out, use Filters."
)
ABOUT_TOKENS = "Needed by MUVERA and MaxSim. Also stored by `sextant tokens NAME`."
POOLINGS = (
    *(Pooling(clusters, keep=k) for clusters in ("ward", "kmeans") for k in (8, 4, 16)),
    *(Pooling(clusters, ratio=r) for clusters in ("ward", "kmeans") for r in (0.25, 0.5)),
)


def popover(fields: Sequence[Any]) -> dict[str, Any]:
    """A button that opens the options, with the one chosen; returns the settings of a `Query`.

    Args:
        fields: of which queries may prefer values.
    """
    now = {name: session.peek(link, "") for name, link in SETTINGS.items()}
    chosen = _preset(now)
    title = PRESETS[chosen].title if chosen else CUSTOM
    with (
        st.popover(f"Ranking: {title}", icon=":material/swap_vert:", key="_ranking"),
        st.container(key="ranking", width=420),
    ):
        _presets(chosen, {name: value for name, value in now.items() if value})
        with st.expander("More", key="_more_ranking", expanded=not chosen):
            return _options(fields)


def preset_of(query: Query) -> str:
    """The preset that ranks as a query does, "" where none does."""
    return _preset({name: getattr(query, name) for name in SETTINGS})


def settings_of(preset: Preset) -> dict[str, str]:
    """What a preset sets in a query, other options off."""
    return dict.fromkeys(SETTINGS, "") | preset.settings


def title_of(settings: Mapping[str, str]) -> str:
    """A ranking in words: its preset's name, else what it sets."""
    return PRESETS[name].title if (name := _preset(settings)) else ", ".join(settings.values())


def _preset(settings: Mapping[str, str]) -> str:
    wanted = {name: value for name, value in settings.items() if value}
    return next((name for name, preset in PRESETS.items() if preset.settings == wanted), "")


def _presets(chosen: str, now: Mapping[str, str]) -> None:
    """The presets with their gains; a button that measures those which are not."""
    unmeasured: list[dict[str, str]] = []
    about = {}
    for name, preset in PRESETS.items():
        about[name] = f"{preset.about} {_gain(preset.settings, unmeasured)}"
    if not chosen:
        about[CUSTOM] = f"As set under More. {_gain(now, unmeasured)}"
    session.set_widget("_preset", chosen or CUSTOM)
    st.radio(
        "Ranking", list(about), key="_preset", captions=list(about.values()), on_change=_choose,
        format_func=lambda name: PRESETS[name].title if name in PRESETS else name,
        label_visibility="collapsed",
    )  # fmt: skip
    _basis()
    measuring(unmeasured)


def _basis() -> None:
    """What the measured gains rest on."""
    gains = state.workbench().ranking_gains(state.opened())
    for about in dict.fromkeys(gain.basis for gain in gains.values()):
        st.caption(formatting.plain(about))


def _choose() -> None:
    preset = PRESETS.get(session.value_of("_preset"))
    for name, value in settings_of(preset).items() if preset else ():
        session.preset(SETTINGS[name], value)
        session.write(SETTINGS[name], value)


def _gain(settings: Mapping[str, str], unmeasured: list[dict[str, str]]) -> str:
    """What a ranking gained on the collection's pairs; adds it to `unmeasured` where it can be."""
    if not settings:
        return ""
    with problems.shown():
        bench, opened = state.workbench(), state.opened()
        gain = bench.ranking_gain(opened, settings)
        if gain:
            return f"**{formatting.plain(gain.result)}**"
        lack = bench.ranking_lack(opened, settings)
        if not lack:
            unmeasured.append(dict(settings))
        return formatting.plain(lack or "Not measured here.")
    return ""


def measuring(unmeasured: list[dict[str, str]]) -> None:
    """A button that starts the measurement, its progress, or why it failed."""
    name, encoder, jobs_ = state.collection(), state.encoder(), state.workbench().jobs.all()
    mine = [j for j in jobs_ if j.verb == VERB and j.arguments.get("name") == name]
    if mine and mine[0].state == "running":
        jobs.one(mine[0])
        return
    if mine and mine[0].state == "failed" and unmeasured:
        st.caption(formatting.plain(mine[0].sentence))
    if unmeasured and st.button(
        "Measure on my pairs", key="_measure_rankings", icon=":material/labs:",
        help="Recall@10 of up to 1,000 captions with each ranking and without; stored.",
    ):  # fmt: skip
        tasks.start(
            state.workbench(), VERB, f"Gains of rankings on {name}",
            name=name, encoder=encoder, rankings=unmeasured,
        )  # fmt: skip
        st.rerun()


def _options(fields: Sequence[Any]) -> dict[str, Any]:
    full_text: FullText = session.linked(
        "words", "", st.selectbox, "Full text", list(FULL_TEXT), among=list(FULL_TEXT),
        format_func=FULL_TEXT.__getitem__, help=ABOUT_FULL_TEXT, filter_mode=None,
    )  # fmt: skip
    template: Template = session.linked(
        "template", "", st.selectbox, "Prompt template", list(TEMPLATES),
        among=list(TEMPLATES), format_func=TEMPLATES.__getitem__, help=ABOUT_TEMPLATE,
        filter_mode=None,
    )  # fmt: skip
    first_stage = _first_stage()
    preferred = _preferred(fields)
    correction = hub_correction()
    rerank = _part("rerank", "Reranker", RERANKERS)
    _token_vectors(open_=bool(rerank and RERANKERS.get(rerank).traits.get("tokens")))
    st.caption("Effect of each option on recall: More > Measurements.")
    return {
        "full_text": full_text,
        "template": template,
        "first_stage": first_stage,
        "hub_correction": correction,
        "rerank": rerank,
        "preferred": preferred,
    }


def hub_correction() -> str:
    """The hubness correction, for search and for recall."""
    return _part("hubs", "Hubness correction", HUB_CORRECTIONS)


def _first_stage() -> FirstStage:
    """The first stage, among those available for this collection."""
    with problems.shown():
        available = state.workbench().first_stages(state.opened())
        linked: FirstStage = session.peek("first", "")
        among = [*available]
        if linked in FIRST_STAGES and linked not in available:
            among.append(linked)
        chosen: FirstStage = ""
        if len(among) > 1:
            chosen = session.linked(
                "first", "", st.selectbox, "First stage", among, among=among,
                format_func=FIRST_STAGES.__getitem__, help=ABOUT_FIRST_STAGE, filter_mode=None,
            )  # fmt: skip
        if ABOUT_STAGE[chosen]:
            st.caption(ABOUT_STAGE[chosen])
        return chosen
    return ""


def _preferred(fields: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Values of fields that the query prefers, where the kept codes have attributes."""
    kept = state.workbench().kept_way(state.opened())
    if not kept or not kept.get("attributes"):
        return ()
    values = [
        (field.name, text)
        for field in fields
        for text in (("true", "false") if field.type == "bool" else map(str, field.values))
        if field.name != "kind"
    ]
    by_text = {f"{name} = {text}": (name, text) for name, text in values}
    chosen = session.linked(
        PREFER, (), st.multiselect, "Prefer", list(by_text), among=list(by_text),
        format_func=formatting.plain, placeholder="None", help=ABOUT_PREFER,
    )  # fmt: skip
    return tuple(by_text[text] for text in chosen)


def _part(name: str, title: str, registry: Registry[Any]) -> str:
    parts = registry.all()
    chosen: str = session.linked(
        name, "", st.selectbox, title, ["", *parts], among=["", *parts], filter_mode=None,
        format_func=lambda part: parts[part].title if part else "None",
    )  # fmt: skip
    if chosen:
        st.caption(parts[chosen].summary)
    return chosen


def _token_vectors(*, open_: bool) -> None:
    """How many items have token vectors and how they were pooled; a button to store them."""
    with problems.shown(), st.expander("Token vectors", expanded=open_, key="_token_vectors"):
        stored, n = state.workbench().tokens_stored(state.opened()), state.space().n
        st.caption(_stored(stored, n))
        if not stored.items:
            st.caption(ABOUT_TOKENS)
        usual = max(stored.poolings, key=stored.poolings.get) if stored.poolings else Pooling().name
        names = list(dict.fromkeys([usual, *(pooling.name for pooling in POOLINGS)]))
        chosen = st.selectbox(
            "Pooling per item", names, key="_pooling", filter_mode=None,
            format_func=lambda name: Pooling.parse(name).sentence,
        )  # fmt: skip
        other = stored.items and not stored.poolings.get(chosen, 0)
        label = "Replace token vectors" if other else "Store token vectors"
        if stored.poolings.get(chosen, 0) < n and st.button(
            label, key="_tokens", icon=":material/grain:"
        ):
            _store(Pooling.parse(chosen))


def _stored(stored: StoredTokens, n: int) -> str:
    share = f"{stored.items:,} of {n:,} items have token vectors"
    if not stored.items:
        return f"{share}."
    poolings = [Pooling.parse(name).sentence for name in stored.poolings]
    if len(poolings) > 1:
        poolings = [
            f"{Pooling.parse(name).sentence} ({k:,} items)" for name, k in stored.poolings.items()
        ]
    size = f"{stored.bytes_per_item:,.0f} bytes each"
    return formatting.plain(f"{share}, {size}: {', '.join(poolings)}.")


def _store(pooling: Pooling) -> None:
    name = state.collection()
    tasks.start(
        state.workbench(), "add_tokens", f"Token vectors of {name}",
        name=name, encoder=state.encoder(), pooling=pooling.name,
    )  # fmt: skip
    st.rerun()
