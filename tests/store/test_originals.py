"""Copies of pictures and files elsewhere: read again, checked, deleted with their items."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from core.errors import UnreadableFile
from core.store.collection import Collection
from core.store.home import Home
from core.store.items import Counts
from core.types.item import Item, Passport, Rejected

STARTER = Passport("starter", "w1", "p1", 4)
OTHER = Passport("other", "w2", "p2", 3)


def unit(n: int, d: int = 4, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def text(words: str, **more) -> Item:
    return Item("text", words.encode(), "a caption", **more)


def picture(content: bytes, **more) -> Item:
    return Item("image", content, "cat.jpg", **more)


@pytest.fixture
def pets(home: Path) -> Collection:
    return Home(home).create("pets")


def kept_pictures(home: Path) -> list[Path]:
    """Files of the copies that the store made."""
    return [p for p in home.rglob("originals/??/*") if p.is_file()]


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
    assert [type(m) for m in missing] == [Item, Rejected, Rejected]
    assert missing[0].payload == b"dog" and "cannot be read any more" in missing[1].reason


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
