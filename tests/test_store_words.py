"""Full-text search finds what was said, whatever was said and whatever is asked."""

import pytest

from core.store import Home
from core.types import Item

ODD = {
    "html": "<b>bold</b> &amp; <script>alert('zebra')</script>",
    "emoji": "😀 smiling kangaroo 漢字",
    "long": "lorem " * 1700 + "ocelot",
    "empty": "",
    "quotes": 'she said "hippo" -- it\'s; DROP TABLE items',
    "nul": "walrus \x00 after",
}


def text(words, **more):
    return Item("text", words.encode(), "a caption", **more)


@pytest.fixture
def pets(home):
    return Home(home).create("pets")


def ids(hits):
    return [id_ for id_, _ in hits]


def test_captions_find_themselves_and_their_pictures(pets):
    dog, cat = text("a dog on a beach"), text("a cat, asleep")
    photo, other = Item("image", b"1", "one.jpg"), Item("image", b"2", "two.jpg")
    pets.add([dog, cat, photo, other], [(photo.id, dog.id), (photo.id, cat.id)])
    hits = pets.find_words("Dogs!")
    assert set(ids(hits)) == {dog.id, photo.id}
    assert hits[0][1] == hits[1][1] > 0
    assert ids(pets.find_words("sleeping giraffes")) == []
    both = pets.find_words("beach dog or cat")
    assert ids(both)[2] == cat.id and set(ids(both)[:2]) == {dog.id, photo.id}


def test_pictures_are_found_by_name_label_and_attribute(pets):
    photo = Item("image", b"1", "sunset_at_lake.jpg", labels=("Landscape",))
    shot = Item("image", b"2", "x.jpg", attributes={"camera": "Leica M6", "year": 1999})
    pets.add([photo, shot])
    assert ids(pets.find_words("landscapes")) == [photo.id] == ids(pets.find_words("lake"))
    assert ids(pets.find_words("leica")) == [shot.id] == ids(pets.find_words("1999"))


FOUND_BY = {
    "html": "zebra",
    "emoji": "漢字",
    "long": "ocelot",
    "quotes": "hippo",
    "nul": "walrus",
}
ASKED = [
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
    items = {key: text(words) for key, words in ODD.items()}
    pets.add(list(items.values()))
    assert ids(pets.find_words(word)) == [items[name].id]


@pytest.mark.parametrize("asked", ASKED + LONG)
def test_any_text_may_be_asked(pets, asked):
    pets.add([text("plain words")])
    assert set(ids(pets.find_words(asked))) <= {text("plain words").id}


def test_the_index_follows_the_items(pets):
    assert pets.find_words("dog") == []
    first, second = text("a dog"), text("another dog")
    pets.add([first])
    assert ids(pets.find_words("dog")) == [first.id]
    pets.add([second])
    assert set(ids(pets.find_words("dog"))) == {first.id, second.id}
    pets.delete_items([first.id])
    assert ids(pets.find_words("dog")) == [second.id]
    pets.optimize()
    assert ids(pets.find_words("dog")) == [second.id]


def test_rare_words_count_more_and_the_limit_holds(pets):
    pets.add([text(f"a dog and a ball, number {i}") for i in range(30)])
    rare = text("a dog and an aardvark")
    pets.add([rare])
    assert ids(pets.find_words("dog aardvark"))[0] == rare.id
    assert len(pets.find_words("dog", limit=7)) == 7
