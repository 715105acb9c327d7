"""A preview shows what an ingest would read, and stores nothing."""

import json

import numpy as np
import pytest

from core.errors import InputError
from core.ingest import ReadOptions
from core.workbench import Workbench
from tests.fixtures.files import folder_of, half, png, vectors_file

TABLE = "file,caption,alt\na.png,one,eins\nb.png,two,zwei\n"


@pytest.fixture
def folder(tmp_path):
    files = {"a.png": png(1), "b.png": half(png(2)), "notes.docx": "x", "table.csv": TABLE}
    return folder_of(tmp_path / "in", files)


def test_it_names_the_form_the_columns_and_what_is_left_aside(folder):
    found = Workbench().preview(folder)
    assert (found.form, found.total, found.seen) == ("csv", 2, 2)
    assert found.columns == {"file": "image", "caption": "caption", "alt": "attribute"}
    aside = {one.name: one.instead for one in found.left_aside}
    assert aside["alt"] == "--caption-column alt" and "notes.docx" in aside
    good, bad = found.rows
    assert (good.captions, good.attributes, good.problem) == (("one",), {"alt": "eins"}, "")
    assert good.thumbnail.startswith(b"RIFF") and not bad.thumbnail and bad.problem
    document = found.to_dict()
    assert json.loads(json.dumps(document)) == document
    assert Workbench().names() == ()


def test_it_follows_the_options_and_an_ingest_reads_the_same(folder):
    options = ReadOptions(caption_column="alt")
    bench = Workbench()
    assert bench.preview(folder, options=options, rows=1).rows[0].captions == ("eins",)
    report = bench.ingest("pets", folder, encoder="toy", options=options)
    found = bench.preview(folder, options=options)
    assert (report.form, report.columns) == (found.form, found.columns)
    assert tuple(report.left_aside) == found.left_aside
    space = bench.open("pets").space
    assert [i.text for i in bench.items("pets", space.ids[space.n_images :])] == ["eins"]


def test_ready_made_vectors_have_a_preview(tmp_path):
    vectors_file(tmp_path / "v.parquet", np.eye(3), np.eye(3))
    found = Workbench().preview(tmp_path / "v.parquet", rows=2)
    assert (len(found.rows), found.form) == (2, "vectors")


def test_a_source_of_which_nothing_can_be_read_is_an_error(tmp_path):
    folder = folder_of(tmp_path / "in", {"a.png": half(png(2)), "b.png": b""})
    with pytest.raises(InputError, match=r"2 rejected, first: a\.png"):
        Workbench().preview(folder)
