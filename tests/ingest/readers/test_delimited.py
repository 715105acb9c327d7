"""CSV and TSV: typed columns, and every bad row by line."""

from pathlib import Path

import pytest

from core.ingest.readers.detect import read
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
        "t.csv line 4": "a text in it is not valid UTF-8",
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
