"""What killed and concurrent deletions leave, and how it is found and mended."""

import os
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from core.errors import InputError, StoreError
from core.store import Home
from core.types import Item, Passport
from core.workbench import Workbench, tasks
from tests.fixtures.items import database

TOY = Passport("toy", "w", "p", 4)
IMAGE, TEXT = Item("image", b"x", "a.jpg"), Item("text", b"a", "a")


@pytest.fixture
def bench(home):
    pets = Home(home).create("pets")
    pets.add([IMAGE, TEXT], [(IMAGE.id, TEXT.id)], {IMAGE.id: b"webp"})
    pets.write_vectors(TOY, [IMAGE.id, TEXT.id], np.eye(2, 4, dtype=np.float32))
    return Workbench(home)


def test_a_deletion_that_was_killed_is_completed_at_the_next_start(bench, home, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Home, "_sweep", lambda self, key: None)  # killed after the mark
        Home(home).delete("pets")
    assert list(home.rglob("items.lance"))
    assert Workbench(home).names() == ()
    assert not list(home.rglob("items.lance")) and not any((home / "deleted").iterdir())


def test_rows_of_items_that_are_gone_are_found_and_mended(bench, home):
    assert bench.check("pets") == ()
    database(home).table("items").delete({"id": [TEXT.id]})
    found = Workbench(home).check("pets")
    assert [p.sentence for p in found] == [
        "1 item of its pairs is gone.", "1 item of its vectors is gone.",
    ]  # fmt: skip
    assert all(p.mended for p in Workbench(home).check("pets", repair=True))
    assert Workbench(home).check("pets") == ()


def test_a_hit_that_was_deleted_since_is_left_out(bench, home):
    opened = bench.open("pets")
    Home(home).open("pets").delete_items([TEXT.id])
    hits = bench.search(opened, f"img:{IMAGE.id}").hits
    assert TEXT.id not in [hit.id for hit in hits]


def test_a_collection_without_vectors_says_how_to_get_some(home):
    Home(home).create("bare").add([TEXT])
    with pytest.raises(InputError, match=r"has no vectors yet.*sextant encode bare"):
        Workbench(home).open("bare")


@pytest.mark.hardening
@pytest.mark.parametrize(
    "path", ["~nosuchuser/x", "x" * 5000, "a\0b", "\ud800", "~\0", "//", "a\x1b[2J"]
)
def test_any_path_is_a_sentence(home, path):
    with pytest.raises(InputError):
        Workbench(home).ingest("c", path, encoder="toy", root=Path(home))


def test_the_doctor_sees_every_collection(bench):
    found = bench.doctor()
    assert found["collections"] == {"pets": []} and found["packages"]["pyarrow"] != "missing"


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
def test_a_new_home_is_private_and_an_open_one_is_noticed(tmp_path):
    home = tmp_path / "new" / "home"
    bench = Workbench(home)
    bench.home.create("pets")
    assert home.stat().st_mode & 0o777 == 0o700
    assert bench.doctor()["readable_by_others"] is False
    home.chmod(0o755)
    assert bench.doctor()["readable_by_others"] is True


def test_an_encoder_in_a_folder_that_the_app_may_not_read_is_no_job(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("SEXTANT_ROOT", str(tmp_path / "allowed"))
    for name in (f"local-dir:{tmp_path}", str(tmp_path)):
        with pytest.raises(InputError, match=r"is not in .*/allowed"):
            tasks.start(bench, "add_encoder", "Encoding", name="pets", encoder=name)


@pytest.mark.hardening
@pytest.mark.parametrize("part", ["", "_versions"])
@pytest.mark.parametrize("table", ["items", "thumbnails"])
def test_a_lost_table_is_not_read_as_an_empty_one(bench, home, table, part):
    rmtree(next(home.glob(f"*/{table}.lance")) / part)
    after = Workbench(home)
    with pytest.raises(StoreError, match=f"its table '{table}' is missing"):
        after.thumbnails("pets", [IMAGE.id]) if table == "thumbnails" else after.card("pets")
    (found,) = after.check("pets")
    assert found.sentence.startswith(f"The table '{table}' is missing.")
    assert after.doctor()["collections"]["pets"] == [found.sentence]
    (first, *more) = after.check("pets", repair=True)
    assert (first.sentence, first.mended) == (found.sentence, table == "thumbnails")
    if table == "thumbnails":
        assert [p.sentence for p in more] == ["1 image has no thumbnail."]
        assert Workbench(home).card("pets").images == 1


def damage(folder, how):
    """Damage a table in one of the ways in which disks and people do."""
    part, _, act = how.partition(" ")
    for file in (folder / part).iterdir() if part else ():
        if act == "gone":
            file.unlink()
        elif file.suffix != ".json":
            file.write_bytes(file.read_bytes()[:40])
    if not part:
        rmtree(folder)


@pytest.fixture
def searched(bench):
    """A collection with every table that its ingest and its first searches write."""
    pets = bench.home.open("pets")
    pets.add([Item("text", f"word {n}".encode(), f"{n}") for n in range(8)])
    pets.write_vectors(TOY, [*pets.item_ids()], np.eye(10, 4, dtype=np.float32))
    pets.provenance.write("/a/place", {IMAGE.id: ["a.jpg"]})
    pets.artifacts.write_ingest_report({"added": {"image": 1}})
    pets.tags.add("good", [[IMAGE.id]])
    pets.search_text("word")
    pets.record()
    assert bench.check("pets") == ()
    return bench


NOT_MENDED = ("items", "passports")
DAMAGE = [
    "",
    "data cut",
    *(pytest.param(how, marks=pytest.mark.slow) for how in ("_versions gone", "_versions cut")),
    pytest.param("data gone", marks=pytest.mark.slow),
]


@pytest.mark.hardening
@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize(
    "table", [*NOT_MENDED, "vectors_*", "thumbnails", "pairs", "intakes", "provenance", "words"]
)
def test_a_damaged_table_is_listed_with_what_to_do_and_mended(searched, home, table, how):
    (folder,) = home.glob(f"*/{table}.lance")
    damage(folder, how)
    name, after = folder.stem, Workbench(home)
    (found,) = after.check("pets")
    assert found.sentence.startswith(f"The table '{name}' is ") and found.table == name
    assert found.mendable == (name not in NOT_MENDED) and not found.mended
    assert ("repair" in found.sentence) == found.mendable
    assert after.doctor()["collections"]["pets"] == [found.sentence]
    (first, *more) = after.check("pets", repair=True)
    assert first.mended == found.mendable
    assert all(problem.mended or "thumbnail" in problem.sentence for problem in more)
    left = [problem.table for problem in Workbench(home).check("pets") if problem.table]
    assert left == ([] if found.mendable else [name])
    if found.mendable:
        assert len(after.home.open("pets").search_text("word")) == 8
        assert Workbench(home).card("pets").texts == 9
    if name.startswith("vectors"):
        with pytest.raises(InputError, match="'pets' has no vectors yet"):
            Workbench(home).open("pets")


@pytest.mark.hardening
@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_record_of_the_tables_is_found_and_written_again(searched, home, how):
    (folder,) = home.glob("*/contents.lance")
    damage(folder, how)
    (found,) = Workbench(home).check("pets")
    assert found.sentence.startswith("The record of the tables ") and found.mendable
    assert [problem.mended for problem in Workbench(home).check("pets", repair=True)] == [True]
    assert Workbench(home).check("pets") == ()
    rmtree(next(home.glob("*/pairs.lance")))
    assert [problem.table for problem in Workbench(home).check("pets")] == ["pairs"]


@pytest.mark.hardening
@pytest.mark.parametrize("table", ["words", "pairs", "intakes"])
@pytest.mark.parametrize("how", DAMAGE)
def test_a_running_server_goes_on_after_a_repair_by_another_process(searched, home, table, how):
    opened = searched.home.open("pets")
    opened.search_text("word"), searched.card("pets")
    damage(next(home.glob(f"*/{table}.lance")), how)
    with suppress(StoreError):
        opened.search_text("word")
    with suppress(StoreError):
        searched.card("pets")
    Workbench(home).check("pets", repair=True)
    with suppress(StoreError):  # a handle that was open may notice only now
        opened.search_text("word")
    with suppress(StoreError):
        searched.card("pets")
    assert len(opened.search_text("word")) == 8
    assert searched.card("pets").texts == 9


@pytest.mark.hardening
def test_what_cannot_be_read_for_now_is_not_repaired(searched, home, monkeypatch):
    """A repair deletes what is damaged: not what is out of reach."""

    def fails(*_, **__):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("core.store.table.Table._query", fails)
        with pytest.raises(StoreError, match="too many open files"):
            Workbench(home).check("pets", repair=True)
    assert Workbench(home).check("pets") == ()


def test_an_ingest_that_was_killed_before_its_first_item_is_to_be_repeated(home):
    Home(home).create("pets").write_vectors(TOY, [], np.empty((0, 4), np.float32))
    (next(home.glob("*/passports.lance")).parent / "items.lance" / "data").mkdir(parents=True)
    for repair in (False, True):
        (found,) = Workbench(home).check("pets", repair=repair)
        assert "Repeat the ingest, or delete the collection." in found.sentence
        assert not found.mendable
    bench = Workbench(home)
    with pytest.raises(InputError, match=r"No item of 'pets' has a vector of toy\. Repeat the ing"):
        bench.search(bench.open("pets"), "red")
    Home(home).create("other")
    with pytest.raises(InputError, match=r"'other' has no items yet.* again where that was stopp"):
        bench.open("other")


@pytest.mark.hardening
def test_a_lost_list_of_collections_is_not_an_empty_home(bench, home):
    rmtree(home / "collections.lance")
    with pytest.raises(StoreError, match="its table 'collections' is missing"):
        Workbench(home).names()
    found = Workbench(home).doctor()
    assert "its table 'collections' is missing" in found["problem"]
    assert found["packages"]["lancedb"] and found["free_gb"] and found["collections"] == {}


def test_a_home_without_a_record_of_its_tables_gets_one_with_the_next_write(bench, home):
    rmtree(next(home.glob("*/contents.lance")))
    Home(home).open("pets").add([Item("text", b"b", "b")])
    rmtree(next(home.glob("*/items.lance")))
    with pytest.raises(StoreError, match="its table 'items' is missing"):
        Workbench(home).card("pets")


def test_lost_files_and_half_batches_are_found(bench, home, tmp_path):
    (tmp_path / "b.jpg").write_bytes(b"y")
    filed = Item("image", b"y", "b.jpg", source=str(tmp_path / "b.jpg"))
    Home(home).open("pets").add([filed], (), {filed.id: b"webp"})
    (tmp_path / "b.jpg").unlink()
    (copy,) = (p for p in home.glob("*/originals/??/*") if p.is_file())
    other = copy.parents[1] / "00" / ("0" * 32)
    other.parent.mkdir()
    copy.rename(other)
    sentences = [p.sentence for p in Workbench(home).check("pets")]
    assert sentences == [
        "1 item has no vector of toy. The same ingest again adds what is missing.",
        "1 image has a file that is no longer there.",
        "The copy of 1 image is missing.",
        "1 copy belongs to an image that is gone.",
    ]
    Workbench(home).check("pets", repair=True)
    assert not other.exists()


@pytest.mark.hardening
def test_rows_that_nobody_deleted_are_missed(bench, home):
    pets = Home(home).open("pets")
    pets.optimize()
    database(home).table("thumbnails").delete({"id": [IMAGE.id]})
    assert [p.sentence for p in Workbench(home).check("pets")] == [
        "The table 'thumbnails' has 0 rows; it had 1 when they were last counted.",
        "1 image has no thumbnail.",
    ]
    Workbench(home).check("pets", repair=True)
    assert "it had" not in str(Workbench(home).check("pets"))
    pets.delete_items([TEXT.id])
    assert "it had" not in str(Workbench(home).check("pets"))


@pytest.mark.hardening
def test_a_home_of_a_later_version_is_left_alone(bench, home):
    (home / "format.json").write_text('{"format": 99}')
    for use in (Workbench.names, lambda later: later.ingest("pets", home, encoder="toy")):
        with pytest.raises(StoreError, match=r"format 99; .* Update with: pip install -U"):
            use(Workbench(home))
    (home / "format.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        Workbench(home).names()
