"""One item in full: image or text, captions, attributes, actions, why it is a result, neighbors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import streamlit as st

from core import search
from core.search import Explanation, LabelRanking, LabelScores
from core.types import Item, Part, Query, Score
from pages.parts import edits, explanation, formatting, gallery, problems, session, state
from pages.parts import query as query_parts

SEARCH = "pages/explore/search.py"
NEIGHBORS = 8
LABELS = 5
VIEWED_QUERY, VIEWED_ABOUT = "viewed_query", "viewed_about"


def browse(
    cards: Sequence[gallery.Card],
    *,
    key: str,
    size: int = 200,
    query: Query | None = None,
    picked: Sequence[str] | None = None,
    pick: Callable[[str], None] = lambda id_: None,
) -> None:
    """A grid whose cards open the item, and whose "more like this" leads to Search.

    `query` is the query that the cards are results of; the item can then be explained. `picked` and
    `pick` are as in `gallery.show`. An open item stays open when the page is drawn again.
    """
    action, id_ = gallery.show(cards, key=key, size=size, picked=picked, pick=pick)
    if action == "open":
        about = {card.id: _standing(card) for card in cards}
        session.store(state.OPENED_FROM, key)
        _view(id_, list(about), query, about)
    elif action == "like":
        like(id_)
    if session.get(state.OPENED_FROM, "") == key:
        _dialog(on_dismiss=close)


def open(
    id_: str,
    *,
    among: Sequence[str] = (),
    query: Query | None = None,
    about: Mapping[str, str] | None = None,
    on_dismiss: Literal["ignore", "rerun"] = "ignore",
) -> None:
    """Show an item in a dialog, in the run in which it was clicked.

    Args:
        id_: the item.
        among: ids that the arrow keys walk through.
        query: the query that it is a result of, if any.
        about: by id, the rank and similarity that stand under the caption.
        on_dismiss: whether the page runs again when the dialog is closed.
    """
    session.store(state.OPENED_FROM, "")
    _view(id_, among, query, about)
    _dialog(on_dismiss=on_dismiss)


def close() -> None:
    """Forget which grid the open item was clicked in; it is not shown again."""
    session.store(state.OPENED_FROM, "")


def _view(
    id_: str, among: Sequence[str], query: Query | None, about: Mapping[str, str] | None
) -> None:
    session.store(state.VIEWED, id_)
    session.store(VIEWED_QUERY, query)
    session.store(VIEWED_ABOUT, dict(about or {}))
    session.store(state.AMONG, tuple(among))


def _dialog(*, on_dismiss: Literal["ignore", "rerun"] | Callable[[], None]) -> None:
    title = formatting.plain(state.collection())
    st.dialog(title, width="large", on_dismiss=on_dismiss)(problems.guarded(_body))()


def _standing(card: gallery.Card) -> str:
    """Where a card stands among the results: rank, band, cosine, probability."""
    rank = f"Rank {card.rank}" if card.rank else ""
    value = f"cosine {card.value}" if card.value else ""
    return " · ".join(filter(None, (rank, card.band, value, card.note, card.badge)))


def like(id_: str) -> None:
    """Go to Search, for items similar to this one."""
    close()
    query_parts.like(id_)
    st.switch_page(SEARCH)


def _body() -> None:
    id_ = session.get(state.VIEWED, "")
    with problems.shown():
        item = state.items([id_]).get(id_)
        if item is None:
            st.caption("This item is no longer in the collection.")
            return
        partners = state.workbench().partners(state.collection(), id_)
        with st.container(key="viewer", gap="xsmall"):
            _title(item, partners)
        image = _image(item)
        left, right = st.columns([_share_of(image), 1], gap="medium")
        with right:
            reason = _reason(item)
            _about(item, partners)
            _actions(item, item.kind == "text" or image is not None)
            _walk(id_)
        with left, st.container(key="whole"):
            if reason and reason.maps:
                explanation.image(item, reason)
            else:
                _draw(item, image)
        _labels(item)
        if reason:
            _go(*explanation.rest(reason))
        else:
            _neighbors(item)


def _reason(item: Item) -> Explanation | None:
    """The explanation of a result, when it is switched on."""
    query: Query | None = session.get(VIEWED_QUERY, None)
    if query is None or item.id not in session.get(state.AMONG, ()):
        return None
    if not st.toggle("Why this result", key="_why"):
        return None
    with problems.shown():
        return explanation.explain(item, query)
    return None


def whole(item: Item) -> None:
    """The text, or the image in full."""
    _draw(item, _image(item))


def _image(item: Item) -> Any:
    """The decoded image of an item; None for a text and where it cannot be read."""
    if item.kind == "text":
        return None
    with problems.shown():
        data = state.workbench().image_bytes(state.collection(), item.id)
        return state.readable_image(data, item.name)
    return None


def _draw(item: Item, image: Any) -> None:
    if item.kind == "text":
        with st.container(key=f"whole_text_{item.id}"):
            st.text(item.text)
    elif image is not None:
        st.image(
            image, width="stretch", output_format="JPEG", alt=formatting.shorten(item.name, 200)
        )


def _share_of(image: Any) -> float:
    """Width of the left column against the right one: narrow for a portrait."""
    return min(max(image.width / image.height, 0.6), 1.5) if image is not None else 1.35


def _title(item: Item, partners: Sequence[Item]) -> None:
    """The caption, then where the item stands among the results, then its name."""
    if item.kind == "image":
        says = partners[0].text if partners else item.name
        with st.container(key="viewed_caption"):
            st.text(formatting.shorten(says, 240))
    about = session.get(VIEWED_ABOUT, {}).get(item.id, "")
    name = formatting.shorten(item.name, 90) if item.kind == "image" else ""
    line = " · ".join(filter(None, (about, name)))
    if line:
        st.caption(formatting.plain(line))


def _about(item: Item, partners: Sequence[Item]) -> None:
    if item.labels:
        with st.container(horizontal=True, gap="xsmall"):
            for label in item.labels[:12]:
                st.badge(formatting.plain(formatting.shorten(label, 40)), color="gray")
    if item.kind == "image":
        with st.container(key="captions"):
            others = partners[1:8]
            if others:
                st.caption(f"{formatting.count(len(partners), 'caption').capitalize()}; the others")
            for partner in others:
                st.text(partner.text)
    elif partners:
        st.caption(f"Caption of {formatting.count(len(partners), 'image')}")
        cards = gallery.cards([p.id for p in partners[:4]])
        _go(*gallery.show(cards, key=f"_of_{item.id}", size=120))
    if item.attributes:
        st.table(
            {formatting.plain(n): formatting.plain(v) for n, v in item.attributes.items()},
            border="horizontal",
        )


def _actions(item: Item, there: bool) -> None:
    """What can be done with an item; it is saved only where it is there, not its vector alone."""
    with st.container(horizontal=True, gap="small"):
        if st.button("More like this", key="_more_like", icon=":material/radar:", type="primary"):
            like(item.id)
        if st.button(
            "Add", key="_add_item", icon=":material/add:", help="Add this item to the query",
        ):  # fmt: skip
            _add(item, 1.0)
        if st.button(
            "Subtract", key="_less_item", icon=":material/remove:",
            help="Subtract this item from the query",
        ):  # fmt: skip
            _add(item, -1.0)
        if there:
            _download(item)
        with st.popover("Link", icon=":material/link:"):
            st.caption("Opens Search for items similar to this one:")
            st.code(_link(item), language=None, wrap_lines=True)
        with st.popover("Delete", icon=":material/delete:"):
            _delete(item)


def _add(item: Item, weight: float) -> None:
    close()
    query_parts.add(Part(item=item.id, weight=weight))
    st.switch_page(SEARCH)


def _download(item: Item) -> None:
    name = item.name.rpartition("/")[2] or item.id
    if item.kind == "text":
        st.download_button(
            "Save", item.text, f"{item.id}.txt", key="_save_item", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
        return
    bench, collection = state.workbench(), state.collection()  # it runs outside the page
    st.download_button(
        "Save", lambda: bench.image_bytes(collection, item.id), name,
        key="_save_item", icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _link(item: Item) -> str:
    here = urlsplit(st.context.url or "http://localhost")
    query = urlencode(
        {
            state.COLLECTION: state.collection(),
            state.ALSO: search.format_query([Part(item=item.id)]),
        }
    )
    return f"{here.scheme}://{here.netloc}/?{query}"


def _delete(item: Item) -> None:
    st.caption(
        "Deletes this item, its pairs and its vectors from the collection, also when the source is "
        "added again. The image file itself is not deleted."
    )
    if st.button("Delete this item", key="_delete_item", type="primary"):
        state.workbench().delete_items(state.collection(), [item.id])
        close()
        edits.edited()


def _walk(id_: str) -> None:
    """To the previous or next item, also with the arrow keys."""
    among = session.get(state.AMONG, ())
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


def _labels(item: Item) -> None:
    """Zero-shot labels of an image, where the collection has labels; computed when opened."""
    if item.kind == "text" or not any(state.space().labels):
        return
    with st.expander("Zero-shot labels", key="_labels", on_change="rerun") as box:
        if not box.open:
            return
        bench = state.workbench()
        with problems.shown():
            with st.spinner("Encoding the labels…", show_time=True):
                opened = state.opened()
                ranked = bench.rank_labels(opened, Part(item=item.id), k=LABELS)
            _label_table(ranked)
            st.caption(_label_accuracy(bench.score_labels(opened)))


def _label_table(ranked: LabelRanking) -> None:
    st.caption(formatting.plain(ranked.sentence))
    st.table(
        [
            {
                "Most probable": formatting.plain(formatting.shorten(likely.label, 60)),
                "Probability": f"{likely.value:.0%}",
                "Fréchet mean": formatting.plain(formatting.shorten(mean.label, 60)),
                "Expected squared distance": formatting.number(mean.value),
            }
            for likely, mean in zip(ranked.likeliest, ranked.frechet, strict=False)
        ],
        border="horizontal",
        hide_index=True,
    )


def _label_accuracy(scores: LabelScores) -> str:
    """The accuracy of the first of each column on held-out images, and the chance level."""
    columns = (("most probable label", "accuracy"), ("Fréchet mean", "frechet_accuracy"))
    shares = [f"{name} {_share(scores.scores[metric])}" for name, metric in columns]
    chance = scores.scores["accuracy"].chance
    return formatting.plain(
        f"{scores.sentence} Accuracy: {', '.join(shares)}; chance level {chance:.1%}."
    )


def _share(score: Score) -> str:
    return f"{score.value:.0%} ({score.low:.0%} to {score.high:.0%})"


def _neighbors(item: Item) -> None:
    for kind, title in (("image", "Nearest images"), ("text", "Nearest texts")):
        result = state.search(Query((Part(item=item.id),), kinds=(kind,), k=NEIGHBORS))
        if result.hits:
            st.markdown(f"###### {title}", anchors=False)
            cards = gallery.hits(result.hits)
            size = 124 if kind == "image" else 260
            _go(*gallery.show(cards, key=f"_near_{kind}_{item.id}", size=size))


def _go(action: str, id_: str) -> None:
    """A click inside the dialog: to that item, or to Search."""
    if action == "open":
        session.store(state.VIEWED, id_)
        st.rerun(scope="fragment")
    elif action == "like":
        like(id_)
