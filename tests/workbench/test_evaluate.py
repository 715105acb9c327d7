"""Evaluating an opened collection by labels and attributes, also where the encoder comes later."""

import numpy as np
import pytest

from core.errors import MissingPart
from core.measure import occurrences
from core.workbench import Workbench
from tests.fixtures.files import folder_of, jsonl
from tests.fixtures.screens import picture

COLORS = ("red", "green", "blue")


@pytest.fixture
def opened(tmp_path):
    """30 images of three colors, each labeled with its own."""
    rows = [{"image": f"{i}.png", "label": COLORS[i % 3]} for i in range(30)]
    files = {row["image"]: picture(row["label"], 32 + i) for i, row in enumerate(rows)}
    items = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    bench = Workbench(tmp_path / "home")
    bench.ingest("colors", items / "items.jsonl", encoder="toy")
    return bench.open("colors")


def test_labels_are_classified_as_soon_as_the_encoder_is_there(opened, monkeypatch):
    def missing(*asked):
        raise MissingPart("The weights are not on this machine.")

    with monkeypatch.context() as without:
        without.setattr("core.encoders.load", missing)
        found = Workbench.score_by_label(opened)
        assert found.classification is None and "not on this machine" in str(found.lacks)
        assert found.image_to_image is not None
    found = Workbench.score_by_label(opened)
    assert found.classification is not None and not found.lacks
    assert Workbench.score_by_label(opened).classification is found.classification  # once
    assert Workbench.score_by_label(opened).image_to_image is found.image_to_image


@pytest.mark.parametrize(
    "sizes",
    [
        [i % 10 for i in range(40)],  # few numbers are values
        [*range(40)],
        [0] * 25 + [*range(1, 16)],  # equal numbers are in one range
        [1_700_000_000 + i for i in range(40)],
    ],
)
def test_an_attribute_has_the_same_ranges_here_as_on_the_map(tmp_path, sizes):
    rows = [
        {"image": f"{i}.png", "caption": f"thing number {i}", "size": size}
        for i, size in enumerate(sizes)
    ]
    files = {row["image"]: picture("red", 32 + i) for i, row in enumerate(rows)}
    items = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    bench = Workbench(tmp_path / "home")
    bench.ingest("things", items / "items.jsonl", encoder="toy")
    things = bench.open("things")
    found = bench.recall_by_group(things, bench.evaluate(things), "text_to_image", "size")
    unit = np.arange(40)
    on_map = occurrences(unit, unit, unit, [""] * 40, {"size": sizes})
    assert {group.name for group in found} == set(on_map.terms)
    assert sum(group.n_images for group in found) == 40
    assert on_map.has.sum() == 40
