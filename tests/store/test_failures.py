"""The store under concurrent writes, killed processes and failing disks."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lancedb.table
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from core.errors import Damaged, InputError, StoreError
from core.store.home import Home
from core.store.items import Counts
from core.store.schema import PASSPORTS
from core.store.table import Table
from core.types.item import Item, Passport
from core.workbench import Workbench
from tests.fixtures.items import database

pytestmark = pytest.mark.hardening
ROOT = Path(__file__).parents[2]
STARTER = Passport("starter", "w1", "p1", 8)


class RustPanic(Exception):
    """Named as the one of LanceDB, which cannot be imported."""


WRITER = """
import random, sys, time
import numpy as np
from core.store import Home
from core.types import Item, Passport
home, seed, start = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
passport = Passport("starter", "w1", "p1", 8)
import lancedb
time.sleep(max(0.0, start - time.time()))
pets = Home(home).ensure("pets")
shuffle = random.Random(seed).shuffle
for chunk in range(8):
    items = [
        Item(kind, f"{kind} {chunk} {i}".encode(), f"{i}", attributes={f"of chunk {chunk}": i})
        for i in range(10) for kind in ("image", "text")
    ]
    pairs = [(items[i].id, items[i + 1].id) for i in range(0, 20, 2)]
    shuffle(items)
    shuffle(pairs)
    pets.add(items, pairs, {i.id: b"webp" for i in items if i.kind == "image"})
    rows = np.stack([np.eye(8)[int(i.name) % 8] for i in items])
    pets.write_vectors(passport, [i.id for i in items], rows)
    if seed == 1 and chunk in (0, 4):
        pets.optimize()
"""


def writer(home: Path, seed: int, start: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", WRITER, str(home), str(seed), str(start)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def check_whole(home: Path) -> None:
    pets = Home(home).open("pets")
    assert pets.counts() == Counts(80, 80, 80)
    space = pets.space(STARTER)
    assert space.n == 160 and len(space.pairs) == 80
    tables = (database(home).table(t) for t in ("items", "thumbnails", "pairs"))
    assert [t.count() for t in tables] == [160, 80, 80]
    for item, row in zip(pets.items(space.ids), space.vectors, strict=True):
        assert row[int(item.name) % 8] == 1
        chunk = item.attributes.popitem()
        assert chunk[1] == int(item.name)
    assert len([p for p in home.rglob("originals/??/*") if p.is_file()]) == 80


def test_processes_that_write_the_same_at_once_write_it_once(home):
    start = time.time() + 4
    running = [writer(home, seed, start) for seed in range(3)]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], errors
    assert Home(home).names() == ("pets",)
    check_whole(home)


@pytest.mark.slow
def test_a_killed_run_reads_and_running_it_again_completes_it(home):
    for wait in (0.15, 0.4, 0.9):
        process = writer(home, 0, 0)
        deadline = time.time() + 60
        while not list(home.glob("*/items.lance/_versions/*.manifest")) and time.time() < deadline:
            time.sleep(0.01)
        time.sleep(wait)
        process.kill()
        process.communicate()
        pets = Home(home).open("pets")
        space = pets.space(STARTER)
        assert space.n <= pets.counts().images + pets.counts().texts <= 160
        assert len(list(pets.unencoded(STARTER))) == len(pets.item_ids()) - space.n
        for item in pets.items(space.ids):
            assert pets.payload(item.id)
    process = writer(home, 0, 0)
    assert process.communicate(timeout=120)[1] == ""
    check_whole(home)


@pytest.mark.slow
def test_two_writers_and_a_deleter_leave_nothing_that_cannot_be_mended(home):
    running, pick = [writer(home, seed, 0) for seed in (0, 2)], random.Random(0)
    deleted = set()
    while any(process.poll() is None for process in running):
        time.sleep(0.05)
        if "pets" in Home(home).names():
            pets = Home(home).open("pets")
            there = sorted(pets.item_ids())
            gone = pick.sample(there, min(3, len(there)))
            pets.edits.delete(gone)
            deleted |= set(gone)
    assert [process.communicate()[1] for process in running] == ["", ""] and deleted
    list(Home(home).open("pets").problems(repair=True))
    pets = Home(home).open("pets")
    assert list(pets.problems()) == []
    assert pets.item_ids().isdisjoint(deleted)
    assert len(pets.item_ids()) == 160 - len(deleted)
    assert pets.space(STARTER).n == len(pets.item_ids())


def test_the_same_name_at_once_is_one_collection(home):
    stores = [Home(home) for _ in range(2)]
    made = [store.ensure("pets") for store in stores]
    made[0].add([Item("text", b"a", "a")])
    assert made[1].counts().texts == 1


@pytest.mark.parametrize("where", ["", "sub"])
def test_a_file_where_the_folder_should_be(tmp_path, where):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="a file has the name of its folder"):
        Home(tmp_path / "file" / where).create("pets")


def test_a_home_that_is_a_file_is_not_an_empty_home(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be read: a file has the name of its folder"):
        Home(tmp_path / "file").names()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written: permission denied"):
        Home(tmp_path / "home").create("pets")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("lance error: LanceError(IO): No space left on device (os error 28), /x:1"),
         "The collection 'pets' cannot be written: the disk is full. Free some space"),
        (OSError(13, "Permission denied"), "cannot be written: permission denied"),
        (OSError("lance error: Read-only file system (os error 30)"), "the disk is read-only"),
        (RuntimeError("Generic S3 error: Some(<Code>AccessDenied</Code>)"), "permission denied"),
        (OSError("AWS Error NO_SUCH_BUCKET during PutObject"), "there is no such bucket"),
        (OSError(5, "x"), "cannot be written: input/output error.$"),
        (OSError("AWS Error NETWORK_CONNECTION during Head: curlCode: 7, Could not connect"),
         "the object store cannot be reached. Check its address and the network"),
        (ValueError("Invalid input, RetryError { HttpError { kind: Connect, ConnectError"),
         "the object store cannot be reached"),
        (OSError("google::cloud::Status(UNAVAILABLE: CURL error [6]=Could not resolve"),
         "the object store cannot be reached"),
        (RustPanic("rust future panicked: unknown error"), "its table 'items' is damaged"),
        (OSError("AWS Error SLOW_DOWN during Put"), "the object store failed. Repeat it later"),
        (RuntimeError("lance error: Encountered corrupt file, /root/x.rs:1\nmore"),
         "its table 'items' is damaged. See what can be repaired: sextant check pets$"),
    ],
)  # fmt: skip
def test_errors_of_lancedb_become_messages(home, monkeypatch, error, sentence):
    pets = Home(home).create("pets")
    pets.add([Item("text", b"a", "a")])

    def say_no(*_, **__):
        raise error

    monkeypatch.setattr(lancedb.table.LanceTable, "_do_merge", say_no)
    with pytest.raises(StoreError, match=sentence) as caught:
        pets.add([Item("text", b"b", "b")])
    assert caught.value.__cause__ is error
    monkeypatch.undo()
    pets.add([Item("text", b"b", "b")])
    assert pets.counts().texts == 2


def test_a_full_disk_while_an_image_is_stored(home, monkeypatch):
    pets = Home(home).create("pets")

    class Full:
        def __getattr__(self, name):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(fs, "LocalFileSystem", Full)
    with pytest.raises(StoreError, match="the disk is full"):
        pets.add([Item("image", b"a", "a")])
    monkeypatch.undo()
    assert pets.item_ids() == set()


@pytest.fixture
def small(tmp_path):
    """A disk of 4 MB, where this process may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_small_disk_that_is_full_reads_and_goes_on_once_there_is_space(small):
    (small / "other").write_bytes(bytes(1_500_000))
    pets, written = Home(small / "home").create("pets"), []
    with pytest.raises(StoreError, match=r"the disk is full\. Free some space and repeat"):
        for n in range(80):
            pets.add([Item("image", os.urandom(80_000), f"{n}.jpg")])
            written.append(n)
    assert 0 < len(written) < 80
    assert Home(small / "home").open("pets").counts().images == len(written)
    (small / "other").unlink()
    pets.add([Item("image", os.urandom(80_000), "again.jpg")])
    pets = Home(small / "home").open("pets")
    assert pets.counts().images == len(written) + 1
    assert [problem for problem in pets.problems() if "thumbnail" not in problem.sentence] == []


def test_a_conflict_that_another_writer_caused_is_tried_again(home, monkeypatch):
    pets = Home(home).create("pets")
    merge, left = lancedb.table.LanceTable._do_merge, [2]

    def busy(*arguments, **more):
        left[0] -= 1
        if left[0] >= 0:
            raise RuntimeError("lance error: Retryable commit conflict for version 3")
        return merge(*arguments, **more)

    monkeypatch.setattr(lancedb.table.LanceTable, "_do_merge", busy)
    pets.add([Item("text", b"a", "a")])
    assert pets.counts().texts == 1 and left[0] < 0


@pytest.mark.parametrize("folder", ["_versions", "data"])
def test_a_damaged_table_is_named(home, folder):
    pets = Home(home).create("pets")
    pets.add([Item("text", b"a", "a")])
    for file in home.glob(f"*/items.lance/{folder}/*"):
        file.write_bytes(b"junk")
    sentence = "The collection 'pets' cannot be read: its table 'items' is damaged. See what can be"
    with pytest.raises(Damaged, match=sentence):
        Home(home).open("pets").counts()


def test_a_collection_deleted_by_another_process_says_so(home):
    pets = Home(home).create("pets")
    pets.add([Item("text", b"a", "a")])
    Home(home).delete("pets")
    with pytest.raises(Damaged, match="cannot be read: its table 'items' is incomplete"):
        pets.counts()


@pytest.mark.parametrize("document", ["[]", '{"strange": 1}', "{"])
def test_a_damaged_document_in_a_row_is_a_damaged_table(home, document):
    pets = Home(home).create("pets")
    pets.add([Item("text", b"a", "a")])
    pets.write_vectors(STARTER, [], np.empty((0, 8), np.float32))
    row = pa.table([["k"], [document], [1]], schema=PASSPORTS)
    database(home).table("passports").merge(row, ["key"])
    with pytest.raises(Damaged, match="its table 'passports' is damaged"):
        Home(home).open("pets").passports()


@pytest.mark.parametrize("document", [b"\xff{", b"[]", b"{}", b'{"format": "two"}'])
def test_a_damaged_file_of_the_format_is_named(home, document):
    Home(home).create("pets")
    (home / "format.json").write_bytes(document)
    sentence = "its file 'format.json' is damaged. Restore it from a copy, or delete the file."
    with pytest.raises(Damaged, match=sentence):
        Home(home).format()
    (home / "format.json").unlink()
    assert Workbench(home).names() == ("pets",)


def test_an_address_that_nothing_reads_says_which_are_read():
    with pytest.raises(InputError, match="allowed: a folder, or an address with s3://, gs://"):
        Home("foo://bar")


def test_misuse_is_a_bug_and_not_a_message(home):
    pets = Home(home).create("pets")
    with pytest.raises(ValueError, match=r"\(1, 3\) vectors for 1 ids and 8 dimensions"):
        pets.write_vectors(STARTER, ["a"], np.ones((1, 3), np.float32))


def test_an_item_that_is_there_has_its_thumbnail(home, monkeypatch):
    """A process killed right after the items were written: the next run takes them as complete."""
    collection = Home(home).create("pets")
    merge = Table.merge

    def killed_at_items(self, rows, *args, **more):
        merge(self, rows, *args, **more)
        if "kind" in rows.column_names:
            raise KeyboardInterrupt

    monkeypatch.setattr(Table, "merge", killed_at_items)
    cat = Item("image", b"cat", "cat.jpg")
    with pytest.raises(KeyboardInterrupt):
        collection.add([cat], thumbnails={cat.id: b"small"})
    assert collection.item_ids() == {cat.id}
    assert collection.thumbnails([cat.id]) == {cat.id: b"small"}
