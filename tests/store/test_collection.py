"""What is added to a collection comes back, once, in its row."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import UnknownName
from core.store.collection import Collection
from core.store.home import Home
from core.store.items import Counts
from core.types.item import Item
from tests.fixtures.items import OTHER, STARTER, image, text, unit

NASTY = "it's \"quoted\"; -- <b>bold</b> \\ %_ \x00 漢字 😀 ' OR 1=1"


@pytest.fixture
def pets(home: Path) -> Collection:
    return Home(home).create("pets")


def test_every_verb_works_on_an_empty_collection(pets):
    assert pets.counts() == Counts(0, 0, 0)
    assert pets.item_ids() == set() == pets.vector_ids(STARTER)
    assert pets.passports() == ()
    assert pets.space(STARTER).vectors.shape == (0, 4)
    assert list(pets.unencoded(STARTER)) == []
    assert pets.thumbnails(["x"]) == {} and pets.pairs_of("x") == ()
    assert (
        pets.artifacts.read_matrix("umap", "key") is None
        and pets.artifacts.last_ingest_report() is None
    )
    assert [f.name for f in pets.fields()] == ["kind", "name", "text"]
    assert pets.mask([], ["x"]).tolist() == [False]
    assert pets.first_images(6) == ()
    pets.delete_items(["x"])
    pets.optimize()
    with pytest.raises(UnknownName, match="No encoder of 'pets' is called 'starter'"):
        pets.passport("starter")
    with pytest.raises(UnknownName, match="No item of 'pets' is called 'x'"):
        pets.payload("x")


def test_row_i_belongs_to_item_i(pets, rng):
    items = [text(f"caption {i}") for i in range(40)] + [image(b"%d" % i) for i in range(30)]
    vectors = dict(zip((i.id for i in items), unit(70), strict=True))
    items = [items[i] for i in rng.permutation(70)]
    pairs = [(i.id, j.id) for i in items for j in items if i.kind == "image" and j.kind == "text"]
    pairs = [pairs[i] for i in rng.permutation(len(pairs))[:50]]
    for start in range(0, 70, 16):
        some = items[start : start + 16]
        pets.add(some, pairs)
        pets.write_vectors(STARTER, [i.id for i in some], np.stack([vectors[i.id] for i in some]))
    space = pets.space(STARTER)
    images = sorted(i.id for i in items if i.kind == "image")
    texts = sorted(i.id for i in items if i.kind == "text")
    assert list(space.ids) == images + texts and space.n_images == 30
    np.testing.assert_array_equal(space.vectors, np.stack([vectors[i] for i in space.ids]))
    assert {(space.ids[a], space.ids[b]) for a, b in space.pairs} == set(pairs)
    assert [i.id for i in pets.items(space.ids)] == list(space.ids)
    lengths = [len(i.text) for i in pets.items(texts)]
    assert space.text_lengths.tolist() == lengths and space.encoder == "starter"
    pets.optimize()
    assert pets.space(STARTER).key == space.key


def test_doing_it_again_changes_nothing(pets):
    items = [text("a"), text("b"), image(b"1"), text("a")]
    pairs = [(items[2].id, items[0].id)] * 2
    rows = unit(4)
    for _ in range(2):
        pets.add(items, pairs, {items[2].id: b"webp"})
        pets.write_vectors(STARTER, [i.id for i in items], rows)
    assert pets.counts() == Counts(1, 2, 1)
    space = pets.space(STARTER)
    assert space.n == 3 and len(space.pairs) == 1
    np.testing.assert_array_equal(space.vectors[space.row[items[0].id]], rows[0])


@pytest.mark.parametrize(
    "words", [NASTY, "x" * 10_000, "", "line\nbreak\ttab", "'; DROP TABLE items"]
)
def test_any_text_survives(pets, words):
    item = Item(
        "text",
        words.encode(),
        words,
        labels=(words, "b"),
        attributes={words: words, "id": words, "Id": 1, "a.b": 2.5, "year of birth": True},
        id=f"my {words}",
    )
    photo = image(b"1", id=f"image {words}")
    pets.add([item, photo], [(photo.id, item.id)], {photo.id: b"webp"})
    pets.write_vectors(STARTER, [item.id, photo.id], unit(2))
    assert pets.items([item.id]) == [item]
    assert pets.payload(item.id) == words.encode() and pets.payload(photo.id) == b"1"
    assert pets.thumbnails([item.id, photo.id]) == {photo.id: b"webp"}
    assert pets.pairs_of(item.id) == (photo.id,) and pets.pairs_of(photo.id) == (item.id,)
    space = pets.space(STARTER)
    assert space.ids == (photo.id, item.id) and space.pairs.tolist() == [[0, 1]]
    assert space.labels == ((), item.labels)
    pets.delete_items([item.id])
    assert pets.item_ids() == {photo.id} and pets.counts().pairs == 0


def test_a_second_encoder_has_its_own_vectors(pets):
    items = [text(f"{i}") for i in range(600)]
    pets.add(items[:300])
    pets.add(items[300:])
    pets.write_vectors(STARTER, [i.id for i in items], unit(600))
    before = pets.space(STARTER).key
    assert [m.text for m in pets.unencoded(OTHER)] == [str(i) for i in range(600)]
    pets.write_vectors(OTHER, [i.id for i in items[:200]], unit(200, 3))
    assert [m.id for m in pets.unencoded(OTHER)] == [i.id for i in items[200:]]
    assert pets.vector_ids(OTHER) == {i.id for i in items[:200]}
    assert pets.space(OTHER).n == 200 and pets.space(STARTER).key == before
    assert pets.passports() == (STARTER, OTHER)
    assert pets.passport() == STARTER
    assert pets.passport("other") == OTHER == pets.passport(OTHER.key)
    with pytest.raises(UnknownName, match="Known: other, starter"):
        pets.passport("clip")


def test_vectors_replace_those_of_another_encoder_when_they_are_complete(pets):
    items = [text(f"{i}") for i in range(5)]
    ids = [item.id for item in items]
    pets.add(items)
    pets.write_vectors(STARTER, ids, unit(5))
    pets.write_vectors(OTHER, ids, unit(5, 3))
    newer = replace(STARTER, weights="newer", d=3)
    new = unit(5, 3)
    pets.write_vectors(newer, ids[:2], new[:2], listed=False)
    assert pets.passports() == (STARTER, OTHER) and pets.space(STARTER).n == 5
    pets.write_vectors(newer, ids[2:], new[2:], listed=False)
    pets.succeed(STARTER, newer)
    assert pets.passports() == (newer, OTHER)
    assert pets.vector_ids(STARTER) == set()
    space = pets.space(newer)
    np.testing.assert_array_equal(space.vectors, new[[ids.index(id_) for id_ in space.ids]])
    pets.succeed(STARTER, newer)
    assert pets.passports() == (newer, OTHER)


def test_the_first_images_are_those_added_first(pets):
    images = [image(b"%d" % i) for i in range(9)]
    for start in (0, 5):
        pets.add([text(f"{start}"), *images[start : start + 5]])
    assert pets.first_images(6) == tuple(p.id for p in images[:6])
    assert len(pets.first_images(100)) == 9


def test_vectors_of_items_that_are_gone_do_not_count(pets):
    a, b = text("a"), text("b")
    pets.add([a, b], [("gone", a.id)])
    pets.write_vectors(STARTER, [a.id, "gone", b.id], unit(3))
    assert pets.vector_ids(STARTER) == {a.id, b.id}
    space = pets.space(STARTER)
    assert set(space.ids) == {a.id, b.id} and len(space.pairs) == 0
    np.testing.assert_array_equal(space.vectors[space.row[b.id]], unit(3)[2])


def test_no_version_comes_again_under_the_same_name(home):
    seen = set()
    for content in ("one", "two"):
        pets = Home(home).create("pets")
        pets.add([text(content)])
        seen.add(pets.version())
        Home(home).delete("pets")
    assert len(seen) == 2


def test_version_changes_at_every_write(pets, home):
    other = Home(home).open("pets")
    item, seen = image(b"1"), {pets.version()}
    for write in (
        lambda: other.add([item]),
        lambda: other.add([], [("a", "b")]),
        lambda: other.add([], [], {item.id: b"webp"}),
        lambda: other.write_vectors(STARTER, [item.id], unit(1)),
        lambda: other.write_vectors(OTHER, [item.id], unit(1, 3)),
        lambda: other.delete_items([item.id]),
    ):
        write()
        assert pets.version() == pets.version()
        assert pets.version() not in seen
        seen.add(pets.version())
    assert pets.item_ids() == set()


def test_saved_queries_come_newest_first_and_once(home):
    collection = Home(home).create("pets")
    first, second = {"q": '"; DROP <b>', "mix": "slerp"}, {"q": "😀" * 3000}
    for query in (first, second, first):
        collection.artifacts.save_query(query)
    assert collection.artifacts.queries() == (first, second)
    collection.artifacts.forget_query(first)
    assert Home(home).open("pets").artifacts.queries() == (second,)
