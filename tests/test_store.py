"""The store through its door: what goes in comes out, once, in its row."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadParameter, UnknownName, UnreadableFile
from core.store import Collection, Counts, Home
from core.types import Item, Passport, Refusal

STARTER = Passport("starter", "w1", "p1", 4)
OTHER = Passport("other", "w2", "p2", 3)
NASTY = "it's \"quoted\"; -- <b>bold</b> \\ %_ \x00 漢字 😀 ' OR 1=1"


def unit(n: int, d: int = 4, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def text(words: str, **more) -> Item:
    return Item("text", words.encode(), "a caption", **more)


def picture(content: bytes, **more) -> Item:
    return Item("image", content, "cat.jpg", **more)


def kept_pictures(home: Path) -> list[Path]:
    """Files of the copies that the store made."""
    return [p for p in home.rglob("originals/??/*") if p.is_file()]


@pytest.fixture
def pets(home: Path) -> Collection:
    return Home(home).create("pets")


def test_importing_the_store_loads_no_lancedb():
    code = "import sys, core.store; sys.exit('lancedb' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0
    )


def test_reading_makes_no_folder(home):
    assert Home(home).names() == ()
    with pytest.raises(UnknownName, match="No collection is called 'pets'"):
        Home(home).open("pets")
    assert not home.exists()


def test_an_empty_collection_answers_everything(pets):
    assert pets.counts() == Counts(0, 0, 0)
    assert pets.item_ids() == set() == pets.vector_ids(STARTER)
    assert pets.passports() == ()
    assert pets.space(STARTER).vectors.shape == (0, 4)
    assert list(pets.missing(STARTER)) == []
    assert pets.thumbnails(["x"]) == {} and pets.pairs_of("x") == ()
    assert pets.read_layout("umap", "key") is None and pets.last_intake() is None
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
    items = [text(f"caption {i}") for i in range(40)] + [picture(b"%d" % i) for i in range(30)]
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
    items = [text("a"), text("b"), picture(b"1"), text("a")]
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
    image = picture(b"1", id=f"image {words}")
    pets.add([item, image], [(image.id, item.id)], {image.id: b"webp"})
    pets.write_vectors(STARTER, [item.id, image.id], unit(2))
    assert pets.items([item.id]) == [item]
    assert pets.payload(item.id) == words.encode() and pets.payload(image.id) == b"1"
    assert pets.thumbnails([item.id, image.id]) == {image.id: b"webp"}
    assert pets.pairs_of(item.id) == (image.id,) and pets.pairs_of(image.id) == (item.id,)
    space = pets.space(STARTER)
    assert space.ids == (image.id, item.id) and space.pairs.tolist() == [[0, 1]]
    assert space.labels == ((), (words, "b"))
    pets.delete_items([item.id])
    assert pets.item_ids() == {image.id} and pets.counts().pairs == 0


def test_a_file_name_that_is_not_text_survives(pets, tmp_path):
    path = str(tmp_path / "caf\udce9.jpg")
    Path(path).write_bytes(b"picture")
    item = Item("image", b"picture", "caf\udce9.jpg", source=path)
    pets.add([item])
    assert pets.payload(item.id) == b"picture"
    assert pets.items([item.id])[0].name == "caf\\udce9.jpg"


def test_pictures_come_back_or_say_why_not(pets, tmp_path):
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"cat")
    kept, there, bare = picture(b"dog"), picture(b"cat", source=str(path)), picture(b"", id="bare")
    pets.add([kept, there, bare])
    assert pets.payload(kept.id) == b"dog" and pets.payload(there.id) == b"cat"
    assert pets.items([kept.id])[0].payload == b""
    with pytest.raises(UnreadableFile, match="only its vector is known"):
        pets.payload("bare")
    path.write_bytes(b"another cat")
    with pytest.raises(UnreadableFile, match="another picture than the one that was added"):
        pets.payload(there.id)
    path.unlink()
    with pytest.raises(UnreadableFile, match="cannot be read any more"):
        pets.payload(there.id)
    missing = list(pets.missing(STARTER))
    assert [type(m) for m in missing] == [Item, Refusal, Refusal]
    assert missing[0].payload == b"dog" and "cannot be read any more" in missing[1].reason


def test_a_second_encoder_sees_what_is_missing_and_leaves_the_first_alone(pets):
    items = [text(f"{i}") for i in range(600)]
    pets.add(items[:300])
    pets.add(items[300:])
    pets.write_vectors(STARTER, [i.id for i in items], unit(600))
    before = pets.space(STARTER).key
    assert [m.text for m in pets.missing(OTHER)] == [str(i) for i in range(600)]
    pets.write_vectors(OTHER, [i.id for i in items[:200]], unit(200, 3))
    assert [m.id for m in pets.missing(OTHER)] == [i.id for i in items[200:]]
    assert pets.vector_ids(OTHER) == {i.id for i in items[:200]}
    assert pets.space(OTHER).n == 200 and pets.space(STARTER).key == before
    assert pets.passports() == (STARTER, OTHER)
    assert pets.passport() == STARTER
    assert pets.passport("other") == OTHER == pets.passport(OTHER.key)
    with pytest.raises(UnknownName, match="Known: other, starter"):
        pets.passport("clip")


def test_the_first_images_are_those_added_first(pets):
    pictures = [picture(b"%d" % i) for i in range(9)]
    for start in (0, 5):
        pets.add([text(f"{start}"), *pictures[start : start + 5]])
    assert pets.first_images(6) == tuple(p.id for p in pictures[:6])
    assert len(pets.first_images(100)) == 9


def test_deleting_items_deletes_all_of_them_and_nothing_else(pets, home):
    twice = [picture(b"same", id="one"), picture(b"same", id="two")]
    alone, caption = picture(b"alone"), text("a caption")
    items = [*twice, alone, caption]
    pets.add(items, [(alone.id, caption.id), ("one", caption.id)], {i.id: b"w" for i in items})
    pets.write_vectors(STARTER, [i.id for i in items], unit(4))
    pets.write_vectors(OTHER, [i.id for i in items], unit(4, 3))
    pets.delete_items(["one", alone.id, "never there"])
    assert pets.item_ids() == {"two", caption.id} == set(pets.space(OTHER).ids)
    assert pets.counts() == Counts(1, 1, 0)
    assert pets.thumbnails(["one", alone.id, "two"]) == {"two": b"w"}
    assert pets.payload("two") == b"same"
    assert len(kept_pictures(home)) == 1
    pets.delete_items(["two"])
    assert kept_pictures(home) == []


def test_what_a_killed_run_left_half_written_is_tidied_when_old(pets, home):
    pets.add([picture(b"1")])
    (folder,) = home.rglob("originals/unfinished")
    assert list(folder.iterdir()) == []
    for name, hours in (("old", 2), ("young", 0.5)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - hours * 3600,) * 2)
    pets.optimize()
    assert [p.name for p in folder.iterdir()] == ["young"]


def test_vectors_of_items_that_are_gone_do_not_count(pets):
    a, b = text("a"), text("b")
    pets.add([a, b], [("gone", a.id)])
    pets.write_vectors(STARTER, [a.id, "gone", b.id], unit(3))
    assert pets.vector_ids(STARTER) == {a.id, b.id}
    space = pets.space(STARTER)
    assert set(space.ids) == {a.id, b.id} and len(space.pairs) == 0
    np.testing.assert_array_equal(space.vectors[space.row[b.id]], unit(3)[2])


def test_version_changes_at_every_write(pets, home):
    other = Home(home).open("pets")
    item, seen = picture(b"1"), {pets.version()}
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


def test_collections_are_made_renamed_and_deleted(home):
    store = Home(str(home))
    made = store.create("my pets")
    made.add([text("a")])
    assert store.ensure("my pets").item_ids() == made.item_ids()
    store.ensure("empty")
    with pytest.raises(BadParameter, match="allowed: a name that is not taken"):
        store.create("my pets")
    with pytest.raises(BadParameter, match="allowed: a name that is not taken"):
        store.rename("empty", "my pets")
    store.rename("my pets", "Katzen, wild".replace(",", " -"))
    assert Home(home).names() == ("Katzen - wild", "empty")
    assert Home(home).open("Katzen - wild").counts().texts == 1
    store.delete("Katzen - wild")
    assert store.names() == ("empty",) and len([p for p in home.iterdir() if p.is_dir()]) == 1
    with pytest.raises(UnknownName, match="Did you mean 'empty'"):
        store.delete("empt")


@pytest.mark.parametrize("name", ["", " a", "a ", "a/b", "..\\x", "x" * 61, "a\n", "it's"])
def test_names_that_a_collection_cannot_have(home, name):
    with pytest.raises(BadParameter, match="allowed: 1 to 60 letters"):
        Home(home).create(name)


def test_layouts_and_intakes_are_remembered(pets):
    coords = np.arange(6, dtype=np.float32).reshape(3, 2)
    for n in range(30):
        pets.write_layout("umap", f"key {n}", coords + n)
        pets.note_intake({"added": n, "refused": [{"name": NASTY, "reason": "it's broken"}]})
    np.testing.assert_array_equal(pets.read_layout("umap", "key 29"), coords + 29)
    assert pets.read_layout("pca", "key 29") is None
    assert pets.read_layout("umap", "key 0") is None
    assert pets.last_intake()["refused"][0]["name"] == NASTY
    assert [r["added"] for r in pets.intakes()] == list(range(29, 9, -1))
