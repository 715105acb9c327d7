"""The bar on top: menu, collection, encoder, running job."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from core import ASSETS
from core.errors import StoreError, UnknownName
from core.types import Passport
from pages.parts import encoder_steps, formatting, newer_starter, problems, session, state

LOGO = str(ASSETS / "logo.svg")
ICON = str(ASSETS / "icon.svg")
OPEN_PAGE = "open_page"
ABOUT = (
    "**Sextant**: multimodal search over images and texts, and measurements of the geometry of "
    "their embeddings. All data stays on this computer."
)


def bar(page: st.Page, pages: Sequence[st.Page]) -> None:
    """Draw the bar, and choose the collection and the encoder of the page.

    Args:
        page: the open page.
        pages: all pages, for the menu of narrow screens.
    """
    st.html(ASSETS / "frame.css")
    st.logo(LOGO, size="large")
    with problems.shown(stop=True):
        names = state.workbench().names()
        problem = _settle(names)
        with st.container(
            key="frame", horizontal=True, horizontal_alignment="right", gap="small",
            vertical_alignment="center",
        ):  # fmt: skip
            _menu(page, pages)
            if session.get(OPEN_PAGE, "") != page.url_path:
                session.store(OPEN_PAGE, page.url_path)
                session.store(state.OPENED_FROM, "")  # an item stays open on its own page only
            _job()
            if names and not problem:
                session.linked(
                    state.COLLECTION, "", st.selectbox, "Collection", names,
                    label_visibility="collapsed", icon=":material/folder_open:",
                    width=210, on_change=_another,
                )  # fmt: skip
                with suppress(StoreError):  # the page says it, where it needs the collection
                    _encoder()
                    _recipe()
        with suppress(StoreError):
            newer_starter.offer()
    if problem:
        _unknown(problem, names)


def _menu(page: st.Page, pages: Sequence[st.Page]) -> None:
    """The pages as a menu named after the open one; shown where the bar has no room for links."""
    chosen = st.menu_button(
        page.title, pages, key="_menu", type="tertiary", icon=":material/menu:",
        format_func=lambda one: one.title,
    )  # fmt: skip
    if chosen:
        st.switch_page(chosen)


def _settle(names: tuple[str, ...]) -> UnknownName | None:
    """Choose the collection in the link or the session, else one that can be read; the problem."""
    name = session.read(state.COLLECTION, "") or state.collection()
    if name in names:
        return None
    if not names:
        session.write(state.COLLECTION, "")
    elif not name:
        first = next(filter(_readable, names), names[0])
        session.write(state.COLLECTION, first)
        session.preset(state.COLLECTION, first)
    return UnknownName("collection", name, names) if name else None


def _readable(name: str) -> bool:
    with suppress(StoreError):
        return bool(state.workbench().card(name) and state.workbench().version(name))
    return False


def _unknown(problem: UnknownName, names: tuple[str, ...]) -> None:
    """Ends the page: nothing is shown from another collection than the one in the link."""
    if not names:
        problems.show(problem)
        return
    problems.nothing("Collection not found", formatting.plain(problem), icon=":material/link_off:")
    with st.container(horizontal=True, horizontal_alignment="center"):
        st.selectbox(
            "Collection", names, index=None, placeholder="Choose a collection",
            key="_instead", label_visibility="collapsed", width=280, on_change=_instead,
            icon=":material/folder_open:",
        )  # fmt: skip
    st.stop()


def _instead() -> None:
    """Open the chosen collection in place of the one that does not exist."""
    _another()
    session.open_link(state.COLLECTION, [session.value_of("_instead") or ""])


def _another() -> None:
    """Another collection: items, encoder and page of the last one do not apply."""
    session.forget(state.ENCODER, state.RECIPE, state.ALSO, state.PAGE)


def _encoder() -> None:
    encoders = state.workbench().encoders(state.collection())
    if not encoders:
        return
    if len(encoders) > 1:
        session.linked(
            state.ENCODER, encoders[0], st.selectbox, "Encoder", encoders, among=encoders,
            label_visibility="collapsed", width=150,
        )  # fmt: skip
    model = state.encoder() or encoders[0]
    passport = state.workbench().passport(state.collection(), model)
    label = formatting.plain(formatting.shorten(model, 28)) if len(encoders) == 1 else "passport"
    st.badge(label, icon=":material/id_card:", color="gray", help=_passport(passport))


def _recipe() -> None:
    """Which recipe repairs the space, where the collection has any."""
    if not state.workbench().encoders(state.collection()):
        return
    names = ["", *state.workbench().recipes(state.as_encoded())]
    if len(names) > 1:
        session.linked(
            state.RECIPE, "", st.selectbox, "Recipe", names, among=names,
            format_func=lambda name: name or "As encoded", label_visibility="collapsed",
            width=170, icon=":material/build:", filter_mode=None,
        )  # fmt: skip


def _passport(passport: Passport) -> str:
    """How the vectors were computed, as a table."""
    rows = {
        "Model": passport.model,
        "Weights": passport.weights[:12] or "unknown",
        "Identity": _identity(passport),
        "Preprocessing": passport.preprocessing or "unknown",
        "Dimensions": f"{passport.d}, {'unit' if passport.normalised else 'any'} length",
        "Backend": passport.backend,
        "Version": passport.version or "unknown",
    }
    lines = [
        f"| {name} | {formatting.plain(formatting.shorten(v, 80))} |" for name, v in rows.items()
    ]
    return "\n".join(["| Encoder passport | |", "|---|---|", *lines])


def _identity(passport: Passport) -> str:
    """The digest of weights and configuration, or why there is none."""
    if passport.configuration:
        return f"{passport.identity[:12]} (weights and configuration)"
    return "unknown: stored without the configuration, which cannot be checked"


def _job() -> None:
    if any(job.state == "running" for job in state.workbench().jobs.all()):
        _progress()


@st.fragment(run_every=1.0)
@problems.guarded
def _progress() -> None:
    """The running job, updated every second; the page is drawn again when it ends."""
    running = [job for job in state.workbench().jobs.all() if job.state == "running"]
    if not running:
        st.rerun()
    job = running[0]
    done = min(job.done / job.total, 1.0) if job.total else 0.0
    more = f" (+{len(running) - 1})" if len(running) > 1 else ""
    with st.container(key="job", width=330):
        steps = "".join(f" · {line}" for line in encoder_steps.lines())
        title, sentence = formatting.plain(job.title), formatting.plain(job.sentence)
        st.progress(done, f"{title}{more} · {sentence}{steps}")
