"""Parquet: the shards of Hugging Face, its features, and numbers without any loss."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import UnreadableFile
from core.ingest.readers.detect import read
from tests.fixtures.files import png
from tests.fixtures.sources import notes, records

# As `datasets` writes them: names of classes in the metadata, images as {bytes, path}.
FEATURES = {
    "image": {"_type": "Image"},
    "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
    "labels": {"feature": {"names": ["x", "y"], "_type": "ClassLabel"}, "_type": "List"},
}


def write(path: Path, ids: list[int]) -> None:
    table = pa.table(
        {
            "image": pa.array([{"bytes": png(i), "path": f"{i}.png"} for i in ids]),
            **{f"caption_{at}": [f"text {i} {at}" for i in ids] for at in range(2)},
            "label": pa.array([i % 2 for i in ids], pa.int64()),
            "labels": pa.array([[0, 1] for _ in ids], pa.list_(pa.int64())),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def test_shards_of_hugging_face(tmp_path: Path) -> None:
    write(tmp_path / "data" / "train-00000-of-00002.parquet", [0, 1])
    write(tmp_path / "data" / "train-00001-of-00002.parquet", [2])
    write(tmp_path / "data" / "test-00000-of-00001.parquet", [3])
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    source = read(tmp_path)
    found = records(source)
    assert source.total == len(found) == 4
    assert [(r.name, r.attributes["split"]) for r in found] == [
        ("3.png", "test"),
        ("0.png", "train"),
        ("1.png", "train"),
        ("2.png", "train"),
    ]
    assert found[0].captions == ("text 3 0", "text 3 1")
    assert found[0].labels == ("dog", "x", "y")
    assert [r.read() for r in found if r.read] == [png(i) for i in (3, 0, 1, 2)]
    assert notes(source)[0].startswith("3 tables were read as parts of one")


def test_numbers_are_exact(tmp_path: Path) -> None:
    columns = {
        "caption": ["a", "b"],
        "id": pa.array([2**63 - 1, -(2**63)], pa.int64()),
        "unsigned": pa.array([2**64 - 1, 1], pa.uint64()),
        "whole": pa.array([Decimal(794557233689870330), Decimal(1)], pa.decimal128(38, 0)),
        "price": pa.array([Decimal("2.50"), Decimal("3.00")], pa.decimal128(10, 2)),
        "half": pa.array([0.5, None], pa.float16()),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    one, two = records(read(tmp_path / "t.parquet"))
    assert one.attributes == {
        "id": 2**63 - 1,
        "unsigned": str(2**64 - 1),
        "whole": 794557233689870330,
        "price": 2.5,
        "half": 0.5,
    }
    assert two.attributes == {"id": -(2**63), "unsigned": 1, "whole": 1, "price": 3.0}


def test_lists_and_objects_of_texts_come_as_they_were_written(tmp_path: Path) -> None:
    texts = [["a", "b"], ["b"], ["c", "a", "a"], []]
    columns = {
        "caption": ["w", "x", "y", "z"],
        "notes": pa.array(texts),
        "parts": pa.array([[{"n": n, "of": t} for n, t in enumerate(some)] for some in texts]),
        "by": pa.array([[(t, 1) for t in some] for some in texts], pa.map_("string", "int8")),
        "data": pa.array([[b"x"], [b"y"], [], None]),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=2)
    source = read(tmp_path / "t.parquet")
    found = [record.attributes for record in records(source)]
    assert [json.loads(str(a["notes"])) for a in found] == texts
    assert [[part["of"] for part in json.loads(str(a["parts"]))] for a in found] == texts
    assert [[key for key, _ in json.loads(str(a["by"]))] for a in found] == texts
    assert [aside.name for aside in source.reading.left_aside] == ["data"]


def test_more_memory_reads_what_was_too_much(tmp_path: Path, monkeypatch) -> None:
    columns = {"caption": ["a"], "v": pa.array([[0] * 1_000_000], pa.list_(pa.int8()))}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    monkeypatch.setenv("SEXTANT_MEMORY", "0.1")
    with pytest.raises(UnreadableFile, match=r"kB of it stand for .* MB; .*--memory 1\.$"):
        read(tmp_path / "t.parquet")
    monkeypatch.delenv("SEXTANT_MEMORY")
    assert len(records(read(tmp_path / "t.parquet"))) == 1
