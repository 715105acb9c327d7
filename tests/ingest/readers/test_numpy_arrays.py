"""NumPy arrays: row i of the array is row i of the table, or both are refused."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.ingest.readers.detect import read
from core.ingest.readers.records import ReadOptions
from core.ingest.readers.vectors import is_vectors, read_vectors
from tests.fixtures.files import folder_of, png

EYE = np.eye(4, 6)
CSV = "image,caption,year\n" + "".join(f"{i}.jpg,text {i},{i}\n" for i in range(4))


@pytest.mark.parametrize("kind", ["float16", "float64", "int8", ">f4"])
def test_an_array_and_the_table_beside_it(tmp_path: Path, kind: str) -> None:
    folder_of(tmp_path, {"a.csv": CSV, "2.jpg": png(1)})
    np.save(tmp_path / "a.npy", EYE[::-1].astype(kind))
    source = read_vectors(tmp_path / "a.npy")
    block = next(iter(source))
    assert (source.total, source.d, source.reading.form) == (4, 6, "numpy")
    assert np.array_equal(block.vectors, EYE[::-1])
    assert [item.id for item in block.items] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert block.items[2].source == str(tmp_path / "2.jpg")
    assert block.items[2].attributes == {"caption": '["text 2"]', "year": 2}
    assert source.reading.columns["a.npy"] == "vector"


def test_arrays_of_images_and_of_texts_in_a_folder_are_pairs(tmp_path: Path) -> None:
    folder_of(tmp_path, {"meta.csv": CSV})
    np.save(tmp_path / "image_embeddings.npy", EYE)
    np.save(tmp_path / "text_embeddings.npy", EYE + 0.5)
    blocks = list(read_vectors(tmp_path))
    items = [item for block in blocks for item in block.items]
    pairs = [pair for block in blocks for pair in block.pairs]
    texts = {item.id: item.text for item in items if item.kind == "text"}
    assert [(image, texts[text]) for image, text in pairs] == [
        (f"{i}.jpg", f"text {i}") for i in range(4)
    ]


def test_an_archive_with_its_own_columns(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz",
        features=EYE,
        paths=np.array([f"{i}.jpg" for i in range(4)]),
        labels=np.array([1, 0, 1, 0]),
        names=np.array(["cat", "dog"]),
        any=np.array([{}], dtype=object),
    )
    source = read_vectors(tmp_path / "a.npz")
    block = next(iter(source))
    assert [(item.id, item.labels) for item in block.items] == [
        ("0.jpg", ("1",)), ("1.jpg", ("0",)), ("2.jpg", ("1",)), ("3.jpg", ("0",)),
    ]  # fmt: skip
    assert np.array_equal(block.vectors, EYE)
    assert {a.name: a.reason for a in source.reading.left_aside} == {
        "any": "it is pickled, which may run any program",
        "names": "it has 2 entries, the vectors 4",
    }


def test_arrays_that_cannot_be_joined(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", EYE)
    with pytest.raises(InputError, match=r"a.npy: one table beside it .* 4 rows .* are none"):
        read_vectors(tmp_path / "a.npy")
    folder_of(tmp_path, {"a.csv": CSV + "4.jpg,text 4,4\n"})
    with pytest.raises(InputError, match=r"a.csv: it has 5 rows and a.npy has 4"):
        read_vectors(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros((2, 3, 4)))
    with pytest.raises(InputError, match=r"b.npy: it is float64 of shape \(2, 3, 4\)"):
        read_vectors(tmp_path / "b.npy")
    folder_of(tmp_path, {"c.npy": "nonsense"})
    with pytest.raises(InputError, match=r"c.npy: it is not a NumPy array of numbers"):
        read_vectors(tmp_path / "c.npy")


def test_a_folder_of_images_stays_one(tmp_path: Path) -> None:
    """An array that is not named like vectors does not turn images into vectors."""
    folder_of(tmp_path, {"1.jpg": png(1), "a.csv": "image,caption\n1.jpg,A"})
    np.save(tmp_path / "mask.npy", EYE[:1])
    assert not is_vectors(tmp_path)
    assert read(tmp_path).total == 1
    np.save(tmp_path / "clip_features.npy", EYE[:1])
    (tmp_path / "mask.npy").unlink()
    assert is_vectors(tmp_path) and not is_vectors(tmp_path, ReadOptions(form="csv"))
