"""Homes and names of collections, and the artifacts beside the items."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadParameter, UnknownName
from core.store.collection import Collection
from core.store.home import Home
from tests.fixtures.items import text

NASTY = 'it\'s "quoted" <b>bold</b> 漢字 😀'


@pytest.fixture
def pets(home: Path) -> Collection:
    return Home(home).create("pets")


def test_importing_the_store_loads_no_lancedb():
    code = "import sys, core.store; sys.exit('lancedb' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
    )


def test_reading_creates_no_folder(home):
    assert Home(home).names() == ()
    with pytest.raises(UnknownName, match="No collection is called 'pets'"):
        Home(home).open("pets")
    assert not home.exists()


def test_collections_are_created_renamed_and_deleted(home):
    store = Home(str(home))
    pets = store.create("my pets")
    pets.add([text("a")])
    assert store.ensure("my pets").item_ids() == pets.item_ids()
    store.ensure("empty")
    with pytest.raises(BadParameter, match="allowed: a name that is not taken"):
        store.create("my pets")
    with pytest.raises(BadParameter, match="allowed: a name that is not taken"):
        store.rename("empty", "my pets")
    store.rename("my pets", "Katzen, wild".replace(",", " -"))
    assert Home(home).names() == ("Katzen - wild", "empty")
    assert Home(home).open("Katzen - wild").counts().texts == 1
    store.delete("Katzen - wild")
    assert store.names() == ("empty",)
    assert {p.name for p in home.iterdir() if p.is_dir() and any(p.iterdir())} == {
        "collections.lance",
        "contents.lance",
    }
    with pytest.raises(UnknownName, match="Did you mean 'empty'"):
        store.delete("empt")


@pytest.mark.parametrize("name", ["", " a", "a ", "a/b", "..\\x", "x" * 61, "a\n", "it's"])
def test_names_that_a_collection_cannot_have(home, name):
    with pytest.raises(BadParameter, match="allowed: 1 to 60 letters"):
        Home(home).create(name)


def test_layouts_and_ingest_reports_are_stored(pets):
    coords = np.arange(6, dtype=np.float32).reshape(3, 2)
    for n in range(66):
        pets.artifacts.write_matrix("umap", f"key {n}", coords + n)
        pets.artifacts.write_ingest_report(
            {"added": n, "refused": [{"name": NASTY, "reason": "it's broken"}]}
        )
    np.testing.assert_array_equal(pets.artifacts.read_matrix("umap", "key 65"), coords + 65)
    assert pets.artifacts.read_matrix("pca", "key 29") is None
    assert pets.artifacts.read_matrix("umap", "key 0") is None
    assert pets.artifacts.last_ingest_report()["refused"][0]["name"] == NASTY
    assert [r["added"] for r in pets.artifacts.ingest_reports()] == list(range(65, 45, -1))
