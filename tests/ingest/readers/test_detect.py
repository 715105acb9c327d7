"""Every form gives the records it should; every bad input gives a sentence and stops nothing."""

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError, UnreadableFile
from core.ingest.images import decode
from core.ingest.readers.detect import read
from core.ingest.readers.records import Record, Source, items_of
from core.types.item import Rejected, digest
from tests.fixtures.files import folder_of, half, jsonl, png, png_bomb, zip_of

ANYTHING = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CAPTIONS = st.text(min_size=1, max_size=60).map(str.strip).filter(bool)


def records(source: Iterable[Record | Rejected]) -> list[Record]:
    return [entry for entry in source if isinstance(entry, Record)]


def refused(source: Iterable[Record | Rejected]) -> dict[str, str]:
    return {entry.name: entry.reason for entry in source if isinstance(entry, Rejected)}


def seen(source: Source) -> list[tuple[object, ...]]:
    """All that a source says, without where it lies."""
    return [
        (e.name, e.reason)
        if isinstance(e, Rejected)
        else (e.name, e.read and e.read(), e.captions, e.labels, dict(e.attributes))
        for e in source
    ]


# ---- forms


def test_a_plain_folder_is_read_deeply_in_order_and_only_pictures(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "photos",
        {
            "b.png": png(1),
            "a/z.PNG": png(2),
            "a/deep/er/x.jpg": png(3),
            "notes.md": "x",
            ".DS_Store": "x",
            "a/Thumbs.db": "x",
            ".git/a.png": png(4),
            "__MACOSX/._b.png": "x",
        },
    )
    source = read(folder)
    assert (source.name, source.total) == ("photos", 3)
    assert [r.name for r in records(source)] == ["a/deep/er/x.jpg", "a/z.PNG", "b.png"]
    assert refused(source) == {}
    assert [r.read() for r in records(source) if r.read] == [png(3), png(2), png(1)]
    assert records(source)[2].source == str(folder / "b.png")
    assert seen(source) == seen(source)  # reading again gives the same again


def test_items_jsonl_with_every_field(tmp_path: Path) -> None:
    row = {
        "image": "./pictures/a.png",
        "captions": [" A dog .", "<b>Bold</b> & true"],
        "labels": ["dog", 7],
        "id": 12,
        "score": 0.5,
        "good": True,
        "none": None,
        "nested": {"a": [1, "ü"]},
        "big": 2**70,
    }
    folder = folder_of(
        tmp_path / "set",
        {
            "pictures/a.png": png(1),
            "b.png": png(2),
            "items.jsonl": "\ufeff"
            + jsonl(row, {"image": "b.png", "caption": "B", "label": "cat"}, {"caption": "lone"}),
        },
    )
    a, b, text = records(read(folder))
    assert (a.name, a.captions, a.labels) == (
        "pictures/a.png",
        ("A dog .", "<b>Bold</b> & true"),
        ("dog", "7"),
    )
    assert a.attributes == {
        "id": 12,
        "score": 0.5,
        "good": True,
        "nested": '{"a": [1, "ü"]}',
        "big": str(2**70),
    }
    assert (b.captions, b.labels) == (("B",), ("cat",))
    assert (text.name, text.read, text.captions) == ("items.jsonl line 3", None, ("lone",))
    assert seen(read(folder / "items.jsonl")) == seen(read(folder))


def test_a_folder_gives_all_its_pictures_and_a_table_what_it_names(tmp_path: Path) -> None:
    files = {"a.png": png(1), "b.png": png(2), "items.jsonl": jsonl({"image": "b.png"})}
    folder = folder_of(tmp_path / "set", files)
    assert [r.name for r in records(read(folder))] == ["b.png", "a.png"]
    assert [r.name for r in records(read(folder / "items.jsonl"))] == ["b.png"]


@pytest.mark.parametrize("name", ["captions.txt", "captions.csv"])
@pytest.mark.parametrize("where", ["Images/", "images/", ""])
def test_kaggles_flickr8k(tmp_path: Path, name: str, where: str) -> None:
    table = 'image,caption\nb.jpg,"One , two"\na.jpg,A .\nb.jpg,Three\n\n'
    folder = folder_of(
        tmp_path / "f8k", {name: table, f"{where}a.jpg": png(1), f"{where}b.jpg": png(2)}
    )
    for source in (read(folder), read(folder / name)):
        b, a = records(source)
        assert (b.name, b.captions) == (f"{where}b.jpg", ("One , two", "Three"))
        assert (a.name, a.captions) == (f"{where}a.jpg", ("A .",))
        assert (source.total, refused(source)) == (2, {})


def test_columns_of_a_csv_are_typed_by_all_their_cells(tmp_path: Path) -> None:
    table = (
        "Image;caption;year;weight;zip;seen;mixed;label\n"
        "a.png;A;1999;1;007;true;1;cat\n"
        "b.png;B;;2.5e1;012;False;x;3\n"
    )
    folder = folder_of(tmp_path / "t", {"t.csv": table, "a.png": png(1), "b.png": png(2)})
    a, b = records(read(folder / "t.csv"))
    expected = {"year": 1999, "weight": 1.0, "zip": "007", "seen": True, "mixed": "1"}
    assert a.attributes == expected
    assert [type(v) for v in a.attributes.values()] == [int, float, str, bool, str]
    assert b.attributes == {"weight": 25.0, "zip": "012", "seen": False, "mixed": "x"}
    assert (a.labels, b.labels) == (("cat",), ("3",))


def test_tsv_and_utf16_and_lists_in_cells(tmp_path: Path) -> None:
    table = 'caption\tlabels\nA, b\t"[""x"", ""y""]"\n[not json\tz\n'
    path = tmp_path / "t.tsv"
    path.write_bytes(table.encode("utf-16"))
    one, two = records(read(path))
    assert (one.captions, one.labels) == (("A, b",), ("x", "y"))
    assert (two.captions, two.labels) == (("[not json",), ("z",))


def test_parquet_keeps_types(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", {"a.png": png(1)})
    table = pa.table(
        {
            "image": ["a.png", None],
            "captions": pa.array([["one", "two"], ["three"]], pa.list_(pa.string())),
            "n": pa.array([1, None], pa.int32()),
            "when": pa.array([0, 1], pa.timestamp("s")),
        }
    )
    pq.write_table(table, folder / "t.parquet")
    for source in (read(folder), read(folder / "t.parquet")):
        a, text = records(source)
        assert (a.captions, a.attributes) == (
            ("one", "two"),
            {"n": 1, "when": "1970-01-01T00:00:00"},
        )
        assert (text.name, text.captions) == ("t.parquet row 2", ("three",))


COCO = {
    "images": [
        {"id": 1, "file_name": "1.jpg", "license": 3},
        {"id": 2, "file_name": "2.jpg", "license": 4},
    ],
    "annotations": [
        {"image_id": 2, "caption": "Two ."},
        {"image_id": 1, "caption": "One ."},
        {"image_id": 2, "caption": "Zwei"},
        {"image_id": 9, "caption": "Nobody"},
    ],
}


@pytest.mark.parametrize("json_at", ["captions_val2017.json", "annotations/captions_val2017.json"])
@pytest.mark.parametrize("where", ["", "val2017/", "images/", "images/val2017/"])
def test_coco_captions(tmp_path: Path, json_at: str, where: str) -> None:
    folder = folder_of(
        tmp_path / "coco",
        {json_at: json.dumps(COCO), f"{where}1.jpg": png(1), f"{where}2.jpg": png(2)},
    )
    for source in (read(folder), read(folder / json_at)):
        one, two = records(source)
        assert (one.name, one.captions, one.attributes) == (
            f"{where}1.jpg",
            ("One .",),
            {"id": 1, "license": 3},
        )
        assert two.captions == ("Two .", "Zwei")
        assert refused(source) == {
            "captions_val2017.json annotation 4": "it belongs to picture 9, which is not listed"
        }


def test_coco_objects_become_labels(tmp_path: Path) -> None:
    document = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "annotations": [{"image_id": 1, "category_id": c} for c in (5, 6, 5)],
        "categories": [{"id": 5, "name": "dog"}, {"id": 6, "name": "cat"}],
    }
    folder = folder_of(tmp_path / "c", {"x.json": json.dumps(document), "1.jpg": png(1)})
    assert records(read(folder))[0].labels == ("dog", "cat")


def test_class_folders_label_only_when_all_lie_one_deep(tmp_path: Path) -> None:
    classes = folder_of(tmp_path / "c", {"dog/1.png": png(1), "cat/1.png": png(2)})
    assert [(r.name, r.labels) for r in records(read(classes))] == [
        ("cat/1.png", ("cat",)),
        ("dog/1.png", ("dog",)),
    ]
    folder_of(classes, {"top.png": png(3)})
    assert {r.labels for r in records(read(classes))} == {()}
    one = folder_of(tmp_path / "o", {"dog/1.png": png(1)})
    assert records(read(one))[0].labels == ()


def test_sidecar_texts_are_captions_line_by_line(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "s",
        {
            "a.png": png(1),
            "a.txt": "caption\n\n second \r\n",
            "b.png": png(2),
            "README.txt": "no picture",
            "b.txt": b"good\n\xff\xfe\xfa\n",
        },
    )
    source = read(folder)
    assert [r.captions for r in records(source)] == [("caption", "second"), ("good",)]
    assert refused(source) == {"b.txt line 2": "a text in it is not valid UTF-8"}


def test_a_text_file_gives_texts_without_pictures(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("First, with comma\n\nSecond\n")
    assert [(r.name, r.captions, r.read) for r in records(read(path))] == [
        ("lines.txt line 1", ("First, with comma",), None),
        ("lines.txt line 3", ("Second",), None),
    ]


def test_one_picture_by_its_path(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a.png": png(1), "b.png": png(2)})
    (record,) = records(read(str(tmp_path / "a.png")))
    assert record.read is not None and record.read() == png(1)


# ---- a folder and its zip are the same


NAMES = st.text(st.sampled_from("ab é<>&'"), min_size=1, max_size=4).map(lambda s: f"x{s}x")
TREES = st.dictionaries(
    st.tuples(st.sampled_from(["", "cat/", "dog/", "dog/deep/"]), NAMES).map("".join),
    st.tuples(st.sampled_from([".png", ".txt", ".md"]), st.integers(0, 9)),
    min_size=1,
    max_size=8,
)


@ANYTHING
@given(tree=TREES, listed=st.booleans(), wrapped=st.booleans())
def test_a_folder_and_its_zip_give_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    tree: dict[str, tuple[str, int]],
    listed: bool,
    wrapped: bool,
) -> None:
    files: dict[str, bytes | str] = {"x.png": png(0)}
    for name, (ending, seed) in tree.items():
        files[name + ending] = png(seed) if ending == ".png" else f"text {seed}\n"
    if listed:
        rows = [{"image": n, "caption": n} for n in files if n.endswith(".png")]
        files["items.jsonl"] = jsonl(*rows, {"image": "gone.png"})
    if wrapped:
        files = {f"wrap/{name}": data for name, data in files.items()}
    place = tmp_path_factory.mktemp("same")
    a, b = read(folder_of(place / "f", files)), read(zip_of(place / "f.zip", files))
    assert [row for row in seen(a) if "gone.png" not in row] == [
        row for row in seen(b) if "gone.png" not in row
    ]
    assert a.total == b.total and list(refused(a)) == list(refused(b))
    assert all(record.source == "" for record in records(b))


@ANYTHING
@given(captions=st.lists(CAPTIONS, min_size=1, max_size=6))
def test_any_caption_survives_every_table(tmp_path: Path, captions: list[str]) -> None:
    cells = io.StringIO(newline="")
    csv.writer(cells).writerows([["caption", "n"], *([c, 1] for c in captions)])
    (tmp_path / "t.jsonl").write_text(jsonl(*({"caption": c} for c in captions)), "utf-8")
    (tmp_path / "t.csv").write_bytes(cells.getvalue().encode())
    pq.write_table(pa.table({"caption": captions}), tmp_path / "t.parquet")
    for form in ("jsonl", "csv", "parquet"):
        assert [r.captions[0] for r in records(read(tmp_path / f"t.{form}"))] == captions


def test_real_sets(data: Path) -> None:
    for name, count, captions in (("flickr8k-800", 800, 4000), ("imagenet-600", 600, 0)):
        source = read(data / name)
        assert source.total == len(records(source)) == count
        assert sum(len(r.captions) for r in records(source)) == captions
        assert refused(source) == {}


# ---- items


def test_items_of_a_record() -> None:
    record = Record("a.jpg", None, "/x/a.jpg", ("One", "Two"), ("dog",), {"n": 1, "split": "test"})
    picture, texts = items_of(record, b"bytes")
    assert picture is not None
    assert (picture.id, picture.name, picture.source) == (
        digest("image", b"bytes"),
        "a.jpg",
        "/x/a.jpg",
    )
    assert (picture.labels, picture.attributes) == (("dog",), {"n": 1, "split": "test"})
    assert [(t.text, t.name, t.labels, t.attributes) for t in texts] == [
        ("One", "One", (), {"split": "test"}),
        ("Two", "Two", (), {"split": "test"}),
    ]
    none, (text, _) = items_of(record, None)
    assert none is None and (text.labels, text.attributes) == (("dog",), record.attributes)


def test_a_long_caption_is_whole_but_its_name_is_short() -> None:
    long = "word " * 1999 + "<i>end"
    _, (text,) = items_of(Record("t", captions=(long,)), None)
    assert text.text == long and len(text.name) == 200 and text.name.endswith("…")


# ---- bad input


def test_bad_lines_are_refused_by_number_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = [
        '{"image": "a.png", "caption": "good"}',
        '{"image": "a.png", "cap',
        "[1, 2]",
        '{"image": "gone.png", "captions": ["x", "y"]}',
        '{"image": "a.png", "captions": ["", "  ", "kept"]}',
        json.dumps({"caption": "é" * 10_000}),
        json.dumps({"caption": "x" * 10_001}),
        '{"image": 5}',
        '{"caption": 5}',
        '{"label": "neither"}',
        '{"caption": "half \\ud800 pair"}',
        '{"caption": "<script>alert(1)</script>"}',
        "[" * 100_000,
        '{"image": "a.png", "label": {"x": 1}}',
        '{"caption": "<script>alert(1)</script>"}',
    ]
    body = "\n".join(rows).encode() + b'\n{"caption": "\xff"}\n'
    folder = folder_of(tmp_path / "set", {"a.png": png(1), "items.jsonl": body})
    source = read(folder)
    a, long, html, again = records(source)
    assert a.captions == ("good", "kept")
    assert len(long.captions[0]) == 10_000
    assert html.captions == again.captions == ("<script>alert(1)</script>",)
    reasons = refused(source)
    expected = {
        "items.jsonl line 2": "it is not JSON (Unterminated string starting at character 20)",
        "items.jsonl line 3": "it is a list, not an object with fields",
        "gone.png": "there is no such file (named in items.jsonl line 4); "
        "its 2 captions were left out too",
        "items.jsonl line 5": "the caption is empty",
        "items.jsonl line 7": "the caption has 10,001 characters; at most 10,000",
        "items.jsonl line 8": "the image is a number, not a path",
        "items.jsonl line 9": "the caption is a number, not a text",
        "items.jsonl line 10": "it has neither an image nor a caption",
        "items.jsonl line 11": "a text in it is not valid UTF-8",
        "items.jsonl line 13": "it is JSON of a size or depth that cannot be read",
        "items.jsonl line 14": "a label is an object, not a text",
        "items.jsonl line 16": "it is not valid UTF-8",
    }
    assert reasons == expected


def test_bad_rows_of_a_csv(tmp_path: Path) -> None:
    table = (
        b'caption,n\ngood,1\ntoo,many,cells\n\xff,2\n"two\nlines",3\n'
        + b"x" * 140_000
        + b",4\nend,"
    )
    path = tmp_path / "t.csv"
    path.write_bytes(table)
    source = read(path)
    assert [(r.name, r.captions[0]) for r in records(source)] == [
        ("t.csv line 2", "good"),
        ("t.csv line 5", "two\nlines"),
        ("t.csv line 8", "end"),
    ]
    assert refused(source) == {
        "t.csv line 3": "it has 3 cells, the header has 2; "
        "put texts that hold the separator in quotes",
        "t.csv line 4": "a text in it is not valid UTF-8",
        "t.csv line 7": "it is not a row of cells (field larger than field limit (131072))",
    }


@pytest.mark.parametrize(
    "reference",
    ["../out.png", "a/../../out.png", "..\\out.png", "{out}", "link.png", "dir/out.png"],
)
def test_paths_in_a_table_stay_inside(tmp_path: Path, reference: str) -> None:
    folder_of(tmp_path, {"out.png": png(1), "secret/out.png": png(1)})
    reference = reference.format(out=tmp_path / "out.png")
    folder = folder_of(
        tmp_path / "set", {"items.jsonl": jsonl({"image": reference}, {"caption": "fine"})}
    )
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "dir").symlink_to(tmp_path / "secret")
    source = read(folder / "items.jsonl")
    assert [r.captions for r in records(source)] == [("fine",)]
    assert "leads out of the folder" in refused(source)[reference]


def test_paths_in_a_zipped_table_stay_inside(tmp_path: Path) -> None:
    rows = jsonl({"image": "../a.png"}, {"image": "/a.png"}, {"image": "p/../a.png"})
    source = read(zip_of(tmp_path / "z.zip", {"items.jsonl": rows, "a.png": png(1)}))
    assert [r.name for r in records(source)] == ["a.png"]
    assert refused(source) == {
        "../a.png": "its path leads out of the folder (named in items.jsonl line 1)",
        "/a.png": "its path is absolute and leads out of the folder (named in items.jsonl line 2)",
    }


def test_absolute_paths_and_links_inside_are_fine(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", {"p/a.png": png(1)})
    (folder / "b.png").symlink_to(folder / "p/a.png")
    rows = jsonl(
        {"image": str(folder / "p/a.png")}, {"image": "b.png"}, {"image": "http://x/a.png"}
    )
    folder_of(folder, {"items.jsonl": rows})
    source = read(folder / "items.jsonl")
    assert [r.name for r in records(source)] == ["p/a.png", "b.png"]
    assert refused(source) == {
        "http://x/a.png": "it is a web address; download the picture first "
        "(named in items.jsonl line 3)"
    }


def test_links_neither_loop_nor_lead_out(tmp_path: Path) -> None:
    folder_of(tmp_path, {"out/o.png": png(1)})
    folder = folder_of(tmp_path / "set", {"sub/a.png": png(2)})
    (folder / "sub/loop").symlink_to(folder)
    (folder / "escape").symlink_to(tmp_path / "out")
    (folder / "escape.png").symlink_to(tmp_path / "out/o.png")
    (folder / "self.png").symlink_to(folder / "self.png")
    source = read(folder)
    assert [r.name for r in records(source)] == ["sub/a.png"]
    assert refused(source) == {
        "escape": "it is a link that leads out of the folder",
        "escape.png": "it is a link that leads out of the folder",
        "self.png": "there is no such file",
    }


def test_odd_files_do_not_hang_or_crash(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", {"a.png": png(1), "in.zip": b"PK"})
    os.mkfifo(folder / "pipe.png")
    bad = os.fsencode(folder) + b"/\xff.png"
    with open(bad, "wb") as file:
        file.write(png(2))
    source = read(folder)
    assert [r.name for r in records(source)] == ["a.png"]
    assert refused(source) == {
        "\ufffd.png": "its name is not valid UTF-8",
        "in.zip": "it is a zip inside what was given; ingest it on its own",
    }


def test_a_picture_that_goes_away_is_a_sentence(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", {"a.png": png(1)})
    (record,) = records(read(folder))
    (folder / "a.png").unlink()
    assert record.read is not None
    with pytest.raises(UnreadableFile, match=r"^a.png: there is no such file"):
        record.read()


def test_pictures_that_cannot_be_decoded_are_still_yielded_by_name(tmp_path: Path) -> None:
    bad = {
        "bomb.png": png_bomb(),
        "empty.jpg": b"",
        "half.png": half(png()),
        "old.heic": bytes(40),
        "text.png": b"hello, I am a text",
    }
    source = read(zip_of(tmp_path / "bad.zip", {**bad, "good.png": png()}))
    sentences = {}
    for record in records(source):
        assert record.read is not None
        try:
            decode(record.read(), record.name)
        except UnreadableFile as error:
            sentences[error.name] = error.reason
    assert sorted(sentences) == sorted(bad)


# ---- zips


def test_names_that_lead_out_of_a_zip_are_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    names = ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\evil.png"]
    path = zip_of(tmp_path / "slip.zip", {**dict.fromkeys(names, png(1)), "d\\good.png": png(2)})
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    source = read(path)
    assert [r.name for r in records(source)] == ["d/good.png"]
    reasons = refused(source)
    assert reasons.pop("link.png") == "it is a link, not a file"
    assert set(reasons) == {name.replace("\\", "/") for name in names}
    assert set(reasons.values()) == {"its name leads out of the zip"}
    assert sorted(os.listdir(tmp_path)) == ["slip.zip"]


def test_a_member_that_inflates_a_thousand_times_is_refused_before_inflating(
    tmp_path: Path,
) -> None:
    path = zip_of(tmp_path / "bomb.zip", {"bomb.png": bytes(30_000_000), "good.png": png()})
    source = read(path)
    assert [r.name for r in records(source)] == ["good.png"]
    reason = refused(source)["bomb.png"]
    assert reason.startswith("it inflates 1,0") and reason.endswith("at most 200 times")


def test_many_small_bombs_are_refused_as_a_whole(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "bombs.zip", {f"{i}.png": bytes(9_000_000) for i in range(3)})
    with pytest.raises(
        InputError, match=r"bombs.zip: it inflates .* times to 27.0 MB; at most 200"
    ):
        read(path)


def test_a_lying_directory_is_noticed_while_reading(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "lie.zip", {"a.png": bytes(5_000_000), "good.png": png()})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")  # says that 1000 bytes come out
    path.write_bytes(data)
    lie, good = records(read(path))
    assert lie.read is not None and good.read is not None
    with pytest.raises(UnreadableFile, match=r"a.png: it is damaged in the zip"):
        lie.read()
    assert good.read() == png()


def test_encrypted_and_broken_zips(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", {"a.png": png(1), "b.png": png(2)})
    whole = path.read_bytes()
    path.write_bytes(half(whole))
    with pytest.raises(InputError, match=r"z.zip: it is not a zip, or it is cut short"):
        read(path)
    locked = bytearray(whole)
    first = locked.index(b"PK\x01\x02")
    second = locked.index(b"PK\x01\x02", first + 4)
    locked[first + 8] |= 1
    path.write_bytes(locked)
    source = read(path)
    assert [r.name for r in records(source)] == ["b.png"]
    assert refused(source)["a.png"].startswith("it is encrypted with a password")
    locked[second + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(InputError, match=r"z.zip: it is encrypted with a password"):
        read(path)


def test_a_damaged_member_is_a_sentence(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", {"a.png": png(1)})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    (record,) = records(read(path))
    assert record.read is not None
    with pytest.raises(UnreadableFile, match=r"a.png: it is damaged in the zip"):
        record.read()


# ---- what cannot be ingested at all


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (
            "t.csv",
            "year,weight\n1,2\n",
            r"no column of it is an image or a caption \(year, weight\)",
        ),
        ("t.csv", "", r"no column of it is an image or a caption \(none\)"),
        ("t.csv", "image,caption\n", "it holds no rows"),
        ("t.jsonl", '{"year": 1}\n', r"no column of it is an image or a caption \(year\)"),
        ("t.jsonl", "nonsense\n", r"no line of it can be read \(t.jsonl line 1: it is not JSON"),
        ("t.jsonl", "", "it holds no rows"),
        ("t.parquet", "PAR1 nonsense", "it is not a Parquet file, or it is damaged"),
        ("t.json", '{"a": 1}', r"it is neither COCO captions"),
        ("t.json", '{"images": [', "it is not JSON, or it is cut short"),
        ("t.pdf", "x", "no form that Sextant reads. It reads a folder or zip of pictures"),
        ("t.zip", "x", "it is not a zip"),
        ("t.txt", "\n\n", "it holds no rows"),
    ],
)
def test_files_that_are_no_source(tmp_path: Path, name: str, data: str, sentence: str) -> None:
    (tmp_path / name).write_text(data)
    with pytest.raises(InputError, match=f"^{name}: .*{sentence}"):
        read(tmp_path / name)


@settings(max_examples=300, deadline=None)
@given(
    ending=st.sampled_from(["csv", "tsv", "txt", "jsonl", "json", "parquet", "zip"]),
    data=st.binary(max_size=60)
    | st.text(st.sampled_from('image,caption\n"[]{}:;|\t1.e-\x00é'), max_size=60).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["image", "caption", "labels", "x", "", "images", "annotations", "id"]
                ),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode()),
    headed=st.booleans(),
)
def test_any_bytes_give_a_source_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, ending: str, data: bytes, headed: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{ending}"
    path.write_bytes(b"image,caption,caption\n" * headed + data)
    try:
        source = read(path)
    except InputError as error:
        assert str(error).startswith(f"any.{ending}: ")
    else:
        assert source.total == len(records(source))


def test_folders_that_are_no_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file or folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="there is no such file or folder"):
        read("nul\0byte")
    with pytest.raises(InputError, match="it holds no pictures and no captions"):
        read(folder_of(tmp_path / "e", {"a.md": "x"}))
    meta = folder_of(tmp_path / "m", {"t.csv": "year,weight\n1,2\n"})
    with pytest.raises(InputError, match=r"t.csv: no column of it is an image or a caption"):
        read(meta)
    two = folder_of(tmp_path / "two", {"a.csv": "caption\nx\n", "b.csv": "caption\ny\n"})
    with pytest.raises(
        InputError, match=r"several tables \(a.csv, b.csv\). Ingest one by its path"
    ):
        read(two)


def test_a_table_without_use_is_named_among_good_pictures(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "m", {"t.csv": "year\n1\n", "a.png": png(), "x.json": "{}"})
    assert [r.name for r in records(read(folder))] == ["a.png"]
    assert list(refused(read(folder))) == ["t.csv"]


def test_nothing_outside_the_allowed_root_is_read(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "root", {"in/a.png": png(1)})
    folder_of(tmp_path, {"out/a.png": png(1)})
    assert read(root / "in", root).total == 1
    assert read(root, root).total == 1
    (root / "link").symlink_to(tmp_path / "out")
    for path in (tmp_path / "out", root / "../out/a.png", root / "link", "/"):
        with pytest.raises(
            InputError, match=r"it lies outside .*root, the folder that may be read"
        ):
            read(path, root)
    folder_of(root, {"t.json": json.dumps([{"image": "../out/a.png"}, {"image": "in/a.png"}])})
    assert [r.name for r in records(read(root / "t.json", root))] == ["in/a.png"]
