"""Captions that come alone are joined to the images that the collection has."""

import pytest

from core.errors import UnreadableFile
from core.workbench import Workbench
from tests.fixtures.files import encoded, folder_of, ramp


@pytest.fixture
def bench(tmp_path):
    images = {f"photos/{i}.png": encoded(ramp(seed=i)) for i in range(3)}
    workbench = Workbench(tmp_path / "home")
    workbench.ingest("set", folder_of(tmp_path / "images", images), encoder="toy")
    return workbench


def captions(bench):
    space = bench.open("set").space
    names = [item.name for item in bench.items("set", space.ids)]
    return {names[image]: names[text] for image, text in space.pairs.tolist()}


@pytest.mark.parametrize("folder", ["", "photos/", "somewhere/else/photos/"])
def test_a_table_alone_captions_the_images_that_are_there(bench, tmp_path, folder):
    rows = "".join(f"{folder}{i}.png,caption {i}\n" for i in range(3))
    table = folder_of(tmp_path / "table", {"captions.csv": f"image,caption\n{rows}".encode()})
    seen = bench.preview(table / "captions.csv", name="set")
    assert not seen.rejected and seen.rows[0].captions == ("caption 0",)
    report = bench.ingest("set", table / "captions.csv")
    assert captions(bench) == {f"photos/{i}.png": f"caption {i}" for i in range(3)}
    assert report.texts == 3 and report.images == 0 and not report.rejected
    assert any("'set' has" in note for note in report.notes)
    assert len(bench.open("set").space.ids) == 6


def test_a_table_of_other_images_is_still_refused(bench, tmp_path):
    table = folder_of(tmp_path / "table", {"c.csv": b"image,caption\nnosuch.png,a caption\n"})
    with pytest.raises(UnreadableFile, match=r"nosuch\.png"):
        bench.ingest("set", table / "c.csv")
    with pytest.raises(UnreadableFile, match=r"nosuch\.png"):
        bench.ingest("new", table / "c.csv", encoder="toy")
    assert bench.names() == ("set",)
