"""What is exported of a collection, and what outlives a second ingest of its source."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.types import Filter, Part, Query
from core.workbench import Workbench
from tests.fixtures.calibrated import calibrate_all


@pytest.fixture
def bench(filled):
    return Workbench(filled)


def rows(place):
    return [json.loads(line) for line in place.read_text("utf-8").splitlines()]


def test_a_filter_takes_captions_along_and_a_query_has_scores(bench, tmp_path):
    red = Filter("label", "in", ("red",))
    done = bench.export("colours", "jsonl", tmp_path / "red.jsonl", filters=[red], vectors=False)
    assert (done.images, done.texts) == (4, 5)
    assert {row["kind"] for row in rows(done.place)} == {"image", "text"}
    query = Query((Part("red"),), filters=(red,))
    done = bench.export("colours", "jsonl", tmp_path / "hits.jsonl", query=query, k=3)
    hits = rows(done.place)
    assert [row["rank"] for row in hits] == [1, 2, 3]
    assert all(row["captions"] and row["image"] and row["labels"] for row in hits)
    assert [row["cosine"] for row in hits] == sorted((r["cosine"] for r in hits), reverse=True)


def test_a_query_exports_all_its_matches_also_between_hits_that_are_none(
    bench, tmp_path, monkeypatch
):
    """Matches are the best of each kind, and the other kind may have the higher cosines."""
    calibrate_all(monkeypatch)
    query = Query((Part("green"),))
    hits = bench.search(bench.open("colours"), replace(query, k=1000)).hits
    matches = {hit.id for hit in hits if hit.match}
    assert {hit.id for hit in hits[: len(matches)]} != matches
    for most in (1000, 5):
        monkeypatch.setattr("core.workbench.export.BEST", most)
        place = tmp_path / f"{most}.jsonl"
        bench.export("colours", "jsonl", place, query=query)
        assert {row["id"] for row in rows(place)} == matches


def test_the_exports_of_a_deleted_collection_are_deleted_with_it(bench):
    bench.save_export("colours", "csv", vectors=False)
    assert bench.saved_exports("colours") and "colours" in bench.cards()[0].name
    bench.last_used.note("colours")
    bench.delete("colours")
    assert not bench.saved_exports("colours") and "colours" not in bench.last_used.times()


def test_an_export_without_vectors_is_encoded_again_and_found_alike(bench, tmp_path):
    done = bench.export("colours", "folder", tmp_path / "out", vectors=False)
    report = bench.ingest("again", done.place, encoder="toy")
    before, after = bench.open("colours").space, bench.open("again").space
    assert (report.encoded, after.ids) == (before.n, before.ids)
    assert abs(before.vectors - after.vectors).max() < 1e-6
    assert after.labels == before.labels


@pytest.mark.parametrize("form", ["csv", "folder", "webdataset", "parquet"])
def test_a_download_is_one_file_that_can_be_added_again(bench, tmp_path, form):
    ids = bench.open("colours").space.ids[:5]
    data = bench.exported_file("colours", form, ids=ids)
    file = tmp_path / ("a.parquet" if form == "parquet" else "a.zip")
    file.write_bytes(data)
    report = bench.ingest("again", file, root=tmp_path)
    assert (report.images, report.encoded) == (5, len(bench.open("again").space.ids) - 5)
    assert {*ids} < {*bench.open("again").space.ids}
    if form in ("folder", "webdataset"):
        file.unlink()
        assert all(bench.image_bytes("again", id_) for id_ in ids)


def test_what_cannot_be_exported_is_said(bench, tmp_path):
    for name, form, place, more in (
        ("colours", "xls", "a.xls", {}),
        ("colours", "csv", "a.txt", {}),
        ("colours", "csv", "a.csv", {"ids": []}),
        ("nothing yet", "csv", "a.csv", {"query": Query((Part("red"),))}),
        ("nothing yet", "csv", "a.csv", {}),
        ("no such", "csv", "a.csv", {}),
    ):
        with pytest.raises(InputError):
            bench.export(name, form, tmp_path / place, **more)
    assert not list(tmp_path.glob("a.*")) and not list(tmp_path.glob(".*"))


def test_edits_outlive_a_second_ingest_of_the_source(bench):
    first, second, third = bench.open("colours").space.ids[:3]
    source = Path(bench.items("colours", [first])[0].source).with_name("items.jsonl")
    bench.set_labels("colours", [first], ["=odd"])
    bench.delete_items("colours", [second])
    bench.tag("colours", "kept", [[third]])
    report = bench.ingest("colours", source)
    assert (report.images, report.updated) == (0, 0)
    assert any("deleted" in note for note in report.notes)
    space = bench.open("colours").space
    assert second not in space.ids and space.labels[space.row[first]] == ("=odd",)
    assert [tag.ids for tag in bench.tags("colours")] == [(third,)]
