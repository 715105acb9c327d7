"""Original bytes, in copies and in files elsewhere: read, checked, deleted with their items."""

import os
import time
from pathlib import Path

import pytest

from core.errors import UnreadableFile
from core.store.collection import Collection
from core.store.home import Home
from core.store.items import Counts
from core.types.item import Item, Rejected
from tests.fixtures.items import OTHER, STARTER, image, text, unit


@pytest.fixture
def pets(home: Path) -> Collection:
    return Home(home).create("pets")


def copies(home: Path) -> list[Path]:
    """Files of the copies in a home."""
    return [p for p in home.rglob("originals/??/*") if p.is_file()]


def test_a_file_name_that_is_not_text_survives(pets, tmp_path):
    path = str(tmp_path / "caf\udce9.jpg")
    Path(path).write_bytes(b"image")
    item = Item("image", b"image", "caf\udce9.jpg", source=path)
    pets.add([item])
    assert pets.payload(item.id) == b"image"
    assert pets.items([item.id])[0].name == "caf\\udce9.jpg"


def test_images_come_back_or_say_why_not(pets, tmp_path):
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"cat")
    copied, linked, bare = image(b"dog"), image(b"cat", source=str(path)), image(b"", id="bare")
    pets.add([copied, linked, bare])
    assert pets.payload(copied.id) == b"dog" and pets.payload(linked.id) == b"cat"
    assert pets.items([copied.id])[0].payload == b""
    with pytest.raises(UnreadableFile, match="only its vector is stored, not the image"):
        pets.payload("bare")
    path.write_bytes(b"another cat")
    with pytest.raises(UnreadableFile, match="its file has changed since it was added"):
        pets.payload(linked.id)
    path.unlink()
    with pytest.raises(UnreadableFile, match="its file can no longer be read"):
        pets.payload(linked.id)
    missing = list(pets.unencoded(STARTER))
    assert [type(m) for m in missing] == [Item, Rejected, Rejected]
    assert missing[0].payload == b"dog" and "its file can no longer be read" in missing[1].reason


def test_deleting_items_deletes_all_of_them_and_nothing_else(pets, home):
    twice = [image(b"same", id="one"), image(b"same", id="two")]
    alone, caption = image(b"alone"), text("a caption")
    items = [*twice, alone, caption]
    pets.add(items, [(alone.id, caption.id), ("one", caption.id)], {i.id: b"w" for i in items})
    pets.write_vectors(STARTER, [i.id for i in items], unit(4))
    pets.write_vectors(OTHER, [i.id for i in items], unit(4, 3))
    pets.delete_items(["one", alone.id, "never there"])
    assert pets.item_ids() == {"two", caption.id} == set(pets.space(OTHER).ids)
    assert pets.counts() == Counts(1, 1, 0)
    assert pets.thumbnails(["one", alone.id, "two"]) == {"two": b"w"}
    assert pets.payload("two") == b"same"
    assert len(copies(home)) == 1
    pets.delete_items(["two"])
    assert copies(home) == []


def test_old_unfinished_files_of_killed_processes_are_deleted(pets, home):
    pets.add([image(b"1")])
    (folder,) = home.rglob("originals/unfinished")
    assert list(folder.iterdir()) == []
    for name, hours in (("old", 2), ("young", 0.5)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - hours * 3600,) * 2)
    pets.optimize()
    assert [p.name for p in folder.iterdir()] == ["young"]
