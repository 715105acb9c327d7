"""Which of the collection's labels suit a picture, by two rules, and how often each is right."""

import streamlit as st

from core.label_search import LabelAnswer, LabelScores
from core.types import Item, Part, Score
from pages.parts import problems, state, words

SHOWN = 5


def show(item: Item) -> None:
    """A closed box where the collection has labels; what is in it is found when it is opened."""
    if item.kind == "text" or not any(state.space().labels):
        return
    with st.expander("Which labels suit it", key="_labels", on_change="rerun") as box:
        if not box.open:
            return
        name, model = state.collection(), state.encoder()
        with problems.shown():
            with st.spinner("Reading the labels…", show_time=True):
                found = state.workbench().rank_labels(
                    name, Part(item=item.id), k=SHOWN, encoder=model
                )
            _table(found)
            st.caption(_trust(state.workbench().judge_labels(name, encoder=model)))


def _table(found: LabelAnswer) -> None:
    st.caption(words.plain(found.sentence))
    st.table(
        [
            {
                "Likeliest": words.plain(words.shorten(likely.label, 60)),
                "Chance": f"{likely.value:.0%}",
                "In the middle": words.plain(words.shorten(middle.label, 60)),
                "Expected squared distance": words.number(middle.value),
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
    return words.plain(f"{judged.sentence} There {', '.join(said)}; guessing: {guess:.1%}.")


def _share(score: Score) -> str:
    return f"{score.value:.0%} ({score.low:.0%} to {score.high:.0%})"
