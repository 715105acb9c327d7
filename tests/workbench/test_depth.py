"""Depth times width: the whole encoder finds every list; one without layers says so."""

import numpy as np
import pytest

from core.errors import InputError
from core.workbench import Workbench, depth_document
from core.workbench.depth import LEAST
from tests.fixtures.encoders import TINY, model_folder, patterns
from tests.fixtures.files import encoded, folder_of, jsonl


@pytest.fixture
def collection(tmp_path, rng):
    """Opens a collection of images by an encoder."""
    images = patterns(rng, LEAST + 10)
    rows = [
        {"image": f"{i}.png", "caption": f"thing {i}", "split": "train" if i % 3 else "test"}
        for i in range(len(images))
    ]
    files = {f"{i}.png": encoded(image) for i, image in enumerate(images)}
    source = folder_of(tmp_path / "items", {**files, "items.jsonl": jsonl(*rows)})
    bench = Workbench(tmp_path / "home")

    def opened(encoder):
        bench.ingest("things", source / "items.jsonl", encoder=encoder)
        return bench.open("things")

    return opened


def test_all_layers_in_all_dimensions_find_every_list(collection, tmp_path):
    config = {**TINY, "vision_cfg": {**TINY["vision_cfg"], "layers": 3}}
    name = f"local-dir:{model_folder(tmp_path / 'model', config)}"
    grid = depth_document(Workbench.depth_grid(collection(name)))
    cells = {(cell["layer"], cell["dims"]): cell for cell in grid["cells"]}
    assert {layer for layer, _ in cells} == {1, 2, 3, 0}
    held_out = -(-(LEAST + 10) // 3)
    assert (grid["judged"], grid["fitted"]) == (held_out, LEAST + 10 - held_out)
    assert cells[0, 16]["value"] == 1.0
    assert all(0 <= cell["low"] <= cell["value"] <= cell["high"] <= 1 for cell in grid["cells"])
    times = [cells[layer, 16]["ms_per_image"] for layer in (1, 2, 3)]
    assert np.all(np.diff(times) > 0)


def test_an_encoder_without_layers_says_so(collection):
    with pytest.raises(InputError, match="shows no layers"):
        Workbench.depth_grid(collection("toy"))
