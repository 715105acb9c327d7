"""One item in full: picture, captions, labels, attributes, its neighbours."""

from collections.abc import Sequence

import streamlit as st

from core.explanation import Explanation
from core.types import Item, Part, Query
from pages.parts import actions, gallery, labelled, problems, state, why, words

NEIGHBOURS = 8
ASKED = "viewer_asked"


def browse(
    cards: Sequence[gallery.Card], *, key: str, size: int = 200, asked: Query | None = None
) -> None:
    """A grid whose cards open the viewer, and whose "more like this" goes to Search.

    `asked` is the question that the cards answer; the viewer then says why they do.
    """
    what, id_ = gallery.show(cards, key=key, size=size)
    if what == "open":
        open(id_, among=[card.id for card in cards], asked=asked)
    elif what == "like":
        actions.like(id_)


def open(id_: str, *, among: Sequence[str] = (), asked: Query | None = None) -> None:
    """Show an item over the page, in the run in which it was clicked.

    Args:
        id_: the item.
        among: ids that the arrow keys walk through.
        asked: the question that it answers, where there was one.
    """
    state.keep(state.VIEWED, id_)
    state.keep(ASKED, asked)
    state.keep(state.AMONG, tuple(among))
    st.dialog(words.plain(state.collection()), width="large")(_body)()


def _body() -> None:
    id_ = state.kept(state.VIEWED, "")
    with problems.shown():
        item = state.items([id_]).get(id_)
        if item is None:
            st.caption("This item is no longer in the collection.")
            return
        partners = state.workbench().partners(state.collection(), id_)
        picture, about = st.columns([1.35, 1], gap="medium")
        with about:
            _about(item, partners)
            actions.show(item)
            _walk(id_)
        with picture:
            reason = _reason(item)
            with st.container(key="whole"):
                if reason and reason.maps:
                    why.picture(item, reason)
                else:
                    _whole(item)
        labelled.show(item)
        if reason:
            _go(*why.rest(reason))
        else:
            _neighbours(item)


def _reason(item: Item) -> Explanation | None:
    """Why the item answers the question, when it came out of one and the person wants to know."""
    asked: Query | None = state.kept(ASKED, None)
    if asked is None or item.id not in state.kept(state.AMONG, ()):
        return None
    if not st.toggle("Why this result", key="_why"):
        return None
    with problems.shown():
        return why.found(item, asked)
    return None


def _walk(id_: str) -> None:
    """To the item before or after, also with the arrow keys."""
    among = state.kept(state.AMONG, ())
    at = among.index(id_) if id_ in among else -1
    if at < 0 or len(among) < 2:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for label, to, key, icon in (
            ("Previous", at - 1, "Left", ":material/arrow_back:"),
            ("Next", at + 1, "Right", ":material/arrow_forward:"),
        ):
            if st.button(
                label, key=f"_walk_{key}", icon=icon, type="tertiary", shortcut=key,
                disabled=not 0 <= to < len(among),
            ):  # fmt: skip
                _go("open", among[to])
        st.caption(f"{at + 1} of {len(among)}", width="content")


def _whole(item: Item) -> None:
    if item.kind == "text":
        with st.container(key="whole_text"):
            st.text(item.text)
        return
    with problems.shown():
        data = state.workbench().picture(state.collection(), item.id)
        st.image(
            state.shown_picture(data, item.name), width="stretch", output_format="JPEG",
            alt=words.shorten(item.name, 200),
        )  # fmt: skip


def _about(item: Item, partners: Sequence[Item]) -> None:
    st.markdown(f"**{words.plain(words.shorten(item.name, 90))}**")
    if item.labels:
        with st.container(horizontal=True, gap="xsmall"):
            for label in item.labels[:12]:
                st.badge(words.plain(words.shorten(label, 40)), color="gray")
    if item.kind == "image":
        with st.container(key="captions"):
            st.caption(words.count(len(partners), "caption").capitalize())
            for partner in partners[:8]:
                st.text(partner.text)
    elif partners:
        st.caption(f"Caption of {words.count(len(partners), 'picture')}")
        cards = gallery.cards([p.id for p in partners[:4]])
        _go(*gallery.show(cards, key=f"_of_{item.id}", size=120))
    if item.attributes:
        st.table(
            {words.plain(n): words.plain(v) for n, v in item.attributes.items()},
            border="horizontal",
        )


def _neighbours(item: Item) -> None:
    for kind, title in (("image", "Nearest pictures"), ("text", "Nearest texts")):
        answer = state.ask(Query((Part(item=item.id),), kinds=(kind,), k=NEIGHBOURS))
        if answer.hits:
            st.markdown(f"###### {title}", anchors=False)
            cards = gallery.hits(answer.hits)
            _go(
                *gallery.show(
                    cards, key=f"_near_{kind}_{item.id}", size=124 if kind == "image" else 260
                )
            )


def _go(what: str, id_: str) -> None:
    """A click inside the viewer: to that item, or to Search."""
    if what == "open":
        state.keep(state.VIEWED, id_)
        st.rerun(scope="fragment")
    elif what == "like":
        actions.like(id_)
