"""Evaluating an opened collection by labels, also where the encoder comes later."""

import pytest

from core.errors import MissingPart
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
