"""One item in full: picture, captions, labels, attributes, its neighbours."""

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

import streamlit as st

from core import search
from core.search import Explanation, LabelAnswer, LabelScores
from core.types import Item, Part, Query, Score
from pages.parts import explanation, formatting, gallery, problems, query, session, state

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
        like(id_)


def open(id_: str, *, among: Sequence[str] = (), asked: Query | None = None) -> None:
    """Show an item over the page, in the run in which it was clicked.

    Args:
        id_: the item.
        among: ids that the arrow keys walk through.
        asked: the question that it answers, where there was one.
    """
    session.keep(state.VIEWED, id_)
    session.keep(ASKED, asked)
    session.keep(state.AMONG, tuple(among))
    st.dialog(formatting.plain(state.collection()), width="large")(_body)()


def _body() -> None:
    id_ = session.kept(state.VIEWED, "")
    with problems.shown():
        item = state.items([id_]).get(id_)
        if item is None:
            st.caption("This item is no longer in the collection.")
            return
        partners = state.workbench().partners(state.collection(), id_)
        picture, about = st.columns([1.35, 1], gap="medium")
        with about:
            _about(item, partners)
            actions(item)
            _walk(id_)
        with picture:
            reason = _reason(item)
            with st.container(key="whole"):
                if reason and reason.maps:
                    explanation.picture(item, reason)
                else:
                    _whole(item)
        labels(item)
        if reason:
            _go(*explanation.rest(reason))
        else:
            _neighbours(item)


def _reason(item: Item) -> Explanation | None:
    """Why the item answers the question, when it came out of one and the person wants to know."""
    asked: Query | None = session.kept(ASKED, None)
    if asked is None or item.id not in session.kept(state.AMONG, ()):
        return None
    if not st.toggle("Why this result", key="_why"):
        return None
    with problems.shown():
        return explanation.found(item, asked)
    return None


def _walk(id_: str) -> None:
    """To the item before or after, also with the arrow keys."""
    among = session.kept(state.AMONG, ())
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
        data = state.workbench().image_bytes(state.collection(), item.id)
        st.image(
            state.shown_picture(data, item.name), width="stretch", output_format="JPEG",
            alt=formatting.shorten(item.name, 200),
        )  # fmt: skip


def _about(item: Item, partners: Sequence[Item]) -> None:
    st.markdown(f"**{formatting.plain(formatting.shorten(item.name, 90))}**")
    if item.labels:
        with st.container(horizontal=True, gap="xsmall"):
            for label in item.labels[:12]:
                st.badge(formatting.plain(formatting.shorten(label, 40)), color="gray")
    if item.kind == "image":
        with st.container(key="captions"):
            st.caption(formatting.count(len(partners), "caption").capitalize())
            for partner in partners[:8]:
                st.text(partner.text)
    elif partners:
        st.caption(f"Caption of {formatting.count(len(partners), 'picture')}")
        cards = gallery.cards([p.id for p in partners[:4]])
        _go(*gallery.show(cards, key=f"_of_{item.id}", size=120))
    if item.attributes:
        st.table(
            {formatting.plain(n): formatting.plain(v) for n, v in item.attributes.items()},
            border="horizontal",
        )


def _neighbours(item: Item) -> None:
    for kind, title in (("image", "Nearest pictures"), ("text", "Nearest texts")):
        answer = state.search(Query((Part(item=item.id),), kinds=(kind,), k=NEIGHBOURS))
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
        session.keep(state.VIEWED, id_)
        st.rerun(scope="fragment")
    elif what == "like":
        like(id_)


SEARCH = "pages/explore/search.py"


def actions(item: Item) -> None:
    """The buttons."""
    with st.container(horizontal=True, gap="small"):
        if st.button("More like this", key="_more_like", icon=":material/radar:", type="primary"):
            like(item.id)
        if st.button(
            "Add to question", key="_add_item", icon=":material/add:",
            help="Asks for it too, beside what is asked already.",
        ):  # fmt: skip
            _add(item, 1.0)
        if st.button(
            "Less of this", key="_less_item", icon=":material/remove:",
            help="Takes it away from what is asked already.",
        ):  # fmt: skip
            _add(item, -1.0)
        _download(item)
        with st.popover("Link", icon=":material/link:"):
            st.caption("Opens Search with items like this one:")
            st.code(_link(item), language=None, wrap_lines=True)
        with st.popover("Delete", icon=":material/delete:"):
            _delete(item)


def like(id_: str) -> None:
    """To Search, for items like this one."""
    query.like(id_)
    st.switch_page(SEARCH)


def _add(item: Item, weight: float) -> None:
    query.add(Part(item=item.id, weight=weight))
    st.switch_page(SEARCH)


def _delete(item: Item) -> None:
    st.caption(
        "Takes this item, its pairs and its vectors out of the collection. "
        "A picture's own file stays where it is."
    )
    if st.button("Delete this item", key="_delete_item", type="primary"):
        state.workbench().delete_items(state.collection(), [item.id])
        st.rerun()


def _download(item: Item) -> None:
    name = item.name.rpartition("/")[2] or item.id
    if item.kind == "text":
        st.download_button(
            "Save", item.text, f"{item.id}.txt", key="_save_item", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
        return
    st.download_button(
        "Save", lambda: state.workbench().image_bytes(state.collection(), item.id), name,
        key="_save_item", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _link(item: Item) -> str:
    here = urlsplit(st.context.url or "http://localhost")
    asked = urlencode(
        {
            state.COLLECTION: state.collection(),
            state.ALSO: search.format_query([Part(item=item.id)]),
        }
    )
    return f"{here.scheme}://{here.netloc}/?{asked}"


SHOWN = 5


def labels(item: Item) -> None:
    """A closed box where the collection has labels; what is in it is found when it is opened."""
    if item.kind == "text" or not any(state.space().labels):
        return
    with st.expander("Which labels suit it", key="_labels", on_change="rerun") as box:
        if not box.open:
            return
        bench = state.workbench()
        with problems.shown():
            with st.spinner("Encoding the labels…", show_time=True):
                opened = state.opened()
                ranked = bench.rank_labels(opened, Part(item=item.id), k=SHOWN)
            _table(ranked)
            st.caption(_trust(bench.score_labels(opened)))


def _table(found: LabelAnswer) -> None:
    st.caption(formatting.plain(found.sentence))
    st.table(
        [
            {
                "Likeliest": formatting.plain(formatting.shorten(likely.label, 60)),
                "Chance": f"{likely.value:.0%}",
                "In the middle": formatting.plain(formatting.shorten(middle.label, 60)),
                "Expected squared distance": formatting.number(middle.value),
            }
            for likely, middle in zip(found.likeliest, found.middle, strict=False)
        ],
        border="horizontal",
        hide_index=True,
    )


def _trust(judged: LabelScores) -> str:
    """How often the first of each column is right, on pictures that fitted nothing."""
    rules = (("likeliest", "accuracy"), ("one in the middle", "middle_accuracy"))
    said = [f"the {rule} is right for {_share(judged.scores[name])}" for rule, name in rules]
    guess = judged.scores["accuracy"].chance
    return formatting.plain(f"{judged.sentence} There {', '.join(said)}; guessing: {guess:.1%}.")


def _share(score: Score) -> str:
    return f"{score.value:.0%} ({score.low:.0%} to {score.high:.0%})"
