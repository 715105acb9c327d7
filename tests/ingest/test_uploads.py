"""Uploads become one file to ingest; paths outside the allowed root are rejected."""

import os
import re
from io import BytesIO
from zipfile import ZipFile

import pytest

from core.errors import InputError, StoreError, UnreadableFile
from core.ingest import uploads


def packed(*names):
    data = BytesIO()
    with ZipFile(data, "w") as out:
        for name in names:
            out.writestr(name, name)
    data.seek(0)
    return data


def names(path):
    with ZipFile(path) as archive:
        return sorted(archive.namelist())


def test_images_and_captions_become_one_zip(tmp_path):
    files = [("a.jpg", BytesIO(b"A")), ("b.png", BytesIO(b"B")), ("captions.csv", BytesIO(b"C"))]
    path = uploads.save_uploads(files, tmp_path)
    assert names(path) == ["a.jpg", "b.png", "captions.csv"]
    assert ZipFile(path).read("a.jpg") == b"A"


def test_two_files_of_one_name_are_both_kept(tmp_path):
    path = uploads.save_uploads([("a.jpg", BytesIO(b"1")), ("a.jpg", BytesIO(b"2"))], tmp_path)
    assert names(path) == ["a (2).jpg", "a.jpg"]


def test_a_single_image_is_packed_and_a_single_table_is_not(tmp_path):
    image = uploads.save_uploads([("a.jpg", BytesIO(b"A"))], tmp_path)
    table = uploads.save_uploads([("vectors.parquet", BytesIO(b"P"))], tmp_path)
    assert names(image) == ["a.jpg"]
    assert (table.name, table.read_bytes()) == ("vectors.parquet", b"P")


def test_captions_join_the_zip_and_two_zips_are_rejected(tmp_path):
    captions = ("captions.csv", BytesIO(b"C"))
    path = uploads.save_uploads([("x.zip", packed("a.jpg")), captions], tmp_path)
    assert names(path) == ["a.jpg", "captions.csv"]
    with pytest.raises(InputError, match="2 zips were chosen; allowed: one at a time"):
        uploads.save_uploads([("x.zip", packed("a.jpg")), ("y.zip", packed("b.jpg"))], tmp_path)


def test_a_path_in_a_name_does_not_leave_the_folder(tmp_path):
    path = uploads.save_uploads([("../../x/vectors.parquet", BytesIO(b"P"))], tmp_path / "in")
    assert path.is_relative_to(tmp_path / "in") and path.name == "vectors.parquet"
    path = uploads.save_uploads([("..\\..\\a.jpg", BytesIO(b"P"))], tmp_path / "in")
    assert names(path) == ["a.jpg"]


def test_no_file_is_a_message(tmp_path):
    with pytest.raises(InputError, match="There is no file to ingest"):
        uploads.save_uploads([], tmp_path)


def test_a_file_that_is_only_named_zip_is_rejected(tmp_path):
    files = [("x.zip", BytesIO(b"PK nothing" * 20)), ("captions.csv", BytesIO(b"C"))]
    with pytest.raises(UnreadableFile, match=r"x\.zip: it is not a zip file"):
        uploads.save_uploads(files, tmp_path)


def test_what_is_not_accepted_does_not_stay_on_disk(tmp_path):
    class Full(BytesIO):
        def read(self, size=-1):
            raise OSError(28, "No space left on device")

    bad = {"bad.zip": (BytesIO(b"PK\3\4 not a zip"), InputError), "a.csv": (Full(), StoreError)}
    for name, (data, error) in bad.items():
        with pytest.raises(error):
            uploads.save_uploads([(name, data)], tmp_path / "drops")
    assert not list(tmp_path.glob("drops/*"))


def test_uploads_are_deleted_after_the_ingest_or_a_week(tmp_path):
    ingested = uploads.save_uploads([("a.jpg", BytesIO(b"A"))], tmp_path)
    forgotten = uploads.save_uploads([("b.jpg", BytesIO(b"B"))], tmp_path)
    os.utime(forgotten.parent, (0, 0))
    for _ in range(2):
        uploads.discard_upload(ingested, tmp_path)
        assert not ingested.parent.exists()
    new = uploads.save_uploads([("c.jpg", BytesIO(b"C"))], tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [new.parent.name]


def test_a_path_of_the_user_is_never_deleted(tmp_path):
    mine = tmp_path / "mine.zip"
    mine.write_bytes(b"x")
    uploads.discard_upload(mine, tmp_path / "uploads")
    assert mine.exists()


def test_only_paths_below_the_root_are_allowed(tmp_path, monkeypatch):
    monkeypatch.setenv("SEXTANT_ROOT", str(tmp_path / "root"))
    (tmp_path / "root" / "pets").mkdir(parents=True)
    (tmp_path / "root" / "way_out").symlink_to(tmp_path)
    assert uploads.allowed_path("pets") == tmp_path / "root" / "pets"
    assert uploads.allowed_path(f" '{tmp_path}/root/pets' ") == tmp_path / "root" / "pets"
    with pytest.raises(InputError, match=r"is not in .*: sextant serve --root /"):
        uploads.allowed_path(str(tmp_path))
    for outside in ("..", "way_out", "pets/../../x", "~root", "~nobody-of-that-name/x"):
        sentence = f"^{re.escape(outside)} is not in {tmp_path}/root, .*: sextant serve --root DIR$"
        with pytest.raises(InputError, match=sentence):
            uploads.allowed_path(outside)
    (tmp_path / "root" / "endless").symlink_to("endless")
    for nowhere in ("birds", "a\0b", "x" * 5000, "endless/x", "\udcff"):
        with pytest.raises(InputError, match="There is no file or folder"):
            uploads.allowed_path(nowhere)
    with pytest.raises(InputError, match="type the path"):
        uploads.allowed_path("  ")


def test_hidden_files_and_a_server_without_a_folder_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("SEXTANT_ROOT", str(tmp_path))
    (tmp_path / ".keys" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(".keys")
    (tmp_path.parent / ".outside").mkdir()
    for hidden in (".keys", ".keys/deep", "link", "link/deep", "../.outside"):
        with pytest.raises(InputError, match="is hidden, or in a hidden folder"):
            uploads.allowed_path(hidden)
    monkeypatch.setenv("SEXTANT_ROOT", "")
    with pytest.raises(InputError, match="reads no files by path"):
        uploads.allowed_path(str(tmp_path))
    assert uploads.allowed_root() is None
