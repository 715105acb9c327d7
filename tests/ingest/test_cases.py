"""Inputs of public bug reports: whatever is read, merged or left out is right, or is reported.

Each generator of `shared/cases` creates one input; the first line of its file is the requirement.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.errors import InputError
from core.ingest import decode
from core.types import Part, Query
from core.workbench import Workbench

TOP = Path(__file__).parents[2]
CASES = Path(os.environ.get("SEXTANT_TEST_CASES") or TOP.parent / "shared" / "cases")


@pytest.fixture(scope="module")
def photos(data, tmp_path_factory):
    """Twenty photographs, p00.jpg to p19.jpg."""
    folder = tmp_path_factory.mktemp("photos")
    for at, path in enumerate(sorted((data / "flickr8k-800" / "images").glob("*.jpg"))[:20]):
        shutil.copy(path, folder / f"p{at:02}.jpg")
    return folder


@pytest.fixture
def case(photos, tmp_path):
    """The folder that a generator creates."""

    def create(name, *, images=True):
        if not CASES.exists():
            pytest.skip(f"no generators at {CASES}; set SEXTANT_TEST_CASES to their folder")
        out = tmp_path / name
        arguments = [str(CASES / f"{name}.py"), *([str(photos)] if images else []), str(out)]
        subprocess.run([sys.executable, *arguments], check=True)
        return out

    return create


def ingest(path, name="set", encoder="toy"):
    return Workbench().ingest(name, path, encoder=encoder)


def stored(name="set", kind="image"):
    """The items of one kind, by name."""
    bench = Workbench()
    space = bench.open(name).space
    ids = space.ids[space.span(kind)]
    return {item.name: item for item in bench.items(name, ids)}


def captions(name="set"):
    """The captions of each image, by its name."""
    bench = Workbench()
    space = bench.open(name).space
    names = [item.name for item in bench.items(name, space.ids)]
    rows = {names[at]: [] for at in range(space.n_images)}
    for image, text in space.pairs.tolist():
        rows[names[image]].append(names[text])
    return {image: sorted(texts) for image, texts in rows.items()}


def one_each(n):
    """The captions that most generators write."""
    return {f"p{i}.jpg": [f"caption {i}"] for i in range(n)}


def labels(name="set"):
    return {image: set(item.labels) for image, item in stored(name).items()}


def said(report, *words):
    """Whether one note has all of these words, or what is said of something left aside."""
    aside = [f"{one.name}: {one.reason}" for one in report.left_aside]
    return any(all(word in line for word in words) for line in [*report.notes, *aside])


def test_bigint_csv19(case, capsys):
    report = ingest(case("bigint_csv19"))
    ids = {item.attributes["post_id"] for item in stored().values()}
    assert (report.images, ids) == (4, {1294030472427835390 + i for i in range(4)})
    where = "post_id = 1294030472427835391"
    assert main(["search", "set", "x", "--where", where, "--json"]) == 0
    assert '"n_candidates": 1' in capsys.readouterr().out


@pytest.mark.parametrize("page", ["", "pages/measure/geometry.py"])
def test_bigint_page(case, page, monkeypatch):
    ingest(case("bigint_page"))
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90).run()
    if page:
        app.switch_page(page).run()
    assert not app.exception


def test_class_folders(case):
    folder = case("class_folders")
    ingest(folder / "splits")
    assert labels() == {
        "train/cat/1.jpg": {"cat"},
        "train/dog/2.jpg": {"dog"},
        "val/cat/3.jpg": {"cat"},
        "val/dog/4.jpg": {"dog"},
    }
    splits = {name: item.attributes["split"] for name, item in stored().items()}
    assert all(name.startswith(split) for name, split in splits.items())
    report = ingest(folder / "stray", "stray")
    assert labels("stray") == {
        "cat/1.jpg": {"cat"},
        "cat/2.jpg": {"cat"},
        "dog/3.jpg": {"dog"},
        "dog/4.jpg": {"dog"},
        "preview.jpg": set(),
    }
    assert said(report, "label", "preview.jpg")


def test_duplicate_conflict(case):
    report = ingest(case("duplicate_conflict"))
    both = [name for name, names in labels().items() if names == {"cat", "dog"}]
    assert (report.images, len(both)) == (20, 3)
    assert said(report, "3 images", "identical", "label")


def test_duplicate_conflict_counted_by_near_duplicates(case):
    ingest(case("duplicate_conflict"))
    bench = Workbench()
    findings, _ = bench.measure(bench.open("set").space, ["near_duplicates"])
    assert findings[0].detail.startswith("3 of the ")


def test_flickr8k_token(case):
    report = ingest(case("flickr8k_token"))
    assert captions() == {f"p{i}.jpg": [f"caption {i} {j}" for j in range(3)] for i in range(4)}
    assert (report.images, report.texts, report.rejected) == (4, 12, [])


@pytest.mark.parametrize(
    ("folder", "table"),
    [
        ("openclip", "train.csv"),
        ("flickr30k", "results.csv"),
        ("karpathy", "dataset_coco.json"),
    ],
)
def test_foreign_tables(case, folder, table):
    place = case("foreign_tables") / folder
    for at, path in enumerate((place, place / table)):
        report = ingest(path, f"set{at}")
        assert captions(f"set{at}") == one_each(4)
        assert report.rejected == []


def test_grey12_in_16(case, photos):
    folder = case("grey12_in_16")
    gray = np.asarray(Image.open(photos / "p01.jpg").convert("L"), float)
    for path in sorted(folder.iterdir()):
        pixels = np.asarray(decode(path.read_bytes(), path.name).convert("L"), float)
        assert np.abs(pixels - gray).mean() < 2, path.name
    report = ingest(folder, "gray")
    assert report.images == 7
    assert said(report, "8 bits") and said(report, "10 bits") and said(report, "12 bits")
    image = (folder / "grey12.png").read_bytes()
    bench = Workbench()
    opened = bench.open("gray")
    assert bench.search(opened, Query((Part(image=image),))).hits[0].cosine > 0.999


def test_hf_parquet_bytes(case):
    folder = case("hf_parquet_bytes")
    for at, path in enumerate((folder, *folder.glob("*.parquet"))):
        report = ingest(path, f"set{at}")
        assert captions(f"set{at}") == one_each(4)
        assert report.rejected == []


def test_hf_text_column(case):
    report = ingest(case("hf_text_column"))
    assert captions() == {f"p{i}.jpg": [f"a caption {i}"] for i in range(4)}
    assert report.columns["text"] == "caption"


def test_img2dataset_files(case):
    report = ingest(case("img2dataset_files"))
    assert (report.images, report.texts, report.rejected) == (4, 4, [])
    assert {texts[0] for texts in captions().values()} == {
        f"caption {shard:05}{at:04}" for shard in range(2) for at in range(2)
    }
    assert all(not names for names in labels().values())


def test_jpeg_without_eoi(case, photos):
    report = ingest(case("jpeg_without_eoi"))
    assert (report.images, report.rejected) == (1, [])
    whole = (photos / "p01.jpg").read_bytes()
    bench = Workbench()
    assert bench.search(bench.open("set"), Query((Part(image=whole),))).hits[0].cosine > 0.999999


@pytest.mark.parametrize(
    ("folder", "texts"),
    [("nfd", ["a text 0", "a text 1"]), ("case", ["a text", "another text"])],
)
def test_nfd_and_case(case, folder, texts):
    report = ingest(case("nfd_and_case") / folder)
    assert (report.images, report.rejected) == (2, [])
    assert sorted(captions().values()) == [[text] for text in texts]
    assert said(report, "2 images", "name")


def test_only_bad(case, capsys):
    assert main(["ingest", str(case("only_bad")), "-c", "set", "--encoder", "toy"]) == 2
    assert "cut.jpg" in capsys.readouterr().err
    assert Workbench().names() == ()


def test_png_metadata(case):
    report = ingest(case("png_metadata"))
    assert (report.images, report.rejected) == (2, [])


def test_reingest_changed_labels(case):
    folder = case("reingest_changed_labels")
    ingest(folder / "a")
    report = ingest(folder / "b")
    found = stored()
    assert {name: item.labels for name, item in found.items()} == {
        "p0.jpg": ("girl",),
        "p1.jpg": ("dog",),
        "p2.jpg": ("paint",),
        "p3.jpg": ("bench",),
    }
    assert {item.attributes["split"] for item in found.values()} == {"test"}
    assert {item.attributes["split"] for item in stored(kind="text").values()} == {"test"}
    assert (report.images, report.texts, report.updated) == (0, 0, 8)
    assert Workbench().open("set").held_out().all()


def test_reingest_moved(case):
    folder = case("reingest_moved")
    ingest(folder / "old")
    (folder / "old").rename(folder / "new")
    report = ingest(folder / "new")
    bench = Workbench()
    opened = bench.open("set")
    assert bench.image_bytes("set", opened.space.ids[0])
    assert bench.add_tokens(opened).encoded == 12
    assert report.updated == 12


def test_reingest_vectors(case):
    folder = case("reingest_vectors", images=False)
    ingest(folder / "m1.parquet", encoder="m1")
    ingest(folder / "m2.parquet", encoder="m2")
    bench = Workbench()
    first, second = bench.open("set", "m1").space, bench.open("set", "m2").space
    assert first.ids == second.ids and not np.allclose(first.vectors, second.vectors)
    report = ingest(folder / "m1_new.parquet", encoder="m1")
    ingest(folder / "m1_new.parquet", "fresh", encoder="m1")
    corrected, fresh = bench.open("set", "m1").space, bench.open("fresh", "m1").space
    assert corrected.ids == fresh.ids
    np.testing.assert_array_equal(corrected.vectors, fresh.vectors)
    assert corrected.labels == fresh.labels
    assert said(report, "30 vectors", "replaced")
    np.testing.assert_array_equal(bench.open("set", "m2").space.vectors, second.vectors)
    report = ingest(folder / "m2_part.parquet", encoder="m2")
    assert bench.open("set", "m2").space.n == 34
    assert said(report, "10 vectors", "replaced")


def test_stray_quote(case):
    report = ingest(case("stray_quote"))
    found = captions()
    assert all(found[f"p{i}.jpg"] == [f"caption number {i}"] for i in range(8) if i != 1)
    assert "p2" not in "".join(found["p1.jpg"])
    assert said(report, "line 3", "quote")


def test_yolo_sidecars(case):
    report = ingest(case("yolo_sidecars"))
    assert (report.images, report.texts) == (4, 0)
    assert said(report, "4 files such as p0.txt", "numbers")


def test_nothing_to_read_leaves_an_existing_collection(case, photos):
    ingest(photos)
    with pytest.raises(InputError, match="truncated"):
        ingest(case("only_bad"))
    assert Workbench().card("set").images == 20
