"""The output of clip-retrieval: parts stay aligned with their metadata."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import InputError
from core.ingest.readers.vectors import read_vectors


def written(folder: Path, sizes: dict[int, int]) -> Path:
    """Parts as clip-retrieval writes them: the first value of a vector counts all rows."""
    start = 0
    for name in ("img_emb", "text_emb", "metadata"):
        (folder / name).mkdir()
    for part, size in sizes.items():
        rows = np.array([[start + i, 100] for i in range(size)])
        np.save(folder / f"img_emb/img_emb_{part}.npy", rows.astype(np.float16))
        np.save(folder / f"text_emb/text_emb_{part}.npy", -rows.astype(np.float16))
        names = [f"{start + i}" for i in range(size)]
        columns = {"image_path": names, "caption": [f"t{n}" for n in names], "NSFW": names}
        pq.write_table(pa.table(columns), folder / f"metadata/metadata_{part}.parquet")
        start += size
    return folder


def test_row_i_of_every_part_is_a_pair_with_its_vectors(tmp_path: Path) -> None:
    source = read_vectors(written(tmp_path, {0: 3, 2: 4, 10: 2}))
    assert (source.total, source.d, source.reading.form) == (18, 2, "clip-retrieval")
    blocks = list(source)
    vector_of, text_of, pairs = {}, {}, []
    for block in blocks:
        vector_of |= zip((item.id for item in block.items), block.vectors, strict=True)
        text_of |= {item.id: item.text for item in block.items if item.kind == "text"}
        pairs += block.pairs
    assert [(image, text_of[text]) for image, text in pairs] == [
        (f"{i}", f"t{i}") for i in range(9)
    ]
    for image, text in pairs:
        assert np.rint(vector_of[image][0] / vector_of[image][1] * 100) == int(image)
        np.testing.assert_allclose(vector_of[text], -vector_of[image], atol=1e-6)
    image = blocks[0].items[1]
    assert (image.kind, image.name, image.attributes) == ("image", "1", {"NSFW": "1"})


def test_without_metadata_the_rows_have_numbers(tmp_path: Path) -> None:
    written(tmp_path, {0: 2})
    for name in ("metadata", "text_emb"):
        next((tmp_path / name).iterdir()).unlink()
    block = next(iter(read_vectors(tmp_path)))
    assert [item.id for item in block.items] == [f"{tmp_path.name} row {i}" for i in (1, 2)]


def test_parts_that_differ_are_refused(tmp_path: Path) -> None:
    written(tmp_path, {0: 3, 1: 3})
    np.save(tmp_path / "text_emb/text_emb_1.npy", np.ones((2, 2)))
    with pytest.raises(
        InputError, match=r"part 1 differ in their rows \(.*has 3, .*has 2, .*has 3"
    ):
        read_vectors(tmp_path)
    (tmp_path / "text_emb/text_emb_1.npy").unlink()
    with pytest.raises(InputError, match="part 1 is not in text_emb"):
        read_vectors(tmp_path)
