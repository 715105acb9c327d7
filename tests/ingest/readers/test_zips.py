"""Zips: malicious, damaged and encrypted ones are rejected before they are decompressed."""

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError, UnreadableFile
from core.ingest.readers.detect import read
from tests.fixtures.files import encoded, half, jsonl, png, zip_of
from tests.fixtures.sources import records, rejected


def test_paths_in_a_zipped_table_stay_inside(tmp_path: Path) -> None:
    rows = jsonl({"image": "../a.png"}, {"image": "/b.png"}, {"image": "p/../a.png"})
    source = read(zip_of(tmp_path / "z.zip", {"items.jsonl": rows, "a.png": png(1)}))
    assert [r.name for r in records(source)] == ["a.png"]
    assert rejected(source) == {
        "../a.png": "its path leads outside of the folder (named in items.jsonl line 1)",
        "/b.png": "its path is absolute and leads outside of the folder "
        "(named in items.jsonl line 2)",
    }


def test_names_that_leave_a_zip_are_rejected_and_the_rest_is_read(tmp_path: Path) -> None:
    names = ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\evil.png"]
    path = zip_of(tmp_path / "slip.zip", {**dict.fromkeys(names, png(1)), "d\\good.png": png(2)})
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    source = read(path)
    assert [r.name for r in records(source)] == ["d/good.png"]
    reasons = rejected(source)
    assert reasons.pop("link.png") == "it is a link, not a file"
    assert set(reasons) == {name.replace("\\", "/") for name in names}
    assert set(reasons.values()) == {"its name leads outside of the zip"}
    assert sorted(os.listdir(tmp_path)) == ["slip.zip"]


@pytest.mark.parametrize("written", [b"K\xc3\xa4se.png", b"K\x84se.png"])
def test_names_without_the_flag_of_utf8_are_read_as_they_were_written(
    tmp_path: Path, written: bytes
) -> None:
    """As many programs write them, and as code page 437."""
    stand_in = "K" + "x" * (len(written) - 7) + "se.png"
    rows = jsonl({"image": "Käse.png", "caption": "cheese"})
    path = zip_of(tmp_path / "z.zip", {"items.jsonl": rows, stand_in: png(1)})
    path.write_bytes(path.read_bytes().replace(stand_in.encode(), written))
    source = read(path)
    assert [r.name for r in records(source)] == ["Käse.png"]
    assert not rejected(source)


def test_a_member_that_decompresses_a_thousand_times_is_rejected_before_decompression(
    tmp_path: Path,
) -> None:
    path = zip_of(tmp_path / "bomb.zip", {"bomb.png": bytes(30_000_000), "good.png": png()})
    source = read(path)
    assert [r.name for r in records(source)] == ["good.png"]
    reason = rejected(source)["bomb.png"]
    assert reason.startswith("it decompresses 1,0") and reason.endswith("allowed: 200 times")


def test_many_small_bombs_are_rejected_as_a_whole(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "bombs.zip", {f"{i}.png": bytes(9_000_000) for i in range(3)})
    with pytest.raises(
        InputError, match=r"bombs.zip: it decompresses .* times to 27.0 MB; allowed: 200"
    ):
        read(path)


def test_a_false_directory_is_noticed_while_reading(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "false.zip", {"a.png": bytes(5_000_000), "good.png": png()})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")  # states 1000 bytes
    path.write_bytes(data)
    false, good = records(read(path))
    assert false.read is not None and good.read is not None
    with pytest.raises(UnreadableFile, match=r"a.png: it is damaged in the zip"):
        false.read()
    assert good.read() == png()


def test_encrypted_and_broken_zips(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", {"a.png": png(1), "b.png": png(2)})
    whole = path.read_bytes()
    path.write_bytes(half(whole))
    with pytest.raises(InputError, match=r"z.zip: it is not a zip, or it is truncated"):
        read(path)
    locked = bytearray(whole)
    first = locked.index(b"PK\x01\x02")
    second = locked.index(b"PK\x01\x02", first + 4)
    locked[first + 8] |= 1
    path.write_bytes(locked)
    source = read(path)
    assert [r.name for r in records(source)] == ["b.png"]
    assert rejected(source)["a.png"].startswith("it is encrypted")
    locked[second + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(InputError, match=r"z.zip: it is encrypted"):
        read(path)


def test_a_damaged_member_is_reported(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", {"a.png": png(1)})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    (record,) = records(read(path))
    assert record.read is not None
    with pytest.raises(UnreadableFile, match=r"a.png: it is damaged in the zip"):
        record.read()


def test_pages_in_black_and_white_go_in_and_empty_ones_up_to_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEXTANT_MEMORY", "0.1")
    blank = [encoded(Image.new("1", (3500, 3500), at % 2), "PNG") + bytes([at]) for at in range(12)]
    text = np.random.default_rng(0).random((3500, 3500)) < 0.01
    pages = [encoded(Image.fromarray(text), "PNG") + bytes([at]) for at in range(12)]
    for data, n in ((blank, 8), (pages, 12)):
        path = zip_of(tmp_path / "z.zip", {f"{at:02}.png": one for at, one in enumerate(data)})
        reasons = []
        for record in records(read(path)):
            try:
                assert record.read and record.read()
            except UnreadableFile as error:
                reasons.append(error.reason)
        assert len(reasons) == 12 - n
        for reason in reasons:
            assert re.search("kB of it stand for 147.0 MB; .*add: --memory 1$", reason)


def test_a_table_of_one_value_over_and_over_goes_in_up_to_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEXTANT_MEMORY", "0.1")
    for rows, n in (("a red square\n" * 40_000, 40_000), ("a red square\n" * 60_000, 0)):
        path = zip_of(tmp_path / "z.zip", {"a.csv": "caption\n" + rows})
        if n:
            assert len(records(read(path))) == n
        else:
            with pytest.raises(UnreadableFile, match=r"stand for 120.0 MB; allowed: 100.0 MB"):
                read(path)
    numbered = "".join(f"{at}.jpg,cat,train\n" for at in range(60_000))
    assert records(read(zip_of(tmp_path / "z.zip", {"a.csv": "caption,label,split\n" + numbered})))
