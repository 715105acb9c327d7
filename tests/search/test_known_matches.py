"""Queries with known matches, from a collection's labels, nouns and captions."""

import numpy as np
import pytest

from core.errors import MissingPart, NoTextSearch
from core.search.background_queries import background_queries
from core.search.calibration import calibration
from core.search.known_matches import (
    everyday_nouns,
    everyday_vectors,
    form_of,
    known_matches,
    phrases,
)
from core.types import Part, Query
from core.workbench import Workbench
from tests.fixtures.files import folder_of, jsonl
from tests.fixtures.screens import picture

COLORS = ("red", "green", "blue", "yellow", "purple", "cyan", "white", "black")
NOUNS = ["ball", "car", "dog", "house", "boat", "tree", "cup", "lamp"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """64 images of a color, with two captions that say a noun and one that says another."""
    folder = tmp_path_factory.mktemp("known")
    rows = [
        {
            "image": f"{i}.png",
            "captions": [
                f"a {color} {NOUNS[i % 8]}",
                f"the {NOUNS[i % 8]} is {color}",
                f"something {color} like a {NOUNS[(i + 1) % 8]}",
            ],
            "label": color,
        }
        for i in range(64)
        for color in (COLORS[i // 8],)
    ]
    files = {row["image"]: picture(row["label"], 32 + i) for i, row in enumerate(rows)}
    items = folder_of(folder / "items", {**files, "items.jsonl": jsonl(*rows)})
    bench = Workbench(folder / "home")
    bench.ingest("things", items / "items.jsonl", encoder="toy")
    return bench.open("things")


def query(*parts, kinds=("image",)):
    return Query(tuple(Part(**part) for part in parts), kinds=kinds)


def test_labels_and_nouns_match_what_they_describe(opened):
    found = phrases(opened, "image")
    assert set(found.names) == {*COLORS, *NOUNS}
    assert found.labels == 8
    of = dict(zip(found.names, found.matches, strict=True))
    once = dict(zip(found.names, found.unclear, strict=True))
    assert all(of[name].sum() == 8 for name in found.names)
    assert not once["red"].any()
    assert once["dog"].sum() == 8
    assert not (once["dog"] & of["dog"]).any()
    assert found.source == "labels and nouns"


def test_the_form_of_a_query(opened):
    space = opened.space
    forms = [
        query({"text": "a red car"}),
        query({"text": "a red car in the rain"}),
        query({"item": space.ids[0]}),
        query({"image": b"x"}),
        query({"text": "car"}, {"text": "red", "weight": -1}),
    ]
    expected = ["short text", "long text", "image", "image", "composed"]
    assert [form_of(one, space) for one in forms] == expected


def test_a_caption_finds_its_own_image_and_its_other_captions(opened):
    space = opened.space
    images = known_matches(opened, query({"text": "a car that is long and red"}), "image")
    assert (images.matches.sum(axis=1) == 1).all()
    assert not images.excluded.any()
    texts = known_matches(opened, query({"text": "a car that is long"}, kinds=("text",)), "text")
    assert (texts.matches.sum(axis=1) == 2).all()
    assert (texts.excluded.sum(axis=1) == 1).all()
    assert not (texts.excluded & texts.matches).any()
    assert len(images) == len(texts) == space.n - space.n_images


def test_an_image_finds_what_shares_a_label_or_noun(opened):
    found = known_matches(opened, query({"item": opened.space.ids[0]}), "image")
    assert (found.matches.sum(axis=1) == 14).all()  # 7 of its color, 7 of its noun
    assert (found.excluded.sum(axis=1) == 1).all()


def test_a_composed_query_matches_all_that_is_added_and_nothing_subtracted(opened):
    image, text = {"item": opened.space.ids[0]}, {"text": "a red thing on a table"}
    minus = known_matches(opened, query(image, {**image, "weight": -1}), "image")
    plus = known_matches(opened, query(image, text), "image")
    alone = known_matches(opened, query(image), "image")
    assert minus.matches.any(axis=1).all()
    assert plus.matches.any(axis=1).all()
    assert minus.matches.sum(axis=1).mean() < alone.matches.sum(axis=1).mean()
    assert plus.matches.sum(axis=1).max() <= 1  # a caption matches one image
    np.testing.assert_allclose(np.linalg.norm(plus.vectors, axis=1), 1, atol=1e-5)


def test_few_phrases_are_too_few(opened):
    assert known_matches(opened, query({"text": "red"}), "image") is None


def test_everyday_texts_are_the_background_where_there_are_too_few_phrases(opened):
    found = background_queries(opened, query({"text": "red"}), "image")
    assert len(found.vectors) == 200
    assert not found.related.any()
    long = background_queries(opened, query({"text": "a red car in the rain"}), "image")
    assert long.related.any(axis=1).all()  # captions, and their images
    assert "dog" in everyday_nouns()


@pytest.mark.parametrize("mix", ["balanced", "sum", "slerp"])
def test_parts_that_cancel_each_other_do_not_end_the_search(opened, mix):
    first, second = opened.space.ids[0], opened.space.ids[1]
    parts = (Part(item=first), Part(item=second, weight=-1.0))
    found = background_queries(opened, Query(parts, kinds=("image",), mix=mix), "image")
    assert len(found.vectors) == len(found.related) > 20
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)


def test_texts_are_encoded_once_and_stored_with_the_collection(opened, monkeypatch):
    first = everyday_vectors(opened, query({"text": "red"}), "short text")
    monkeypatch.setattr("core.search.known_matches.text_vectors", lambda *given: pytest.fail())
    again = everyday_vectors(opened, query({"text": "blue"}), "short text")
    np.testing.assert_array_equal(first, again)


def test_what_needs_an_encoder_that_was_missing_is_known_once_it_is_there(tmp_path, monkeypatch):
    rows = [{"caption": f"a {color} {noun}"} for color in COLORS for noun in NOUNS]
    bench = Workbench(tmp_path / "home")
    bench.ingest("things", folder_of(tmp_path / "in", {"items.jsonl": jsonl(*rows)}), encoder="toy")
    things = bench.open("things")
    typed = query({"text": "red"}, kinds=("text",))

    def missing(*asked):
        raise MissingPart("The weights are not on this machine.")

    with monkeypatch.context() as without:
        without.setattr("core.encoders.load", missing)
        for ask in (calibration, background_queries, known_matches):
            with pytest.raises(NoTextSearch):
                ask(things, typed, "text")
    assert len(background_queries(things, typed, "text").vectors) == 200
    monkeypatch.setattr("core.encoders.load", missing)  # stored by now
    assert len(background_queries(things, typed, "text").vectors) == 200


def test_a_stored_text_and_a_typed_one_do_not_share_their_background(tmp_path):
    rows = [{"caption": f"note number {i} about one thing"} for i in range(30)]
    bench = Workbench(tmp_path / "home")
    bench.ingest("notes", folder_of(tmp_path / "in", {"items.jsonl": jsonl(*rows)}), encoder="toy")
    notes = bench.open("notes")
    stored = query({"item": notes.space.ids[0]}, kinds=("text",))
    typed = query({"text": "a red car in the rain"}, kinds=("text",))
    assert len(background_queries(notes, stored, "text").vectors) == 30
    assert len(background_queries(notes, typed, "text").vectors) == 200
