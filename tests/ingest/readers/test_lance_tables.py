"""Lance tables as LanceDB writes them: vectors where they have some, else images and texts."""

from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from core.errors import InputError
from core.ingest.readers.detect import read
from core.ingest.readers.records import Record
from core.ingest.readers.vectors import is_vectors, read_vectors
from tests.fixtures.files import folder_of, png


def test_a_table_with_vectors_by_its_folder_or_database(tmp_path: Path) -> None:
    folder_of(tmp_path, {"1.jpg": png(1)})
    rows = [{"vector": np.eye(3, dtype=np.float32)[i], "image_uri": f"{i}.jpg"} for i in range(3)]
    lancedb.connect(tmp_path / "db").create_table("photos", rows)
    for place in (tmp_path / "db", tmp_path / "db/photos.lance"):
        source = read_vectors(place)
        block = next(iter(source))
        assert (source.total, source.d, source.reading.form) == (3, 3, "lance-vectors")
        assert [item.id for item in block.items] == ["0.jpg", "1.jpg", "2.jpg"]
        assert np.array_equal(block.vectors, np.eye(3))


def test_a_table_of_images_and_texts(tmp_path: Path) -> None:
    columns = {"image": [png(1), png(2)], "caption": ["A", "B"], "thumb": [b"x", b"y"]}
    lancedb.connect(tmp_path).create_table("pics", pa.table(columns))
    assert not is_vectors(tmp_path)
    source = read(tmp_path / "pics.lance")
    found = [entry for entry in source if isinstance(entry, Record)]
    assert (source.total, source.reading.form) == (2, "lance")
    assert [(r.read and r.read(), r.captions) for r in found] == [
        (png(1), ("A",)),
        (png(2), ("B",)),
    ]
    assert [aside.instead for aside in source.reading.left_aside] == ["--image-column thumb"]


def test_one_of_several_tables_must_be_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        lancedb.connect(tmp_path).create_table(name, pa.table({"caption": ["A"]}))
    with pytest.raises(InputError, match=r"several tables \(a.lance, b.lance\). Ingest one by its"):
        read(tmp_path)
