"""CSV and TSV: typed columns, and every bad row by line."""

from pathlib import Path

import pytest

from core.errors import InputError
from core.ingest.readers.detect import read
from core.ingest.readers.records import Aside, ReadOptions
from tests.fixtures.files import folder_of, jsonl, png
from tests.fixtures.sources import notes, records, rejected


@pytest.mark.parametrize("name", ["captions.txt", "captions.csv"])
@pytest.mark.parametrize("where", ["Images/", "images/", ""])
def test_kaggles_flickr8k(tmp_path: Path, name: str, where: str) -> None:
    table = 'image,caption\nb.jpg,"One , two"\na.jpg,A .\nb.jpg,Three\n\n'
    folder = folder_of(
        tmp_path / "f8k", {name: table, f"{where}a.jpg": png(1), f"{where}b.jpg": png(2)}
    )
    for source in (read(folder), read(folder / name)):
        b, a = records(source)
        assert (b.name, b.captions) == (f"{where}b.jpg", ("One , two", "Three"))
        assert (a.name, a.captions) == (f"{where}a.jpg", ("A .",))
        assert (source.total, rejected(source)) == (2, {})


def test_columns_of_a_csv_are_typed_by_all_their_cells(tmp_path: Path) -> None:
    table = (
        "Image;caption;year;weight;zip;seen;mixed;label\n"
        "a.png;A;1999;1;007;true;1;cat\n"
        "b.png;B;;2.5e1;012;False;x;3\n"
    )
    folder = folder_of(tmp_path / "t", {"t.csv": table, "a.png": png(1), "b.png": png(2)})
    a, b = records(read(folder / "t.csv"))
    expected = {"year": 1999, "weight": 1.0, "zip": "007", "seen": True, "mixed": "1"}
    assert a.attributes == expected
    assert [type(v) for v in a.attributes.values()] == [int, float, str, bool, str]
    assert b.attributes == {"weight": 25.0, "zip": "012", "seen": False, "mixed": "x"}
    assert (a.labels, b.labels) == (("cat",), ("3",))


def test_tsv_and_utf16_and_lists_in_cells(tmp_path: Path) -> None:
    table = 'caption\tlabels\nA, b\t"[""x"", ""y""]"\n[not json\tz\n'
    path = tmp_path / "t.tsv"
    path.write_bytes(table.encode("utf-16"))
    one, two = records(read(path))
    assert (one.captions, one.labels) == (("A, b",), ("x", "y"))
    assert (two.captions, two.labels) == (("[not json",), ("z",))


def test_bad_rows_of_a_csv(tmp_path: Path) -> None:
    table = (
        b'caption,n\ngood,1\ntoo,many,cells\n\xff,2\n"two\nlines",3\n'
        + b"x" * 140_000
        + b",4\nend,"
    )
    path = tmp_path / "t.csv"
    path.write_bytes(table)
    source = read(path)
    assert [(r.name, r.captions[0]) for r in records(source)] == [
        ("t.csv line 2", "good"),
        ("t.csv line 5", "two\nlines"),
        ("t.csv line 8", "end"),
    ]
    assert rejected(source) == {
        "t.csv line 3": "it has 3 cells, the header has 2; quote texts that contain the delimiter",
        "t.csv line 4": "a text in it is not valid UTF-8; save the file as UTF-8",
        "t.csv line 7": "it is not a row of cells (field larger than field limit (131072))",
    }


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (
            ["1294030472427835390", "1294030472427835391"],
            [1294030472427835390, 1294030472427835391],
        ),
        (["-9223372036854775808", "9223372036854775807"], [-(2**63), 2**63 - 1]),
        (["9223372036854775808", "1"], ["9223372036854775808", "1"]),
        (["9" * 5000, "1"], ["9" * 5000, "1"]),
        (["1294030472427835391", "0.5"], ["1294030472427835391", "0.5"]),
        (["123456789012345", "0.5"], [123456789012345.0, 0.5]),
    ],
)
def test_no_digit_of_an_integer_is_lost(
    tmp_path: Path, cells: list[str], values: list[object]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("caption,id\n" + "".join(f"x,{cell}\n" for cell in cells))
    assert [record.attributes["id"] for record in records(read(path))] == values
    rows = [{"caption": "x", "id": value} for value in values]
    path = folder_of(tmp_path, {"t.jsonl": jsonl(*rows)}) / "t.jsonl"
    assert [record.attributes["id"] for record in records(read(path))] == values


@pytest.mark.parametrize(
    ("table", "captions", "noted"),
    [
        ('a.png,"one\nb.png,two\n', ['"one', "two"], "line 2"),
        ('a.png,"one\nb.png,two "x"\n', ["one", 'two "x"'], "line 2"),
        ('a.png,"one\nb.png,ends "x"\n', ["one", 'ends "x"'], "line 2"),
        ('a.png,"one\nb.png,"two\n', ["one", "two"], "2 lines (2, 3)"),
        ('a.png,"one\nlast, line"\nb.png,two\n', ["one\nlast, line", "two"], ""),
        ('a.png,"say ""hi"" "\nb.png,"x, y"\n', ['say "hi"', "x, y"], ""),
        ('a.png,"one\nb.png,closed here"\n', ["one", 'closed here"'], "line 2"),
    ],
)
def test_a_quote_that_is_not_closed_spoils_no_other_row(
    tmp_path: Path, table: str, captions: list[str], noted: str
) -> None:
    files = {"t.csv": "image,caption\n" + table, "a.png": png(1), "b.png": png(2)}
    source = read(folder_of(tmp_path / "t", files))
    assert [r.captions[0].strip('"') for r in records(source)] == [c.strip('"') for c in captions]
    assert [note for note in notes(source) if "quote" in note] == (
        [f"t.csv {noted}: a quote that is not closed was read as text."] if noted else []
    )


def test_lists_as_pandas_and_numpy_print_them(tmp_path: Path) -> None:
    table = (
        'caption,label\n"[\'a dog\', ""it\'s""]","[\'x\', \'y\']"\n'
        "\"['a cat'\n 'the end']\",[1]\n[noise] off,z\n"
    )
    path = tmp_path / "t.csv"
    path.write_text(table)
    assert [(r.captions, r.labels) for r in records(read(path))] == [
        (("a dog", "it's"), ("x", "y")),
        (("a cat", "the end"), ("[1]",)),
        (("[noise] off",), ("z",)),
    ]


def test_flickr30k_with_pipes_quotes_and_its_line_without_a_separator(tmp_path: Path) -> None:
    table = (
        "image_name| comment_number| comment\n"
        '1.png| 0| A "shaggy" dog , in green .\n'
        "1.png| 4   A dog runs across the grass .\n"  # as in the published file
        '2.png| 0| "Hello | there\n'
    )
    files = {
        "results.csv": table,
        "flickr30k_images/1.png": png(1),
        "flickr30k_images/2.png": png(2),
    }
    source = read(folder_of(tmp_path / "f", files))
    assert source.reading.form == "flickr30k"
    assert [r.captions for r in records(source)] == [
        ('A "shaggy" dog , in green .', "A dog runs across the grass ."),
        ('"Hello | there',),
    ]
    assert rejected(source) == {}


def test_flickr8k_as_published(tmp_path: Path) -> None:
    files = {
        "Flicker8k_Dataset/1.jpg": png(1),
        "Flickr8k_text/Flickr8k.token.txt": "1.jpg#0\tA dog .\n1.jpg#1\tA cat .\n",
        "Flickr8k_text/Flickr8k.lemma.token.txt": "1.jpg#0\ta dog be .\n",
        "Flickr8k_text/Flickr_8k.trainImages.txt": "1.jpg\n",
        "Flickr8k_text/CrowdFlowerAnnotations.txt": "1.jpg\t1.jpg#2\t1\t0\t3\n",
    }
    folder = folder_of(tmp_path / "f", files)
    for source in (read(folder), read(folder / "Flickr8k_text" / "Flickr8k.token.txt")):
        assert source.reading.form == "flickr8k"
        found = [(r.name, r.captions) for r in records(source)]
        assert found == [("Flicker8k_Dataset/1.jpg", ("A dog .", "A cat ."))]


def test_open_clip_pandas_excel_and_no_header(tmp_path: Path) -> None:
    for name, table, form in (
        ("clip", "filepath\ttitle\na.png\tA, dog\n", "open-clip"),
        ("pandas", ',image,description\n0,a.png,"A, dog"\n', "csv"),
        ("excel", "sep=;\nimage;caption\na.png;A, dog\n", "csv"),
        ("bare", 'a.png,"A, dog"\n', "csv"),
    ):
        source = read(folder_of(tmp_path / name, {"t.csv": table, "a.png": png(1)}))
        found = [(r.captions, r.attributes) for r in records(source)]
        assert (source.reading.form, found) == (form, [(("A, dog",), {})]), name
    bare = read(tmp_path / "bare")
    assert notes(bare) == ["t.csv has no header; its columns were read as image, caption."]


def test_columns_and_separator_as_asked(tmp_path: Path) -> None:
    table = "file|caption|alt|kind\na.png|x|One|dog\n"
    folder = folder_of(tmp_path / "t", {"t.csv": table, "a.png": png(1)})
    plain = read(folder)
    assert Aside("alt", "another column is the caption", "--caption-column alt") in (
        plain.reading.left_aside
    )
    options = ReadOptions("csv", "file", "alt,caption", "kind", separator="|")
    for source in (read(folder, None, options), read(folder / "t.csv", None, options)):
        assert [(r.captions, r.labels, r.attributes) for r in records(source)] == [
            (("x", "One"), ("dog",), {})
        ]
        roles = {"file": "image", "caption": "caption", "alt": "caption", "kind": "label"}
        assert source.reading.columns == roles


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ReadOptions(caption_column="nope"),
            r"it has no column 'nope' \(columns: image",
        ),
        (ReadOptions(separator="ab"), "separator is ab; allowed: one character, or comma, tab"),
        (ReadOptions(form="cvs"), "No form is called 'cvs'. Did you mean 'csv'?"),
        (ReadOptions(form="coco"), "it has no table to which the options"),
    ],
)
def test_options_that_do_not_apply(tmp_path: Path, options: ReadOptions, sentence: str) -> None:
    folder = folder_of(tmp_path / "t", {"t.csv": "image,caption\na.png,x\n", "a.png": png(1)})
    with pytest.raises(InputError, match=sentence):
        read(folder, None, options)


@pytest.mark.parametrize(
    ("table", "captions"),
    [
        # An inch sign before a line end closes the quote of a row far above.
        ('id,caption\n1,"one\n2,two\n3,a pipe of 12"\n4,four\n', ["one", "two", 'a pipe of 12"']),
        # Texts over several lines, even with numbers, commas and images in them.
        ('id,caption\n1,"one\n2, two"\n3,three\n', ["one\n2, two", "three"]),
        ('caption,image\n"one\ntwo",a.png\n"three",b.png\n', ["one\ntwo", "three"]),
    ],
)
def test_cells_over_several_lines(tmp_path: Path, table: str, captions: list[str]) -> None:
    files = {"t.csv": table, "a.png": png(1), "b.png": png(2)}
    found = [r.captions[0] for r in records(read(folder_of(tmp_path / "t", files))) if r.captions]
    assert found[: len(captions)] == captions
