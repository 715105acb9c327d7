"""Full-text search finds what was said, whatever was said and whatever is asked."""

import pyarrow as pa
import pytest

from core.store import full_text
from core.store import full_text as words
from core.store.home import Home
from core.store.schema import WORDS
from core.types.item import Item

ODD = {
    "html": "<b>bold</b> &amp; <script>alert('zebra')</script>",
    "emoji": "😀 smiling kangaroo 漢字",
    "long": "lorem " * 1700 + "ocelot",
    "empty": "",
    "quotes": 'she said "hippo" -- it\'s; DROP TABLE items',
    "nul": "walrus \x00 after",
}


def text(said, **more):
    return Item("text", said.encode(), "a caption", **more)


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
    items = {key: text(said) for key, said in ODD.items()}
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


def test_what_may_not_be_found_crowds_nothing_out(pets, monkeypatch):
    """A few of many: looked at alone, or by looking at more of all; the scores are those of all."""
    said = [text(f"a dog and {'a dog ' * (i % 7)}number {i}") for i in range(90)]
    photos = [Item("image", bytes([i]), f"{i}.jpg") for i in range(90)]
    pairs = [(photo.id, dog.id) for photo, dog in zip(photos, said, strict=True)]
    pets.add([*said, *photos, text("a cat")], pairs)
    scores = dict(pets.find_words("dog"))
    worst = sorted(said, key=lambda dog: (scores[dog.id], dog.id))[:5]
    few = [dog.id for dog in worst] + [photos[said.index(dog)].id for dog in worst[:2]]
    for at_most in (full_text.FEW, 0):
        monkeypatch.setattr(words, "FEW", at_most)
        found = pets.find_words("dog", 9, [*few, text("a cat").id, "nobody"])
        assert dict(found) == pytest.approx({id_: scores[id_] for id_ in few})
        assert set(ids(pets.find_words("dog", 9, few[5:]))) == set(few[5:])
        assert pets.find_words("dog", 9, []) == []
        assert len(pets.find_words("dog", 3, [dog.id for dog in said])) == 3


def test_an_item_that_came_again_says_what_it_says_now(pets):
    """Deleted and added between two questions, with other labels, another name and attribute."""
    old = Item("image", b"1", "lake.jpg", labels=("dog",), attributes={"by": "Leica"})
    new = Item("image", b"1", "hill.jpg", labels=("cat",), attributes={"by": "Zeiss"})
    pets.add([old, text("beach")])
    assert new.id == old.id and ids(pets.find_words("dog")) == [old.id]
    pets.delete_items([old.id])
    pets.add([new])
    assert [pets.find_words(word) for word in ("dog", "lake", "leica")] == [[], [], []]
    assert {*ids(pets.find_words("cat hill zeiss"))} == {new.id}
    assert len(pets.find_words("cat hill zeiss beach")) == 2


def test_words_that_an_earlier_version_kept_are_read_again(pets):
    dog = text("a dog")
    pets.add([dog])
    schema = pa.schema([f for f in WORDS if f.name != "added"])
    table = pets._database.make("words", schema)
    table.merge(pa.table([[dog.id], ["a cat"]], schema=schema), ["id"])
    assert pets.find_words("cat") == [] and ids(pets.find_words("dog")) == [dog.id]
