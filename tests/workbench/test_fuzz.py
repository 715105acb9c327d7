"""Random and broken input: every one gives a result or a sentence, never another error."""

import random
import string

import pytest

from core.errors import SextantError
from core.ingest import ReadOptions
from core.workbench import Workbench
from tests.fixtures.screens import build

pytestmark = pytest.mark.hardening

PIECES = (
    '"a beach"', "item:", "img:", "txt:", "+", "-", "*", "0.5", "1e400", "nan", "(", ")", '"', "'",
    "label=", "size>", "<=", "!=", "in", "..", "1..2", "warm=true", "tag:", "kind=image", "~",
    "\\", "\0", "\ud800", "\x1b[2J", "\u202e", "é", "漢", "🚀", " ", ",", ";", "NULL", "%s", "{}",
    "' OR 1=1 --", "../..", "~nosuchuser/x", "9" * 30, "a" * 400, "\n", "\t", "file:///etc/passwd",
    "<script>",
)  # fmt: skip
FILES = {
    "a.csv": b'image,caption,label\na.png,"a red square",x\nb.png,blue,y\n',
    "a.tsv": b"caption\tn\nred\t1\nblue\t2\n",
    "a.json": b'{"images": [{"id": 1, "file_name": "a.png"}], "annotations": '
    b'[{"image_id": 1, "caption": "red"}]}',
    "a.jsonl": b'{"caption": "red", "size": 3}\n{"caption": "blue", "labels": ["x"]}\n',
    "a.txt": b"red\nblue\n",
    "a.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    + b" " * 56 + b"\n" + bytes(24),
    "a.zip": b"PK\x03\x04\x14\0\0\0\0\0\0\0!\0\0\0\0\0\x03\0\0\0\x03\0\0\0\x05\0\0\0a.txtred"
    b"PK\x05\x06" + bytes(18),
    "a.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0" + bytes(20),
    "a.parquet": b"PAR1" + bytes(40) + b"PAR1",
}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Workbench(build(tmp_path_factory.mktemp("fuzz")))


def text(pick):
    """Pieces of the query language and of what breaks it, in any order."""
    pieces = pick.choices(PIECES, k=pick.randint(1, 9))
    return pick.choice(("", " ")).join(pieces) + pick.choice(string.printable)


def changed(data, pick):
    """A file with some bytes replaced, removed, repeated or inserted."""
    data = bytearray(data)
    for _ in range(pick.randint(1, 6)):
        at = pick.randrange(len(data) + 1)
        end = min(len(data), at + pick.randint(0, 12))
        data[at:end] = pick.choice(
            (b"", pick.randbytes(3), bytes(data[at:end]) * 3, text(pick).encode("utf-8", "replace"))
        )
    return bytes(data)


def use(bench, opened, folder, pick):
    """One input in one place."""
    kind = pick.randrange(10)
    if kind < 4:
        bench.parse_query(opened, text(pick))
    elif kind < 8:
        bench.parse_filters(opened, text(pick))
    elif kind < 9:
        bench.preview(text(pick), name="c", root=folder, options=ReadOptions())
    else:
        name = pick.choice(list(FILES))
        (folder / name).write_bytes(changed(FILES[name], pick))
        bench.preview(folder / name, name="c", root=folder, options=ReadOptions())


@pytest.mark.filterwarnings("ignore:Reading `.npy`:UserWarning")  # of files of Python 2
@pytest.mark.parametrize("n", [1_500, pytest.param(100_000, marks=pytest.mark.slow)])
def test_every_input_gives_a_result_or_a_sentence(bench, tmp_path, n, record_property):
    record_property("cases", n)
    opened, sentences = bench.open("colours"), 0
    for seed in range(n):
        pick = random.Random(seed)
        try:
            use(bench, opened, tmp_path, pick)
        except SextantError as problem:
            sentences += 1
            assert str(problem).encode(), seed
        except Exception as bug:
            raise AssertionError(f"seed {seed}: {bug!r}") from bug
    assert 0.1 * n < sentences < n
