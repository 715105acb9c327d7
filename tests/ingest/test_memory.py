"""Small files that decode to gigabytes: what reading them costs in memory and time."""

import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import repeat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.errors import UnreadableFile
from core.ingest.budget import hold, total
from core.ingest.images import decode

pytestmark = pytest.mark.hardening

MB = 1_000_000
SIDE = 9_999
MOST_BYTES, MOST_SECONDS = 1500 * MB, 20.0


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(side: int, depth: int, color: int, bytes_per_pixel: float) -> bytes:
    squeeze = zlib.compressobj(9)
    row = b"\0" + b"\x01" * int(side * bytes_per_pixel)
    body = b"".join(map(squeeze.compress, repeat(row, side))) + squeeze.flush()
    head = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def webp_headers(folder: Path) -> Path:
    """VP8L headers of 9999 x 9999 without any pixels."""
    size = (SIDE - 1) | (SIDE - 1) << 14
    body = b"VP8L" + struct.pack("<IBI", 14, 0x2F, size) + bytes(9)
    data = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    return packed(folder / "a.zip", {f"{i}.webp": data + bytes([i]) for i in range(8)})


def float_tiffs(folder: Path) -> Path:
    file = BytesIO()
    Image.new("F", (SIDE, SIDE)).save(file, "TIFF", compression="tiff_adobe_deflate")
    return packed(folder / "a.zip", {f"{i}.tif": file.getvalue() + bytes([i]) for i in range(4)})


def wide_pngs(folder: Path) -> Path:
    data = png(SIDE, 16, 2, 6)
    return packed(folder / "a.zip", {f"{i}.png": data + bytes([i]) for i in range(2)})


def clear_pngs(folder: Path) -> Path:
    data = png(SIDE, 8, 6, 4)
    return packed(folder / "a.zip", {f"{i}.png": data + bytes([i]) for i in range(3)})


def black_pages(folder: Path) -> Path:
    """Sixty pages of 108 megapixels in black and white, 270 bytes each."""
    data = png(10_400, 1, 0, 1 / 8)
    return packed(folder / "a.zip", {f"{i}.png": data + bytes([i]) for i in range(60)})


def captions_in_parquet(folder: Path) -> Path:
    """One caption five million times, which a dictionary stores once."""
    rows = pa.array(np.zeros(5_000_000, np.int32))
    column = pa.DictionaryArray.from_arrays(rows, pa.array(["a red square " * 700]))
    pq.write_table(pa.table({"caption": column}), folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


def long_value_in_parquet(folder: Path) -> Path:
    """One text of 150 kB in each of 16,384 rows."""
    rows = pa.array(np.zeros(16_384, np.int32))
    note = pa.DictionaryArray.from_arrays(rows, pa.array(["x" * 150_000]))
    table = pa.table({"caption": [f"red {i}" for i in range(16_384)], "note": note})
    pq.write_table(table, folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


def texts_of_one_row(folder: Path) -> Path:
    """A list of one text of 2,000 characters five million times."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5_000_000, np.int32)), ["y" * 2000])
    notes = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    table = pa.table({"caption": ["red"], "notes": notes})
    pq.write_table(table, folder / "a.parquet", compression="zstd", store_schema=False)
    return folder / "a.parquet"


def texts_as_differences(folder: Path) -> Path:
    """A list of 100,000 texts of 20,000 characters, of each of which only the end is stored."""
    texts = pa.array([["y" * 20_000] * 100_000])
    pq.write_table(
        pa.table({"captions": texts}),
        folder / "a.parquet",
        compression="zstd",
        use_dictionary=False,
        column_encoding={"captions.list.element": "DELTA_BYTE_ARRAY"},
    )
    return folder / "a.parquet"


def numbers_of_one_row(folder: Path) -> Path:
    """A list of a hundred million zeros."""
    numbers = pa.array(np.zeros(100_000_000, np.int8))
    lists = pa.ListArray.from_arrays(pa.array([0, len(numbers)], pa.int32()), numbers)
    table = pa.table({"caption": ["red"], "v": lists})
    pq.write_table(table, folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


def images_in_parquet(folder: Path) -> Path:
    """One image of 4 MB in each of 4,000 rows."""
    rows = pa.array(np.zeros(4_000, np.int32))
    value = png(16, 8, 2, 3) + bytes(4 * MB)
    image = pa.DictionaryArray.from_arrays(rows, pa.array([value], pa.binary()))
    pq.write_table(pa.table({"image": image}), folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


def nothing_in_parquet(folder: Path) -> Path:
    """Twenty million rows of nothing."""
    table = pa.table({"caption": pa.nulls(20_000_000, pa.string())})
    pq.write_table(table, folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


def vectors_in_parquet(folder: Path) -> Path:
    """A million vectors of one number each, repeated 512 times."""
    n = 1_000_000
    numbers = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(512 * n, np.float16)), 512)
    table = pa.table({"vector": numbers, "text": pa.array(["a"]).take(np.zeros(n, np.int64))})
    pq.write_table(table, folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


def member(folder: Path, name: str, head: bytes, row: bytes, size: int) -> Path:
    with (
        zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as file,
        file.open(name, "w") as out,
    ):
        out.write(head)
        filler = os.urandom(6000).hex().encode()
        for at in range(size // MB):
            out.write((row + filler + b"\n") + row * ((MB - len(filler)) // len(row)))
            assert at < size
    return folder / "a.zip"


def large_csv(folder: Path) -> Path:
    return member(folder, "a.csv", b"caption\n", b"a red square\n", 700 * MB)


def large_json_lines(folder: Path) -> Path:
    return member(folder, "a.jsonl", b"", b'{"caption": "a red square"}\n', 700 * MB)


def large_image(folder: Path) -> Path:
    return member(folder, "a.png", png(16, 8, 2, 3), bytes(1000), 900 * MB)


def large_tar(folder: Path) -> Path:
    with tarfile.open(folder / "a.tar.gz", "w:gz") as file:
        row = b'{"caption": "a red square", "n": "%s"}\n'
        filler = os.urandom(4000).hex().encode()
        data = (row % filler + row * 30_000) * 500
        info = tarfile.TarInfo("a.jsonl")
        info.size = len(data)
        file.addfile(info, BytesIO(data))
    return folder / "a.tar.gz"


def short_rows(folder: Path) -> Path:
    return packed(folder / "a.zip", {"a.csv": b"caption\n" + b"x\n" * 4_990_000})


def empty_lists(folder: Path) -> Path:
    return packed(folder / "a.zip", {"a.json": b'{"images":[' + b"[]," * 3_300_000 + b"[]]}"})


def empty_objects(folder: Path) -> Path:
    return packed(folder / "a.zip", {"a.json": b"[" + b"{}," * 3_300_000 + b"{}]"})


def empty_lines(folder: Path) -> Path:
    return packed(folder / "a.zip", {"a.jsonl": b"{}\n" * 3_300_000})


def many_captions(folder: Path) -> Path:
    data = b'[{"caption":[' + b'"a",' * 2_490_000 + b'"a"]}]'
    return packed(folder / "a.zip", {"a.json": data})


def short_rows_in_tar(folder: Path) -> Path:
    with tarfile.open(folder / "a.tar.gz", "w:gz") as file:
        info, data = tarfile.TarInfo("a.csv"), b"caption\n" + b"x\n" * 4_900_000
        info.size = len(data)
        file.addfile(info, BytesIO(data))
    return folder / "a.tar.gz"


def wide_csv(folder: Path) -> Path:
    """A header of 50,000 columns, and 20,000 rows of one cell."""
    header = ",".join(["caption", *(f"c{i}" for i in range(50_000))])
    (folder / "a.csv").write_text(f"{header}\n" + "red\n" * 20_000)
    return folder / "a.csv"


def many_columns(folder: Path) -> Path:
    columns = {"caption": ["red"], **{f"c{at}": ["x"] for at in range(20_000)}}
    pq.write_table(pa.table(columns), folder / "a.parquet")
    return folder / "a.parquet"


def numbers_in_npz(folder: Path) -> Path:
    with (
        zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as file,
        file.open("vectors.npy", "w", force_zip64=True) as out,
    ):
        shape = {"descr": "<f4", "fortran_order": False, "shape": (500_000, 512)}
        np.lib.format.write_array_header_1_0(out, shape)
        for _ in range(1024):
            out.write(bytes(MB))
    return folder / "a.npz"


def nested_json(folder: Path) -> Path:
    (folder / "a.json").write_text('{"images": ' + "[" * 200_000)
    return folder / "a.json"


QUICK = (
    webp_headers, captions_in_parquet, long_value_in_parquet, images_in_parquet, nothing_in_parquet,
    texts_of_one_row, short_rows, empty_lists, wide_csv, nested_json,
)  # fmt: skip
BOMBS = (
    many_captions, short_rows_in_tar, many_columns, black_pages, texts_as_differences,
    numbers_of_one_row, float_tiffs, wide_pngs, clear_pngs, vectors_in_parquet, empty_objects,
    empty_lines, large_csv, large_json_lines, large_image, large_tar, numbers_in_npz,
)  # fmt: skip

READER = """
import json, sys
from pathlib import Path
from time import process_time
from core.errors import SextantError
from core.workbench import Workbench

for at, path in enumerate(json.loads(sys.argv[2])):
    Path("/proc/self/clear_refs").write_text("5")
    bench, began = Workbench(Path(sys.argv[1]) / str(at)), process_time()
    try:
        report = bench.ingest("c", path, encoder="toy").to_dict()
        said = [one["reason"] for one in report["refused"]][:3] + report["notes"]
        said += [f"added: {n} of kind {kind}" for kind, n in report["added"].items() if n]
    except SextantError as error:
        said = [str(error)]
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    peak = int(status["VmHWM"].split()[0]) * 1024
    print(json.dumps([path, peak, process_time() - began, said]), flush=True)
"""


def read_all(folder: Path, paths: Iterable[Path]) -> list[tuple[str, int, float, list[str]]]:
    """Path, peak of memory in bytes, seconds and what was said, of one process after another."""
    arguments = [sys.executable, "-c", READER, str(folder), json.dumps([str(p) for p in paths])]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def built(folder: Path, makes: Iterable[Callable[[Path], Path]]) -> Iterable[Path]:
    for make in makes:
        place = folder / make.__name__
        place.mkdir()
        yield make(place)


@pytest.mark.parametrize("bombs", [QUICK, pytest.param(BOMBS, marks=pytest.mark.slow)])
def test_no_bomb_takes_gigabytes_or_half_a_minute(tmp_path, bombs, record_property):
    record_property("cases", len(bombs))
    for path, peak, seconds, said in read_all(tmp_path / "homes", built(tmp_path, bombs)):
        assert peak < MOST_BYTES and seconds < MOST_SECONDS, (path, peak, seconds, said)
        assert said, path


def test_a_photograph_of_100_megapixels_goes_in_at_half_its_size():
    file = BytesIO()
    Image.new("RGB", (11_648, 8_736), "teal").save(file, "JPEG", quality=90, progressive=True)
    assert decode(file.getvalue(), "gfx.jpg").size == (5_824, 4_368)


DECODER = """
import json, sys
from pathlib import Path
from core.ingest.images import decode

for path in json.loads(sys.argv[1]):
    data = Path(path).read_bytes()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    Path("/proc/self/clear_refs").write_text("5")
    size = decode(data, path).size
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(json.dumps([path, size, int(status["VmHWM"].split()[0]) * 1024 - before]), flush=True)
"""


@pytest.mark.slow
def test_photographs_of_48_megapixels_go_in_within_the_memory_in_every_format(tmp_path):
    noise = Image.effect_noise((500, 375), 60).resize((8_000, 6_000))
    photo = Image.merge("RGB", (noise, noise, noise))
    paths = [str(tmp_path / f"{form}.{form}") for form in ("webp", "avif", "jp2", "jpg", "png")]
    options = {"avif": {"speed": 10}, "webp": {"method": 0}, "png": {"compress_level": 1}}
    for path in paths:
        photo.save(path, **options.get(path[-3:], options.get(path[-4:], {})))
    arguments = [sys.executable, "-c", DECODER, json.dumps(paths)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        path, size, peak = json.loads(line)
        assert size == [4_000, 3_000] and peak < 1_000 * MB, (path, size, peak)
    assert len(done.stdout.splitlines()) == len(paths)


def test_more_memory_is_allowed_by_its_option(monkeypatch):
    with pytest.raises(UnreadableFile, match=r"takes 1.5 GB; .*--memory 2"):
        hold("a.webp", 1500 * MB).__enter__()
    monkeypatch.setenv("SEXTANT_MEMORY", "2")
    assert total() == 2000 * MB
    with hold("a.webp", 1500 * MB):
        pass
