"""Vectors that do not fit in memory come from a file, as they would from memory."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import InputError
from core.store import rows_file
from core.store.home import Home
from core.store.rows_file import FOLDER, stored_rows
from tests.fixtures.items import STARTER, image, text, unit


@pytest.fixture
def pets(home: Path):
    pets = Home(home).create("pets")
    items = [text(f"caption {i}") for i in range(20)] + [image(b"%d" % i) for i in range(10)]
    pets.add(items, [])
    pets.write_vectors(STARTER, [item.id for item in items], unit(30))
    return pets


@pytest.fixture
def no_memory(monkeypatch):
    monkeypatch.setenv("SEXTANT_VECTORS_MEMORY", "0")


@pytest.mark.parametrize("bucket", [1, 4 * 7 * STARTER.d, rows_file.BUCKET])
def test_a_mapped_space_is_the_same_space(pets, monkeypatch, bucket):
    monkeypatch.setattr(rows_file, "BUCKET", bucket)
    inside = pets.space(STARTER)
    monkeypatch.setenv("SEXTANT_VECTORS_MEMORY", "0")
    mapped = pets.space(STARTER)
    assert mapped.on_disk and not inside.on_disk
    assert mapped.ids == inside.ids and mapped.n_images == inside.n_images
    np.testing.assert_array_equal(mapped.vectors, inside.vectors)
    assert pets.space(STARTER).key == mapped.key


def test_the_file_follows_the_vectors_and_only_the_last_one_stays(pets, home, no_memory):
    before = pets.space(STARTER)
    copy = before.vectors.copy()
    item = text("another")
    pets.add([item], [])
    pets.write_vectors(STARTER, [item.id], unit(1))
    after = pets.space(STARTER)
    assert after.n == before.n + 1 and after.rows_key != before.rows_key
    np.testing.assert_array_equal(before.vectors, copy)  # whoever has it open reads on
    assert len(list(home.glob(f"*/{FOLDER}/*/*"))) == 1


def test_a_file_of_others_beside_it_stays(pets, home, no_memory):
    pets.space(STARTER)
    other = next(home.glob(f"*/{FOLDER}/*")) / ".DS_Store"
    other.touch()
    pets.write_vectors(STARTER, pets.space(STARTER).ids[:1], -unit(1))
    assert pets.space(STARTER).on_disk and other.exists()


def test_other_vectors_in_a_mapped_space_are_checked_and_have_another_key(pets, no_memory):
    space = pets.space(STARTER)
    labeled = replace(space, labels=tuple(("pet",) for _ in space.ids))
    assert labeled.on_disk and labeled.rows_key == space.rows_key
    turned = replace(space, vectors=space.vectors[:, ::-1])
    assert not turned.on_disk and turned.rows_key != space.rows_key
    some = space.subset(np.arange(5))
    assert not some.on_disk and some.rows_key != space.rows_key
    with pytest.raises(InputError, match="unit vectors are needed"):
        replace(space, vectors=2 * space.vectors)


def test_vectors_of_an_object_store_stay_in_memory(no_memory):
    assert stored_rows("s3://bucket/sextant", "e", "k", ("a",), 2, iter(())) is None


def test_too_little_disk_is_said_before_anything_is_written(pets, no_memory, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(InputError, match="GB are free"):
        pets.space(STARTER)


def test_nothing_is_left_of_a_file_that_could_not_be_written(pets, home, no_memory, monkeypatch):
    monkeypatch.setattr(rows_file, "check_unit_rows", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pets.space(STARTER)
    assert not list(home.glob(f"*/{FOLDER}/*/*"))
