"""Full-text search finds items by their texts, whatever the texts and the query."""

import pyarrow as pa
import pytest

from core.store import full_text
from core.store.home import Home
from core.store.schema import WORDS
from core.types.item import Item
from tests.fixtures.items import database, text

ODD = {
    "html": "<b>bold</b> &amp; <script>alert('zebra')</script>",
    "emoji": "😀 smiling kangaroo 漢字",
    "long": "lorem " * 1700 + "ocelot",
    "empty": "",
    "quotes": 'she said "hippo" -- it\'s; DROP TABLE items',
    "nul": "walrus \x00 after",
}


@pytest.fixture
def pets(home):
    return Home(home).create("pets")


def ids(hits):
    return [id_ for id_, _ in hits]


def test_captions_find_themselves_and_their_images(pets):
    dog, cat = text("a dog on a beach"), text("a cat, asleep")
    photo, other = Item("image", b"1", "one.jpg"), Item("image", b"2", "two.jpg")
    pets.add([dog, cat, photo, other], [(photo.id, dog.id), (photo.id, cat.id)])
    hits = pets.search_text("Dogs!")
    assert set(ids(hits)) == {dog.id, photo.id}
    assert hits[0][1] == hits[1][1] > 0
    assert ids(pets.search_text("sleeping giraffes")) == []
    both = pets.search_text("beach dog or cat")
    assert ids(both)[2] == cat.id and set(ids(both)[:2]) == {dog.id, photo.id}


def test_images_are_found_by_name_label_and_attribute(pets):
    photo = Item("image", b"1", "sunset_at_lake.jpg", labels=("Landscape",))
    shot = Item("image", b"2", "x.jpg", attributes={"camera": "Leica M6", "year": 1999})
    pets.add([photo, shot])
    assert ids(pets.search_text("landscapes")) == [photo.id] == ids(pets.search_text("lake"))
    assert ids(pets.search_text("leica")) == [shot.id] == ids(pets.search_text("1999"))


FOUND_BY = {
    "html": "zebra",
    "emoji": "漢字",
    "long": "ocelot",
    "quotes": "hippo",
    "nul": "walrus",
}
QUERIES = [
    "",
    "  ",
    "😀",
    "(",
    '"',
    "the",
    "AND OR NOT",
    "a:b^2~",
    "words = 'x' OR 1=1",
    "\x00",
    "id:*",
]
LONG = ["y" * 9000, "word " * 3000]


@pytest.mark.parametrize(("name", "word"), FOUND_BY.items())
def test_odd_captions_are_found(pets, name, word):
    items = {key: text(content) for key, content in ODD.items()}
    pets.add(list(items.values()))
    assert ids(pets.search_text(word)) == [items[name].id]


@pytest.mark.parametrize("query", QUERIES + LONG)
def test_any_text_is_a_query(pets, query):
    pets.add([text("plain words")])
    assert set(ids(pets.search_text(query))) <= {text("plain words").id}


def test_the_index_follows_the_items(pets):
    assert pets.search_text("dog") == []
    first, second = text("a dog"), text("another dog")
    pets.add([first])
    assert ids(pets.search_text("dog")) == [first.id]
    pets.add([second])
    assert set(ids(pets.search_text("dog"))) == {first.id, second.id}
    pets.delete_items([first.id])
    assert ids(pets.search_text("dog")) == [second.id]
    pets.optimize()
    assert ids(pets.search_text("dog")) == [second.id]


def test_rare_words_count_more_and_the_limit_holds(pets):
    pets.add([text(f"a dog and a ball, number {i}") for i in range(30)])
    rare = text("a dog and an aardvark")
    pets.add([rare])
    assert ids(pets.search_text("dog aardvark"))[0] == rare.id
    assert len(pets.search_text("dog", limit=7)) == 7


def test_excluded_items_crowd_nothing_out(pets, monkeypatch):
    """Few allowed ids are searched alone, many by a larger limit; both give the same scores."""
    dogs = [text(f"a dog and {'a dog ' * (i % 7)}number {i}") for i in range(90)]
    photos = [Item("image", bytes([i]), f"{i}.jpg") for i in range(90)]
    pairs = [(photo.id, dog.id) for photo, dog in zip(photos, dogs, strict=True)]
    pets.add([*dogs, *photos, text("a cat")], pairs)
    scores = dict(pets.search_text("dog"))
    worst = sorted(dogs, key=lambda dog: (scores[dog.id], dog.id))[:5]
    few = [dog.id for dog in worst] + [photos[dogs.index(dog)].id for dog in worst[:2]]
    for at_most in (full_text.FEW, 0):
        monkeypatch.setattr(full_text, "FEW", at_most)
        found = pets.search_text("dog", 9, [*few, text("a cat").id, "nobody"])
        assert dict(found) == pytest.approx({id_: scores[id_] for id_ in few})
        assert set(ids(pets.search_text("dog", 9, few[5:]))) == set(few[5:])
        assert pets.search_text("dog", 9, []) == []
        assert len(pets.search_text("dog", 3, [dog.id for dog in dogs])) == 3


def test_an_item_that_was_deleted_and_added_again_has_its_new_texts(pets):
    """Deleted and added between two searches, with other labels, another name and attribute."""
    old = Item("image", b"1", "lake.jpg", labels=("dog",), attributes={"by": "Leica"})
    new = Item("image", b"1", "hill.jpg", labels=("cat",), attributes={"by": "Zeiss"})
    pets.add([old, text("beach")])
    assert new.id == old.id and ids(pets.search_text("dog")) == [old.id]
    pets.delete_items([old.id])
    pets.add([new])
    assert [pets.search_text(word) for word in ("dog", "lake", "leica")] == [[], [], []]
    assert {*ids(pets.search_text("cat hill zeiss"))} == {new.id}
    assert len(pets.search_text("cat hill zeiss beach")) == 2


def test_an_index_of_an_earlier_version_is_rebuilt(pets, home):
    dog = text("a dog")
    pets.add([dog])
    schema = pa.schema([f for f in WORDS if f.name != "added"])
    table = database(home).ensure("words", schema)
    table.merge(pa.table([[dog.id], ["a cat"]], schema=schema), ["id"])
    assert pets.search_text("cat") == [] and ids(pets.search_text("dog")) == [dog.id]
