"""JSON lines, Parquet and lines of captions: every field, and every bad line by number."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.ingest.readers.detect import read
from core.ingest.readers.records import Aside, Reading
from tests.fixtures.files import folder_of, jsonl, png
from tests.fixtures.sources import contents, notes, records, rejected

ANYTHING = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


CAPTIONS = st.text(min_size=1, max_size=60).map(str.strip).filter(bool)


def test_items_jsonl_with_every_field(tmp_path: Path) -> None:
    row = {
        "image": "./images/a.png",
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
            "images/a.png": png(1),
            "b.png": png(2),
            "items.jsonl": "\ufeff"
            + jsonl(row, {"image": "b.png", "caption": "B", "label": "cat"}, {"caption": "lone"}),
        },
    )
    a, b, text = records(read(folder))
    assert (a.name, a.captions, a.labels) == (
        "images/a.png",
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
    assert contents(read(folder / "items.jsonl")) == contents(read(folder))


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


def test_a_text_file_gives_texts_without_images(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("First, with comma\n\nSecond\n")
    assert [(r.name, r.captions, r.read) for r in records(read(path))] == [
        ("lines.txt line 1", ("First, with comma",), None),
        ("lines.txt line 3", ("Second",), None),
    ]


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


def test_bad_lines_are_rejected_by_number_and_the_rest_goes_on(tmp_path: Path) -> None:
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
    reasons = rejected(source)
    expected = {
        "items.jsonl line 2": "it is not JSON (Unterminated string starting at character 20)",
        "items.jsonl line 3": "it is a list, not an object with fields",
        "gone.png": "there is no such file (named in items.jsonl line 4); "
        "its 2 captions are rejected too",
        "items.jsonl line 5": "the caption is empty",
        "items.jsonl line 7": "the caption has 10,001 characters; allowed: 10,000",
        "items.jsonl line 8": "the image is a number, not a path",
        "items.jsonl line 9": "the caption is a number, not a text",
        "items.jsonl line 10": "it has neither an image nor a caption",
        "items.jsonl line 11": "a text in it is not valid UTF-8; save the file as UTF-8",
        "items.jsonl line 13": "its JSON is too large or too deeply nested",
        "items.jsonl line 14": "a label is an object, not a text",
        "items.jsonl line 16": "it is not valid UTF-8",
    }
    assert reasons == expected


def test_parquet_of_hugging_face_has_images_and_names_of_classes(tmp_path: Path) -> None:
    features = {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}, "image": {}}
    rows = [
        {"image": {"bytes": png(1), "path": None}, "mask": {"bytes": png(3)}, "label": 1},
        {"image": {"bytes": png(2), "path": "b.png"}, "mask": {"bytes": png(3)}, "label": -1},
    ]
    table = pa.Table.from_pylist(rows)
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "t.parquet")
    source = read(tmp_path / "t.parquet")
    one, two = records(source)
    assert (one.name, one.labels, one.read and one.read()) == ("t.parquet row 1", ("dog",), png(1))
    assert (two.name, two.labels, two.attributes) == ("b.png", (), {})
    assert source.reading == Reading(
        "parquet",
        {"image": "image", "label": "label"},
        (Aside("mask", "it has bytes", "--image-column mask"),),
    )


def test_the_first_known_name_of_a_column_is_read_and_the_rest_is_reported(tmp_path: Path) -> None:
    rows = [{"file_name": "a.png", "text": "words", "title": "T"}, {"text": "lone"}]
    source = read(folder_of(tmp_path / "t", {"t.jsonl": jsonl(*rows), "a.png": png()}))
    image, text = records(source)
    assert (image.captions, image.attributes) == (("words",), {"title": "T"})
    assert text.captions == ("lone",)
    assert source.reading == Reading(
        "jsonl",
        {"file_name": "image", "text": "caption", "title": "attribute"},
        (Aside("title", "another column is the caption", "--caption-column title"),),
    )


def test_what_is_no_caption(tmp_path: Path) -> None:
    for content in ("a.png 3\nb.png 4\n", "a.png\nb.png\n"):
        (tmp_path / "list.txt").write_text(content)
        with pytest.raises(InputError, match="its lines name images, and are neither captions"):
            read(tmp_path / "list.txt")
    (tmp_path / "t.csv").write_text("caption,n\nnan,1\nA dog .,2\n")
    assert notes(read(tmp_path / "t.csv")) == [
        "t.csv: 1 row has the caption nan, None or null, which may stand for a missing one "
        "(first: t.csv line 2)."
    ]


def test_a_source_has_at_most_two_thousand_attributes(tmp_path: Path) -> None:
    fields = {f"c{at}": at for at in range(2_001)}
    (tmp_path / "wide.jsonl").write_text(jsonl({"caption": "a", **fields}))
    with pytest.raises(InputError, match=r"it has 2,002 columns or fields; allowed: 2,000\. Leave"):
        read(tmp_path / "wide.jsonl")
    files: dict[str, bytes | str] = {}
    for at in range(3):
        own = {f"{at} {field}": 1 for field in range(900)}
        files |= {f"{at}.png": png(at), f"{at}.json": json.dumps({"caption": "a", **own})}
    source = read(folder_of(tmp_path / "beside", files))
    assert [record.name for record in records(source)] == ["0.png", "1.png"]
    assert rejected(source)["2.png"].startswith("the source has more than 2,000 attributes with")
