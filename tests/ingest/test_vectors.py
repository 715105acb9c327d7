"""Imported vectors: row i belongs to item i, unit length, and every bad row is named."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.ingest.readers.detect import read
from core.ingest.readers.records import Aside, ReadOptions
from core.ingest.readers.vectors import VectorBlock, is_vectors, read_vectors
from core.types.item import Rejected
from core.workbench import Workbench
from tests.fixtures.files import folder_of, png


def table_of(path: Path, vectors: Sequence[object], form: pa.DataType, **columns: object) -> Path:
    """A Parquet file of those vectors; ids count from 0 and all are images unless given."""
    n = len(vectors)
    table = {"id": list(range(n)), "kind": ["image"] * n, "vector": pa.array(vectors, form)}
    pq.write_table(pa.table({**table, **columns}), path)
    return path


def whole(path: Path) -> VectorBlock:
    """All blocks of a source as one."""
    blocks = list(read_vectors(path))
    items, pairs, rejected, notes = (
        tuple(x for block in blocks for x in getattr(block, part))
        for part in ("items", "pairs", "rejected", "notes")
    )
    return VectorBlock(items, np.concatenate([b.vectors for b in blocks]), pairs, rejected, notes)


LIST32 = pa.list_(pa.float32())
FORMS = [
    pa.list_(pa.float16()),
    LIST32,
    pa.list_(pa.float64()),
    pa.large_list(pa.float32()),
    pa.list_(pa.float32(), 8),
    pa.list_(pa.float64(), 8),
    pa.list_(pa.float16(), 8),
    pa.list_(pa.int8(), 8),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_number_format_gives_the_same_unit_rows(
    tmp_path: Path, rng: np.random.Generator, form: pa.DataType
) -> None:
    given_rows = rng.integers(-9, 10, (40, 8)) + np.eye(40, 8, dtype=int) * 20
    rows = given_rows.astype(form.value_type.to_pandas_dtype())
    intake = whole(table_of(tmp_path / "v.parquet", list(rows), form))
    expected = given_rows / np.linalg.norm(given_rows, axis=1, keepdims=True)
    assert intake.vectors.dtype == np.float32
    np.testing.assert_allclose(intake.vectors, expected, atol=1e-6)
    assert [item.id for item in intake.items] == [str(i) for i in range(40)]
    assert intake.notes == ("40 of 40 vectors were not of unit length and were normalized.",)
    assert intake.rejected == ()


def test_unit_rows_are_stored_bit_by_bit_without_a_note(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    rows = rng.normal(size=(20, 32)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    mixed = rows.copy()
    mixed[3] *= 5
    intake = whole(table_of(tmp_path / "v.parquet", list(rows), LIST32))
    assert np.array_equal(intake.vectors, rows) and intake.notes == ()
    again = whole(table_of(tmp_path / "w.parquet", list(mixed), LIST32))
    assert again.notes == ("1 of 20 vectors were not of unit length and were normalized.",)
    np.testing.assert_allclose(again.vectors, rows, atol=1e-7)


def test_a_large_column_of_ids_is_read_in_long_blocks(tmp_path: Path) -> None:
    n, ids = 6_000, [f"{'long' * 40}{i}" for i in range(6_000)]
    source = table_of(tmp_path / "v.parquet", [[1.0]] * n, LIST32, id=ids)
    blocks = [block.items for block in read_vectors(source) if block.items]
    assert [item.id for items in blocks for item in items] == ids
    assert len(blocks) == 1


def test_items_have_the_fields_of_their_row(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"p/a.png": png(1)})
    path = table_of(
        folder / "v.parquet",
        [[1.0, 0], [0, 1.0], [0, 2.0]],
        LIST32,
        id=["A", "b", "c"],
        kind=["image", "text", "text"],
        image=["p/a.png", None, None],
        text=[None, "A dog <b>", None],
        label=["dog", None, "cat"],
        labels=pa.array([["pet", "dog"], None, []], pa.list_(pa.string())),
        pair=[7, 7, None],
        year=pa.array([1999, None, 5], pa.int16()),
        nested=pa.array([{"x": 1}, None, None], pa.struct({"x": pa.int8()})),
        thumb=[b"\xff", b"", None],
    )
    intake = whole(path)
    image, dog, lone = intake.items
    assert (image.kind, image.id, image.name, image.payload) == ("image", "A", "p/a.png", b"")
    assert image.source == str(folder / "p/a.png")
    assert image.labels == ("dog", "pet")
    assert image.attributes == {"year": 1999, "nested": '{"x": 1}'}
    assert (dog.kind, dog.id, dog.name, dog.text) == ("text", "b", "A dog <b>", "A dog <b>")
    assert (lone.name, lone.text, lone.labels) == ("c", "", ("cat",))
    assert intake.pairs == (("A", "b"),)
    assert intake.notes == ("1 of 3 vectors were not of unit length and were normalized.",)
    reading = read_vectors(path).reading
    assert reading.left_aside == (Aside("thumb", "it has bytes", "--image-column thumb"),)
    assert reading.columns["pair"] == "pair" and reading.columns["year"] == "attribute"


def test_pairs_join_each_image_with_each_text_of_the_key(tmp_path: Path) -> None:
    path = table_of(
        tmp_path / "v.parquet",
        [[1.0, i] for i in range(7)],
        LIST32,
        id=list("abcdefg"),
        kind=["image", "text", "text", "image", "image", "text", "image"],
        pair=["k", "k", "k", "k", "x", "y", None],
    )
    assert whole(path).pairs == (("a", "b"), ("a", "c"), ("d", "b"), ("d", "c"))


def test_a_key_of_too_many_pairs_is_rejected(tmp_path: Path) -> None:
    n = 202
    path = table_of(
        tmp_path / "v.parquet",
        [[1.0, 0.5]] * n,
        LIST32,
        kind=["image", "text"] * (n // 2),
        pair=[1] * n,
    )
    intake = whole(path)
    assert len(intake.items) == n and intake.pairs == ()
    reason = "it pairs 101 images with 101 texts; allowed: 10,000 pairs per key"
    assert intake.rejected == (Rejected("v.parquet pair '1'", reason),)


def test_each_bad_row_is_named_and_the_rest_has_its_vectors(tmp_path: Path) -> None:
    good = [[3.0, 4.0, 0.0]]
    rows = [
        *good,
        [1.0, float("nan"), 0],
        [float("inf"), 0, 0],
        [0.0, 0, 0],
        [1.0, 2],
        None,
        [1.0, None, 0],
        [0, 0, 2.0],
        [0, 5.0, 0],
        [0, 6.0, 0],
        [0, 1e-30, 0],
        [1e30, 0, 0],
    ]
    ids = ["a", "b", "c", "d", "e", "f", "g", None, "a", "j", "k", "l"]
    kinds = ["image"] * 9 + ["video", "text", "text"]
    path = table_of(tmp_path / "v.parquet", rows, LIST32, id=ids, kind=kinds)
    intake = whole(path)
    assert [item.id for item in intake.items] == ["a", "k", "l"]
    np.testing.assert_allclose(intake.vectors, [[0.6, 0.8, 0], [0, 1, 0], [1, 0, 0]], atol=1e-7)
    assert intake.notes[0].startswith("6 of 12 vectors were not of unit length")
    numbers = "its vector has values that are not finite numbers (NaN, infinite or missing)"
    assert {r.name: r.reason for r in intake.rejected} == {
        "v.parquet row 2": f"{numbers} (id 'b')",
        "v.parquet row 3": f"{numbers} (id 'c')",
        "v.parquet row 4": "its vector is all zeros and has no direction (id 'd')",
        "v.parquet row 5": "its vector has 2 values; most in this file have 3 (id 'e')",
        "v.parquet row 6": "it has no vector (id 'f')",
        "v.parquet row 7": f"{numbers} (id 'g')",
        "v.parquet row 8": "it has no id",
        "v.parquet row 9": "its id 'a' repeats that of row 1",
        "v.parquet row 10": "its kind is 'video'; allowed: image, text",
    }


def test_the_most_common_length_wins_and_the_first_on_a_tie(tmp_path: Path) -> None:
    rows = [[1.0], [1.0, 2], [2.0, 1], [1.0, 2, 3]]
    assert whole(table_of(tmp_path / "v.parquet", rows, LIST32)).vectors.shape == (2, 2)
    assert whole(table_of(tmp_path / "w.parquet", rows[2:], LIST32)).vectors.shape == (1, 2)


def test_extreme_doubles_keep_their_direction(tmp_path: Path) -> None:
    rows = [[3e300, 4e300], [3e-300, 4e-300], [3.0, 4.0]]
    intake = whole(table_of(tmp_path / "v.parquet", rows, pa.list_(pa.float64())))
    np.testing.assert_allclose(intake.vectors, [[0.6, 0.8]] * 3, atol=1e-7)


def test_missing_images_and_images_outside_are_noted(tmp_path: Path) -> None:
    folder_of(tmp_path, {"out.png": png(1), "in/a.png": png(2)})
    path = table_of(
        tmp_path / "in/v.parquet",
        [[1.0, 0]] * 4,
        LIST32,
        image=["../out.png", "gone.png", "a.png", None],
    )
    intake = whole(path)
    assert [item.source for item in intake.items] == ["", "", str(tmp_path / "in/a.png"), ""]
    assert intake.notes == (
        "2 of 3 images cannot be read (first: ../out.png: its path leads outside of the folder); "
        "only their vectors are stored.",
    )


@settings(max_examples=40)
@given(bad=st.sets(st.integers(0, 49)), size=st.integers(1, 60))
def test_row_i_belongs_to_item_i_whatever_is_rejected(
    tmp_path_factory: pytest.TempPathFactory, bad: set[int], size: int
) -> None:
    """Across row groups and bad rows: the angle of each vector encodes its id."""
    angles = np.arange(50) / 50
    rows = [[0.0, 0.0] if i in bad else [np.cos(a), np.sin(a)] for i, a in enumerate(angles)]
    path = tmp_path_factory.mktemp("v") / "v.parquet"
    table = pa.table({"id": range(50), "kind": ["text"] * 50, "vector": pa.array(rows, LIST32)})
    pq.write_table(table, path, row_group_size=size)
    intake = whole(path)
    angle = np.arctan2(intake.vectors[:, 1], intake.vectors[:, 0]) * 50
    assert [int(item.id) for item in intake.items] == np.rint(angle).astype(int).tolist()
    assert len(intake.rejected) == len(bad)


def test_which_files_have_vectors(tmp_path: Path) -> None:
    assert is_vectors(table_of(tmp_path / "v.parquet", [[1.0]], LIST32))
    pq.write_table(pa.table({"caption": ["x"]}), tmp_path / "t.parquet")
    folder_of(tmp_path, {"n.parquet": "nonsense", "v.csv": "id,kind,vector\n"})
    for name in ("t.parquet", "n.parquet", "v.csv", "none.parquet", ""):
        assert not is_vectors(tmp_path / name)
    with pytest.raises(InputError, match="it has a column vector; ingest it by its own path"):
        read(tmp_path / "v.parquet")


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"id": ["a"], "vector": [[1.0]]},
            r"it has no column kind \(image or text\), and none says what 'vector' is of. "
            "The column of images or texts: --image-column NAME or --caption-column NAME",
        ),
        (
            {"id": ["a"], "kind": ["image"], "vector": ["[1]"]},
            "vector is string; a list of numbers",
        ),
        ({"id": ["a"], "kind": ["image"], "vector": [["x"]]}, "a list of numbers is needed"),
        (
            {"id": ["a"], "kind": ["image"], "vector": pa.array([None], LIST32)},
            "none of its rows has",
        ),
        (
            {"id": ["a"], "kind": ["image"], "vector": pa.array([[]], LIST32)},
            "none of its rows has",
        ),
        (
            {"id": pa.array([], "string"), "kind": [], "vector": pa.array([], LIST32)},
            "none of its rows has a vector",
        ),
        (
            {"id": pa.array([], "string"), "kind": [], "vector": pa.array([], FORMS[4])},
            "none of its rows has a vector",
        ),
    ],
)
def test_tables_that_cannot_be_read(
    tmp_path: Path, columns: dict[str, object], sentence: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    with pytest.raises(InputError, match=f"^v.parquet: .*{sentence}"):
        whole(tmp_path / "v.parquet")


def test_damaged_files_and_texts(tmp_path: Path) -> None:
    path = table_of(tmp_path / "v.parquet", [[1.0, 0]] * 500, LIST32)
    path.write_bytes(path.read_bytes()[:200])
    assert not is_vectors(path)
    with pytest.raises(InputError, match=r"v.parquet: it is not a Parquet file, or it is damaged"):
        read(path)
    latin = pa.array([b"\xff"], pa.binary()).view(pa.string())
    table_of(path, [[1.0, 0]], LIST32, text=latin)
    with pytest.raises(InputError, match=r"v.parquet: its fields cannot be read as text"):
        whole(path)


def test_nothing_outside_the_allowed_root_is_read(tmp_path: Path) -> None:
    path = table_of(tmp_path / "v.parquet", [[1.0, 0]], LIST32)
    assert read_vectors(path, tmp_path).total == 1
    with pytest.raises(InputError, match="it is not in"):
        read_vectors(path, tmp_path / "root")


@pytest.mark.parametrize("column", ["embedding", "emb", "clip_embedding", "imageFeatures"])
def test_vectors_under_other_names_of_what_the_other_columns_say(
    tmp_path: Path, column: str
) -> None:
    columns = {"image_path": ["a.jpg", "b.jpg"], "caption": ["A", "B"], "bbox": [[1, 2], [3, 4]]}
    pq.write_table(pa.table({**columns, column: [[1.0, 0], [0, 1.0]]}), tmp_path / "v.parquet")
    intake = whole(tmp_path / "v.parquet")
    assert [(i.kind, i.id, i.attributes["caption"]) for i in intake.items] == [
        ("image", "a.jpg", "A"),
        ("image", "b.jpg", "B"),
    ]
    assert intake.items[0].attributes["bbox"] == "[1, 2]"
    assert (
        intake.notes[0] == "The column 'caption' is an attribute: no vectors are of its captions."
    )
    del columns["image_path"]
    pq.write_table(pa.table({**columns, "emb": [[1.0, 0], [0, 1.0]]}), tmp_path / "t.parquet")
    assert [(i.kind, i.text) for i in whole(tmp_path / "t.parquet").items] == [
        ("text", "A"),
        ("text", "B"),
    ]


def test_a_row_with_vectors_of_its_image_and_its_text_is_a_pair(tmp_path: Path) -> None:
    """The same image or caption in several rows is one item, with all its pairs."""
    columns = {
        "file_name": ["a.jpg", "a.jpg", "b.jpg"],
        "caption": ["A", "B", "B"],
        "label": ["cat", "cat", "dog"],
        "split": ["test"] * 3,
        "image_emb": [[1.0, 0], [1.0, 0], [0, 1.0]],
        "text_emb": [[0, 1.0], [1.0, 0], [1.0, 0]],
    }
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    intake = whole(tmp_path / "v.parquet")
    text_of = {item.id: item.text for item in intake.items if item.kind == "text"}
    assert [(image, text_of[text]) for image, text in intake.pairs] == [
        ("a.jpg", "A"), ("a.jpg", "B"), ("b.jpg", "B"),
    ]  # fmt: skip
    by_name = {item.name: item for item in intake.items}
    assert (by_name["b.jpg"].labels, by_name["B"].labels) == (("dog",), ())
    assert by_name["B"].attributes == {"split": "test"}
    assert intake.notes[0].startswith("2 vectors were not read: an earlier row has the same")
    with_ids = pa.table({**columns, "id": [7, 8, 9]})
    pq.write_table(with_ids, tmp_path / "v.parquet")
    assert whole(tmp_path / "v.parquet").pairs == (
        ("7", "7/text"),
        ("8", "8/text"),
        ("9", "9/text"),
    )


def test_of_several_columns_of_vectors_another_can_be_named(tmp_path: Path) -> None:
    columns = {"image": ["a.jpg"], "clip_embedding": [[1.0, 0]], "dino_embedding": [[0, 1.0, 0]]}
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    source = read_vectors(tmp_path / "v.parquet")
    named = ReadOptions(vector_column="dino_embedding")
    reason, instead = "the vectors of 'clip_embedding' were read", "--vector-column dino_embedding"
    assert source.reading.left_aside == (Aside("dino_embedding", reason, instead),)
    other = read_vectors(tmp_path / "v.parquet", None, named)
    assert (source.d, other.d) == (2, 3)
    assert other.reading.columns == {"image": "image", "dino_embedding": "vector"}
    assert [aside.name for aside in other.reading.left_aside] == ["clip_embedding"]


def test_images_in_the_table_are_stored_and_shards_are_one_table(tmp_path: Path) -> None:
    workbench = Workbench()
    folder = folder_of(tmp_path / "shards", {"README.md": "x"})
    data = [png(1), png(2), b"nonsense"]
    for shard in range(2):
        image = pa.array([{"bytes": d, "path": f"{shard}-{i}.png"} for i, d in enumerate(data)])
        rows = pa.array([[shard + 1.0, i + 1.0] for i in range(3)], pa.list_(pa.float16(), 2))
        table = pa.table({"image": image, "embedding": rows})
        pq.write_table(table, folder / f"train-0000{shard}-of-00002.parquet")
    report = workbench.ingest("c", folder)
    assert (report.images, report.form, report.rejected) == (6, "vectors", [])
    collection = workbench.home.open("c")
    found = collection.with_payload(["0-0.png", "1-1.png", "1-2.png"])
    assert [getattr(item, "payload", b"") for item in found] == [png(1), png(2), b""]
    again = workbench.ingest("c", folder)
    assert (again.images, again.updated, len(again.repeated)) == (0, 0, 6)


def test_a_column_of_vectors_that_is_not_there(tmp_path: Path) -> None:
    path = table_of(tmp_path / "v.parquet", [[1.0, 0]], LIST32)
    options = ReadOptions(vector_column="emb")
    assert is_vectors(path, options)
    with pytest.raises(InputError, match=r"it has no column 'emb' \(columns: id, kind, vector\)"):
        read_vectors(path, None, options)


def test_vectors_of_images_and_texts_that_differ_in_length(tmp_path: Path) -> None:
    columns = {"image_emb": pa.array([[1.0, 0]], pa.list_(pa.float32(), 2)),
               "text_emb": pa.array([[1.0]], pa.list_(pa.float32(), 1))}  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    reason = r"differ in length \(image_emb has 2, text_emb has 1\). .* --vector-column image_emb"
    with pytest.raises(InputError, match=reason):
        read_vectors(tmp_path / "v.parquet")
