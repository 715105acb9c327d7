"""Every format is detected; what is no source is rejected with a message."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.ingest.readers.detect import read
from core.ingest.readers.records import Aside, ReadOptions
from tests.fixtures.files import folder_of, jsonl, png, zip_of
from tests.fixtures.sources import contents, notes, records, rejected

ANYTHING = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_plain_folder_is_read_deeply_in_order_and_only_images(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "photos",
        {
            "b.png": png(1),
            "a/z.PNG": png(2),
            "a/deep/er/x.jpg": png(3),
            "notes.md": "x",
            ".DS_Store": "x",
            "a/Thumbs.db": "x",
            ".git/a.png": png(4),
            "__MACOSX/._b.png": "x",
        },
    )
    source = read(folder)
    assert (source.name, source.total) == ("photos", 3)
    assert [r.name for r in records(source)] == ["a/deep/er/x.jpg", "a/z.PNG", "b.png"]
    assert rejected(source) == {}
    assert [r.read() for r in records(source) if r.read] == [png(3), png(2), png(1)]
    assert records(source)[2].source == str(folder / "b.png")
    assert contents(source) == contents(source)  # reading again gives the same again


def test_a_folder_gives_all_its_images_and_a_table_what_it_names(tmp_path: Path) -> None:
    files = {"a.png": png(1), "b.png": png(2), "items.jsonl": jsonl({"image": "b.png"})}
    folder = folder_of(tmp_path / "set", files)
    assert [r.name for r in records(read(folder))] == ["b.png", "a.png"]
    assert [r.name for r in records(read(folder / "items.jsonl"))] == ["b.png"]


def test_one_image_by_its_path(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a.png": png(1), "b.png": png(2)})
    (record,) = records(read(str(tmp_path / "a.png")))
    assert record.read is not None and record.read() == png(1)


NAMES = st.text(st.sampled_from("ab é<>&'"), min_size=1, max_size=4).map(lambda s: f"x{s}x")


TREES = st.dictionaries(
    st.tuples(st.sampled_from(["", "cat/", "dog/", "dog/deep/"]), NAMES).map("".join),
    st.tuples(st.sampled_from([".png", ".txt", ".md"]), st.integers(0, 9)),
    min_size=1,
    max_size=8,
)


@ANYTHING
@given(tree=TREES, listed=st.booleans(), wrapped=st.booleans())
def test_a_folder_and_its_zip_give_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    tree: dict[str, tuple[str, int]],
    listed: bool,
    wrapped: bool,
) -> None:
    files: dict[str, bytes | str] = {"x.png": png(0)}
    for name, (ending, seed) in tree.items():
        files[name + ending] = png(seed) if ending == ".png" else f"text {seed}\n"
    if listed:
        rows = [{"image": n, "caption": n} for n in files if n.endswith(".png")]
        files["items.jsonl"] = jsonl(*rows, {"image": "gone.png"})
    if wrapped:
        files = {f"wrap/{name}": data for name, data in files.items()}
    place = tmp_path_factory.mktemp("same")
    a, b = read(folder_of(place / "f", files)), read(zip_of(place / "f.zip", files))
    assert [row for row in contents(a) if "gone.png" not in row] == [
        row for row in contents(b) if "gone.png" not in row
    ]
    assert a.total == b.total and list(rejected(a)) == list(rejected(b))
    assert all(record.source == "" for record in records(b))


def test_real_sets(data: Path) -> None:
    for name, count, captions in (("flickr8k-800", 800, 4000), ("imagenet-600", 600, 0)):
        source = read(data / name)
        assert source.total == len(records(source)) == count
        assert sum(len(r.captions) for r in records(source)) == captions
        assert rejected(source) == {}


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (
            "t.csv",
            "year,weight\n1,2\n",
            r"none of its columns is an image or a caption \(columns: year, weight\)",
        ),
        ("t.csv", "", "the file is empty"),
        ("t.csv", "image,caption\n", "it has no rows"),
        (
            "t.jsonl",
            '{"year": 1}\n',
            r"none of its columns is an image or a caption \(columns: year\)",
        ),
        (
            "t.jsonl",
            "nonsense\n",
            r"none of its lines can be read \(t.jsonl line 1: it is not JSON",
        ),
        ("t.jsonl", "", "it has no rows"),
        ("t.parquet", "PAR1 nonsense", "it is not a Parquet file, or it is damaged"),
        ("t.json", '{"a": 1}', r"it is none of: COCO captions"),
        ("t.json", '{"images": [', "it is not JSON, or it is truncated"),
        ("t.pdf", "x", "its format is not supported. Supported: a folder, zip or tar of images"),
        ("t.zip", "x", "it is not a zip"),
        ("t.txt", "\n\n", "it has no rows"),
    ],
)
def test_files_that_are_no_source(tmp_path: Path, name: str, data: str, sentence: str) -> None:
    (tmp_path / name).write_text(data)
    with pytest.raises(InputError, match=f"^{name}: .*{sentence}"):
        read(tmp_path / name)


@settings(max_examples=300)
@given(
    ending=st.sampled_from(["csv", "tsv", "txt", "jsonl", "json", "parquet", "zip"]),
    data=st.binary(max_size=60)
    | st.text(st.sampled_from('image,caption\n"[]{}:;|\t1.e-\x00é'), max_size=60).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["image", "caption", "labels", "x", "", "images", "annotations", "id"]
                ),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode()),
    headed=st.booleans(),
)
def test_any_bytes_give_a_source_or_a_message(
    tmp_path_factory: pytest.TempPathFactory, ending: str, data: bytes, headed: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{ending}"
    path.write_bytes(b"image,caption,caption\n" * headed + data)
    try:
        source = read(path)
    except InputError as error:
        assert str(error).startswith(f"any.{ending}: ")
    else:
        assert source.total == len(records(source))


def test_folders_that_are_no_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file or folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="there is no such file or folder"):
        read("nul\0byte")
    with pytest.raises(InputError, match="it has no images and no captions"):
        read(folder_of(tmp_path / "e", {"a.md": "x"}))
    meta = folder_of(tmp_path / "m", {"t.csv": "year,weight\n1,2\n"})
    with pytest.raises(InputError, match=r"t.csv: none of its columns is an image or a caption"):
        read(meta)
    two = folder_of(tmp_path / "two", {"a.csv": "caption\nx\n", "b.csv": "caption\ny\n"})
    with pytest.raises(
        InputError, match=r"it has several tables \(a.csv, b.csv\). Ingest one by its path"
    ):
        read(two)


def test_a_table_that_cannot_be_used_is_named_among_good_images(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "m", {"t.csv": "year\n1\n", "a.png": png(), "x.json": "{}"})
    assert [r.name for r in records(read(folder))] == ["a.png"]
    assert list(rejected(read(folder))) == ["t.csv"]


def test_nothing_outside_the_allowed_root_is_read(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "root", {"in/a.png": png(1)})
    folder_of(tmp_path, {"out/a.png": png(1)})
    assert read(root / "in", root).total == 1
    assert read(root, root).total == 1
    (root / "link").symlink_to(tmp_path / "out")
    for path in (tmp_path / "out", root / "../out/a.png", root / "link", "/"):
        with pytest.raises(InputError, match=r"it is not in .*root, the folder that may be read"):
            read(path, root)
    folder_of(root, {"t.json": json.dumps([{"image": "../out/a.png"}, {"image": "in/a.png"}])})
    assert [r.name for r in records(read(root / "t.json", root))] == ["in/a.png"]


def test_files_that_are_not_read_as_tables_are_left_aside(tmp_path: Path) -> None:
    files = {"a.png": png(), "a.txt": "its caption", "x.json": "{}", "README.txt": "no table"}
    source = read(folder_of(tmp_path / "m", files))
    assert records(source)[0].captions == ("its caption",)
    assert {aside.name for aside in source.reading.left_aside} == {"x.json", "README.txt"}


def test_parts_of_one_table_are_read_together(tmp_path: Path) -> None:
    files = {f"{i}.png": png(i) for i in range(3)}
    for i, name in enumerate(("train_1.csv", "train_2.csv", "test_1.csv")):
        files[name] = f"image,caption\n{i}.png,text {i}\n"
    source = read(folder_of(tmp_path / "parts", files))
    assert [(r.name, r.attributes) for r in records(source)] == [
        ("2.png", {"split": "test"}),
        ("0.png", {"split": "train"}),
        ("1.png", {"split": "train"}),
    ]
    assert "3 tables were read as parts of one: test_1.csv, train_1.csv, train_2.csv." in notes(
        source
    )


def test_whatever_is_not_read_is_listed(tmp_path: Path) -> None:
    files = {
        "a.png": png(1),
        "notes.docx": "x",
        "b.xml": "<a>",
        "c.xml": "<a>",
        "old/captions.csv": "image,caption\na.png,x\n",
        "new/captions.csv": "image,caption\na.png,y\n",
        "@eaDir/a.png/SYNOPHOTO_THUMB_M.png": png(2),
        "inner.zip": "x",
    }
    source = read(folder_of(tmp_path / "set", files))
    assert [r.name for r in records(source)] == ["a.png"]
    assert list(rejected(source)) == ["inner.zip"]
    aside = {one.name: one.instead for one in source.reading.left_aside}
    assert aside == {
        "2 files such as new/captions.csv": f"sextant ingest {tmp_path}/set/new/captions.csv",
        "notes.docx": "",
        "2 files such as b.xml": "",
    }


def test_a_folder_can_be_read_without_its_table(tmp_path: Path) -> None:
    files = {"t.csv": "image,caption\ncat/a.png,x\n", "cat/a.png": png(1), "dog/b.png": png(2)}
    folder = folder_of(tmp_path / "set", files)
    assert Aside("folders cat, dog", "they are no labels beside a table", "--form folder") in (
        read(folder).reading.left_aside
    )
    source = read(folder, None, ReadOptions(form="folder"))
    assert [(r.captions, r.labels) for r in records(source)] == [((), ("cat",)), ((), ("dog",))]
    with pytest.raises(InputError, match="it is a file, and folder is a form of folders"):
        read(folder / "cat" / "a.png", None, ReadOptions(form="folder"))
