"""Short queries to try on a collection."""

import numpy as np
import pytest

from core.search import example_queries
from core.types import Part, Query
from core.workbench import Workbench
from tests.fixtures.files import folder_of, jsonl
from tests.fixtures.screens import picture

COLORS = ("red", "green", "blue", "yellow", "purple", "cyan", "white", "black")
NOUNS = ("ball", "car", "dog", "house", "boat", "tree", "cup", "lamp")
"""Which the toy encoder does not know."""


def collection(folder, *, described=True):
    rows = []
    for i in range(64):
        color, noun = COLORS[i // 8], NOUNS[i % 8]
        captions = [f"a {color} {noun}", f"the {noun} is {color}"]
        rows.append({"image": f"{i}.png", **({"captions": captions} if described else {})})
    files = {f"{i}.png": picture(COLORS[i // 8], 32 + i) for i in range(64)}
    items = folder_of(folder / "items", {**files, "items.jsonl": jsonl(*rows)})
    bench = Workbench(folder / "home")
    bench.ingest("things", items / "items.jsonl", encoder="toy")
    return bench


@pytest.mark.parametrize("described", [True, False])
def test_words_that_find_what_they_name(tmp_path, described):
    bench = collection(tmp_path, described=described)
    before = example_queries(bench.open("things"))
    bench.search(bench.open("things"), Query((Part("anything"),), kinds=("image",)))
    after = example_queries(bench.open("things"))
    assert 0 < len(after) <= 6
    assert bool(before) == described, "untried words of the captions, or nothing to say"
    assert not any(" " in word for word in after)


def test_a_word_that_finds_nothing_is_not_suggested(tmp_path):
    bench = collection(tmp_path)
    opened = bench.open("things")
    bench.search(opened, Query((Part("anything"),), kinds=("image",)))
    space = opened.space
    for word in example_queries(opened):
        hits = bench.search(opened, Query((Part(word),), kinds=("image",))).hits[:3]
        partners = [space.ids[text] for hit in hits for text in _texts(space, hit.id)]
        assert any(word in item.text for item in bench.items("things", partners))


def _texts(space, image):
    return space.pairs[space.pairs[:, 0] == space.row[image], 1]


def test_no_two_words_name_the_same_images(tmp_path):
    opened = collection(tmp_path).open("things")
    words = example_queries(opened, n=20)
    said = {word: {row for row in range(64) if word in (COLORS[row // 8], NOUNS[row % 8])}
            for word in words}  # fmt: skip
    assert all(a == b or len(said[a] & said[b]) < 5 for a in words for b in words)
    assert np.unique(words).size == len(words)


def test_a_collection_of_texts_alone_has_none(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(f"a {c} {n}" for c in COLORS for n in NOUNS))
    bench = Workbench(tmp_path / "home")
    bench.ingest("texts", tmp_path / "a.txt", encoder="toy")
    bench.search(bench.open("texts"), Query((Part("anything"),), kinds=("text",)))
    assert example_queries(bench.open("texts")) == ()
