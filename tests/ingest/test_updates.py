"""A source that comes again: what is new, updated, unchanged, changed, gone, and noted."""

import pytest

from core.workbench import Workbench
from tests.fixtures.files import folder_of, half, jsonl, png, zip_of


def rows(*numbers, **more):
    return jsonl(*({"image": f"{n}.png", "caption": f"text {n}", **more} for n in numbers))


def images(*numbers):
    return {f"{n}.png": png(n) for n in numbers}


def names(bench, name="pets"):
    items = bench.items(name, bench.open(name).space.ids)
    return {item.name: item for item in items}


def test_what_changed_or_disappeared_is_listed_and_pruned_when_asked(tmp_path):
    bench = Workbench()
    folder = folder_of(tmp_path / "in", {**images(0, 1, 2, 3), "items.jsonl": rows(0, 1, 2, 3)})
    first = bench.ingest("pets", folder, encoder="toy")
    assert (first.updated, first.unchanged, first.changed, first.gone) == (0, 0, [], [])
    before = names(bench)
    (folder / "2.png").unlink()
    folder_of(folder, {"1.png": png(9), "items.jsonl": rows(0, 1, 3, label="new")})
    report = bench.ingest("pets", folder, encoder="toy")
    assert (report.images, report.texts) == (1, 0)
    assert (report.updated, report.unchanged) == (2, 3)  # labels of images; their texts
    assert (report.changed, report.gone, report.pruned) == (["1.png"], ["2.png"], 0)
    assert [i.name for i in bench.items("pets", [before["2.png"].id])] == ["2.png"]
    # What is not deleted is reported again.
    again = bench.ingest("pets", folder, encoder="toy")
    assert (again.updated, again.changed, again.gone) == (0, ["1.png"], ["2.png"])
    assert bench.ingest("pets", folder, encoder="toy", prune=True).pruned == 3
    left = names(bench)
    assert set(left) == {"0.png", "1.png", "3.png", "text 0", "text 1", "text 3"}
    assert left["1.png"].id != before["1.png"].id
    last = bench.ingest("pets", folder, encoder="toy", prune=True)
    assert (last.changed, last.gone, last.pruned, last.unchanged) == ([], [], 0, 6)


def test_what_cannot_be_read_or_lies_elsewhere_too_is_not_gone(tmp_path):
    bench = Workbench()
    one = folder_of(tmp_path / "one", images(0, 1, 2))
    two = folder_of(tmp_path / "two", images(1))
    bench.ingest("pets", one, encoder="toy")
    bench.ingest("pets", two, encoder="toy")
    (one / "1.png").unlink()
    (one / "2.png").write_bytes(half(png(2)))
    report = bench.ingest("pets", one, encoder="toy", prune=True)
    assert [r.name for r in report.rejected] == ["2.png"]
    assert (report.changed, report.gone, report.pruned) == ([], [], 0)
    assert bench.card("pets").images == 3


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_an_image_in_another_class_folder_has_only_its_new_label(tmp_path, form):
    def source(*places):
        files = {place: png(n) for n, place in enumerate(places)}
        if form == "zip":
            return zip_of(tmp_path / "in.zip", files)
        for old in (tmp_path / "in").rglob("*.png"):
            old.unlink()
        return folder_of(tmp_path / "in", files)

    bench = Workbench()
    bench.ingest("pets", source("cat/0.png", "cat/1.png", "dog/2.png"), encoder="toy")
    bench.ingest("pets", source("cat/0.png", "dog/1.png", "dog/2.png"), encoder="toy")
    found = names(bench)
    assert {name: item.labels for name, item in found.items()} == {
        "cat/0.png": ("cat",),
        "dog/1.png": ("dog",),
        "dog/2.png": ("dog",),
    }
    assert all(bench.image_bytes("pets", item.id) for item in found.values())


def test_images_that_swapped_their_names_can_still_be_read(tmp_path):
    bench = Workbench()
    folder = folder_of(tmp_path / "in", images(0, 1))
    bench.ingest("pets", folder, encoder="toy")
    folder_of(folder, {"0.png": png(1), "1.png": png(0)})
    report = bench.ingest("pets", folder, encoder="toy")
    assert (report.images, report.changed, report.gone) == (0, [], [])
    assert bench.image_bytes("pets", names(bench)["0.png"].id) == png(1)


def test_merged_copies_keep_both_and_say_what_differs(tmp_path):
    table = jsonl(
        {"image": "a.png", "caption": "one", "label": "cat", "split": "train", "year": 1},
        {"image": "b.png", "caption": "two", "label": "dog", "split": "test", "year": 1},
    )
    folder = folder_of(tmp_path / "in", {"a.png": png(1), "b.png": png(1), "items.jsonl": table})
    bench = Workbench()
    report = bench.ingest("pets", folder, encoder="toy")
    (note,) = report.notes
    assert note.endswith(
        "stored once; 1 with the labels of both, 1 with the captions of both, 1 with the first "
        "one's split."
    )
    space = bench.open("pets").space
    assert (space.n_images, len(space.pairs), space.copies.tolist()) == (1, 2, [1, 0, 0])
    assert names(bench)["a.png"].labels == ("cat", "dog")
    # A copy that is gone no longer counts.
    (folder / "b.png").unlink()
    folder_of(folder, {"items.jsonl": table.splitlines()[0]})
    bench.ingest("pets", folder, encoder="toy")
    assert len(bench.open("pets").space.copies) == 0
