"""Output of img2dataset in its forms "files" and "parquet", with downloads that failed."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.ingest.readers.detect import read
from tests.fixtures.files import folder_of, png
from tests.fixtures.sources import notes, records

FAILED = {"status": "failed_to_download", "error_message": "HTTP Error 404"}


def download(key: str) -> dict[str, object]:
    about = {"key": key, "status": "success", "error_message": None, "exif": "{}"}
    return {"caption": f"text {key}", "url": f"https://x.org/{key}.jpg", **about, "width": 8}


def test_files(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for shard in ("00000", "00001"):
        row = download(f"{shard}0000")
        folder_of(
            folder,
            {
                f"{shard}/{row['key']}.jpg": png(int(shard)),
                f"{shard}/{row['key']}.txt": str(row["caption"]),
                f"{shard}/{row['key']}.json": json.dumps(row),
                f"{shard}_stats.json": json.dumps({"count": 2, "successes": 1}),
            },
        )
        failed = {**download(f"{shard}0001"), **FAILED}
        pq.write_table(pa.Table.from_pylist([row, failed]), folder / f"{shard}.parquet")
    source = read(folder)
    assert source.reading.form == "img2dataset"
    assert [(r.name, r.captions, r.labels, r.attributes) for r in records(source)] == [
        (
            f"{shard}/{shard}0000.jpg",
            (f"text {shard}0000",),
            (),
            {"url": f"https://x.org/{shard}0000.jpg", "width": 8},
        )
        for shard in ("00000", "00001")
    ]
    assert notes(source) == ["2 of 4 images were not downloaded."]


def test_parquet(tmp_path: Path) -> None:
    row = {**download("000000000"), "jpg": png(1)}
    failed = {**download("000000001"), **FAILED, "jpg": None}
    pq.write_table(pa.Table.from_pylist([row, failed]), tmp_path / "00000.parquet")
    source = read(tmp_path)
    (record,) = records(source)
    assert record.read is not None and record.read() == png(1)
    assert (record.captions, record.attributes) == (
        ("text 000000000",),
        {"url": "https://x.org/000000000.jpg", "width": 8},
    )
    assert notes(source) == [
        "00000.parquet: 1 image was not downloaded (first: 00000.parquet row 2)."
    ]
