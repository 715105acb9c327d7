"""The demo's images: complete, reproducible, split by family and captioned."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from PIL import Image

from core import encoders
from core.ingest import decode, demo, read
from core.ingest.readers.records import Record, items_of

EVERYTHING = [image.record for part in demo.DEMO_PARTS for image in demo.catalog(part)]
ROOT = Path(__file__).parents[2]
A_FEW = slice(5, 15)
"""Of the first part: the last photographs and the first drawings."""


def records(folder: Path) -> list[dict]:
    lines = (folder / "items.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_a_part_is_a_folder_that_can_be_ingested(tmp_path: Path) -> None:
    folder = demo.draw_demo(tmp_path, "first", only=A_FEW)
    assert folder == tmp_path / "first"
    assert {r["source"] for r in records(folder)} == {"OpenMoji", "scikit-image", "scikit-learn"}
    for record in records(folder):
        with Image.open(folder / record["image"]) as image:
            image.load()
            assert min(image.size) > 100
            assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 2
    credit = (folder / "ATTRIBUTION.txt").read_text("utf-8")
    assert "CC BY-SA 4.0" in credit
    assert "rocket.jpg: SpaceX, public domain" in credit


def test_drawings_are_opaque_on_white(tmp_path: Path) -> None:
    folder = demo.draw_demo(tmp_path, "rest", only=slice(20, 23))
    for record in records(folder):
        with Image.open(folder / record["image"]) as image:
            assert image.size == (demo.SIZE, demo.SIZE)
            assert image.convert("RGBA").getchannel("A").getextrema() == (255, 255)
            assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_two_runs_write_the_same_files(tmp_path: Path) -> None:
    one = demo.draw_demo(tmp_path / "one", "first", only=A_FEW)
    two = demo.draw_demo(tmp_path / "two", "first", only=A_FEW)
    assert contents(one) == contents(two)


def test_a_stopped_run_is_resumed(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop_after_three(done: int, total: int) -> None:
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        demo.draw_demo(tmp_path / "stopped", "rest", only=slice(0, 5), on_progress=stop_after_three)
    folder = tmp_path / "stopped" / "rest"
    assert not (folder / "items.jsonl").exists(), "a listing of missing images"
    before = {p: p.stat().st_mtime_ns for p in (folder / "images").iterdir()}
    assert len(before) == 3

    seen: list[tuple[int, int]] = []
    demo.draw_demo(
        tmp_path / "stopped",
        "rest",
        only=slice(0, 5),
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(i, 5) for i in range(1, 6)]
    assert {p: p.stat().st_mtime_ns for p in before} == before
    whole = demo.draw_demo(tmp_path / "whole", "rest", only=slice(0, 5))
    assert contents(folder) == contents(whole)


def test_no_family_is_on_both_sides_of_the_split() -> None:
    sides = defaultdict(set)
    for record in EVERYTHING:
        sides[record["family"]].add(record["split"])
    assert [family for family, split in sides.items() if len(split) > 1] == []


@pytest.mark.parametrize(
    "names",
    [
        r"(man|woman) firefighter|firefighter",
        r"(person|man|woman) surfing",
        r".* o'clock|.*-thirty",
        r"keycap: .*",
        r".* moon( face)?",
        r"(red|pink|orange|yellow|green|blue|purple|brown|black|white) heart",
        r"family: .*",
        r"Japanese .* button",
    ],
)
def test_similar_drawings_are_one_family(names: str) -> None:
    found = [r for r in EVERYTHING if re.fullmatch(names, r["name"])]
    assert len(found) > 2
    assert len({r["family"] for r in found}) == 1


def test_about_four_hundred_drawings_are_held_out_of_every_large_group() -> None:
    drawings = [r for r in EVERYTHING if r["source"] == "OpenMoji"]
    held_out = [r for r in drawings if r["split"] == "test"]
    assert 1650 <= len(drawings) <= 1800
    assert 350 <= len(held_out) <= 450
    groups = {r["label"] for r in drawings} - {"flags"}
    assert {r["label"] for r in held_out} >= groups


def test_the_first_part_is_small_and_varied() -> None:
    first = [image.record for image in demo.catalog("first")]
    assert 150 <= len(first) <= 250
    assert {r["label"] for r in first} >= {"animals and nature", "food and drink", "photographs"}
    assert {r["split"] for r in first} == {"train", "test"}


def test_every_image_is_listed_once_and_has_captions_of_its_own() -> None:
    images = [r["image"] for r in EVERYTHING]
    assert len(set(images)) == len(images)
    phrases = [r["captions"][0] for r in EVERYTHING]
    assert len(set(phrases)) == len(phrases)
    for record in EVERYTHING:
        captions = record["captions"]
        assert 2 <= len(captions) == len(set(captions)) <= 5
        assert all(caption == caption.strip() and len(caption) > 2 for caption in captions)
        assert all(ord(letter) < 0x2000 for caption in captions for letter in caption)


def test_importing_the_module_loads_nothing_heavy() -> None:
    heavy = "('torch', 'lancedb', 'resvg_py', 'skimage', 'sklearn')"
    code = f"import sys, core.ingest.demo; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.strip() == "[]"


def test_the_first_part_comes_with_the_starters_vectors(tmp_path: Path) -> None:
    starter = encoders.load("starter", "torch")
    rows = demo.precomputed(starter.passport)
    records = [r for r in read(demo.draw_demo(tmp_path, only=A_FEW)) if isinstance(r, Record)]
    assert len(records) == 10
    for record in records:
        image, texts = items_of(record, record.read())
        assert image.id in rows
        fresh = starter.encode_images([decode(image.payload, image.name)])[0]
        assert rows[image.id] @ fresh > 0.9999
        for text, row in zip(texts, starter.encode_texts([t.text for t in texts]), strict=True):
            assert rows[text.id] @ row > 0.9999


def test_another_encoder_has_none_of_them() -> None:
    assert demo.precomputed(encoders.load("toy").passport) == {}
