"""Images are decoded upright, in RGB and in full, or not at all."""

import io
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from core.errors import UnreadableFile
from core.ingest.images import decode, overlay, thumbnail
from tests.fixtures.files import (
    encoded,
    half,
    png,
    png_16,
    png_bomb,
    png_chunk,
    ramp,
    tiff_of,
)

FORMS = ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM"]


def distance(image: Image.Image, expected: Image.Image) -> float:
    """Mean absolute difference of pixels, 0 to 255."""
    assert (image.mode, image.size) == ("RGB", expected.size)
    return float(np.abs(np.asarray(image, float) - np.asarray(expected, float)).mean())


@pytest.mark.parametrize("form", FORMS)
def test_every_format_comes_out_as_it_went_in(form: str) -> None:
    assert distance(decode(encoded(ramp(), form), "a"), ramp()) < 5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_half_a_file_is_rejected_with_its_name(form: str) -> None:
    with pytest.raises(UnreadableFile, match=r"^half\.x: the image is truncated or damaged"):
        decode(half(encoded(ramp(320, 240), form)), "half.x")


def test_a_tile_counts_in_full_also_where_it_reaches_beyond_the_image() -> None:
    data = tiff_of(np.zeros((16, 16, 3), np.uint8), photometric=2, tile=20_000)
    with pytest.raises(UnreadableFile, match=r"takes 1\.2 GB; allowed: 1\.0 GB\. .*--memory 2"):
        decode(data, "tile.tif")


def test_a_jpeg_may_not_repeat_its_scans_without_end() -> None:
    file = io.BytesIO()
    Image.new("L", (4_000, 4_000), 128).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    assert decode(data[:last] + scan * 30 + data[-2:], "a").size == (4_000, 4_000)
    with pytest.raises(UnreadableFile, match=r"it has 2,005 scans; allowed for its size: 500\."):
        decode(data[:last] + scan * 2_000 + data[-2:], "scans.jpg")
    preview = data[:2] + b"\xff\xe1\xff\xff" + b"\xff\xda" * 32_766 + b"\0" + data[2:]
    assert decode(preview + b"\xff\xda" * 1_000, "a").size == (4_000, 4_000)


def test_files_that_are_no_image_are_rejected_with_the_reason() -> None:
    for data, reason in (
        (b"", r"the file is empty \(0 bytes\)"),
        (b"this is a text\n" * 9, r"not an image in a supported format \(JPEG, PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing or XML"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "HEIC images are not supported"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image in a supported"),
    ):
        with pytest.raises(UnreadableFile, match=f"^a.png: .*{reason}"):
            decode(data, "a.png")


def test_a_bomb_is_rejected_before_it_is_decoded() -> None:
    data = png_bomb()
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(UnreadableFile, match="30000 x 30000 pixels; allowed: 110 million"):
        decode(data, "bomb.png")
    assert time.perf_counter() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(orientation: int, form: str) -> None:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # how a camera held that way stores an upright scene
    stored = ramp().transpose(turn[orientation]) if orientation > 1 else ramp()
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert distance(decode(encoded(stored, form, exif=exif.tobytes()), "a"), ramp()) < 3


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_is_no_reason_to_reject_an_image() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(200))
    assert distance(decode(encoded(ramp(), "JPEG", exif=exif), "a"), ramp()) < 3


def test_cmyk_is_not_inverted() -> None:
    assert distance(decode(encoded(ramp().convert("CMYK"), "JPEG"), "a"), ramp()) < 3
    assert distance(decode(encoded(ramp().convert("CMYK"), "TIFF"), "a"), ramp()) < 3


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    values = np.linspace(0, 65535, 32 * 48).reshape(32, 48)
    gray = Image.fromarray((values / 257).round().astype(np.uint8)).convert("RGB")
    wide = values.astype(np.uint16)
    for data in (
        encoded(Image.fromarray(wide), "PNG"),
        encoded(Image.fromarray(wide), "TIFF"),
        encoded(Image.fromarray(wide), "PPM"),
        encoded(Image.fromarray(wide.astype(np.int32)), "TIFF"),
        encoded(Image.fromarray((values / 65535).astype(np.float32)), "TIFF"),
        encoded(Image.fromarray((values * 7 - 99).astype(np.float32)), "TIFF"),  # stretched
    ):
        assert distance(decode(data, "a"), gray) < 0.6


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colors_of_fewer_than_sixteen_bits_in_sixteen(bits: int, channels: int) -> None:
    source = ramp().convert("L").convert("RGB") if channels == 2 else ramp()
    values = np.asarray(source).astype(np.uint16)[..., : 1 if channels == 2 else 3]
    deep = values * 257 if bits == 16 else values << (bits - 8)
    opaque = np.full((*deep.shape[:2], 1), 2**bits - 1, np.uint16)
    deep = deep if channels == 3 else np.concatenate([deep, opaque], 2)
    files = [png_16(deep)]
    if channels == 3:
        files += [tiff_of(deep, o, photometric=2, planes=p) for o in "<>" for p in (1, 2)]
    for data in files:
        image = decode(data, "a")
        assert distance(image, source) < 1.5
        assert image.info == (
            {}
            if bits == 16
            else {"note": f"colors of {bits} bits in a wider type, scaled to that range"}
        )


def test_transparency_of_all_sixteen_bits_stays() -> None:
    deep = np.zeros((4, 8, 4), np.uint16)
    deep[:, :4] = 1000, 1000, 1000, 65535
    assert np.asarray(decode(png_16(deep), "a"))[0, :, 0].tolist() == [249] * 4 + [255] * 4


@pytest.mark.parametrize(
    ("orders", "values", "photometric"),
    [
        ("<>", np.linspace(0, 65535, 96).astype(np.uint16), 1),
        ("<", np.linspace(65535, 0, 96).astype(np.uint16), 0),
        ("<", np.linspace(4095, 0, 96).astype(np.uint16), 0),
        ("<>", np.linspace(-9000, 16500, 96).astype(np.int16), 1),
        ("<>", np.linspace(-128, 127, 96).round().astype(np.int8), 1),
        ("<>", np.linspace(-(10**9), 10**9, 96).astype(np.int32), 1),
        ("<", np.linspace(0, 2**32 - 1, 96).astype(np.uint32), 1),
        ("<>", np.linspace(-3e38, 3e38, 96).astype(np.float32), 1),
        ("<>", np.linspace(0, 1, 96).astype(np.float32), 1),
    ],
)
def test_gray_tiff_of_every_type(orders: str, values: np.ndarray, photometric: int) -> None:
    expected = np.linspace(0, 255, 96).reshape(8, 12)
    for order in orders:
        image = decode(tiff_of(values.reshape(8, 12), order, photometric=photometric), "a")
        assert np.abs(np.asarray(image)[..., 0] - expected).max() <= 1.5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tiff_of(np.ones((4, 4), np.float64)), "kind of pixels .* is not supported"),
        (tiff_of(np.ones((4, 4), np.uint64)), "kind of pixels .* is not supported"),
        (tiff_of(np.ones((4, 4, 3), np.float32), photometric=2), "kind of pixels .* not supported"),
        (tiff_of(np.ones((4, 4, 6), np.uint8)), "kind of pixels .* is not supported"),
        (encoded(ramp(), "JPEG").replace(b"\xc0\0\x11\x08", b"\xc0\0\x11\x0c"), "more than 8"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "not an image in a supported format"),
    ],
)  # fmt: skip
def test_the_true_reason_is_given(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=f"^a: .*{reason}"):
        decode(data, "a")


def test_damaged_pixels_of_a_png_are_not_passed_over() -> None:
    data = bytearray(png_16(np.asarray(ramp()).astype(np.uint16) * 257))
    start = data.index(b"IDAT") + 4
    data[start + 900] ^= 255
    with pytest.raises(UnreadableFile, match="damaged"):
        decode(bytes(data), "a")


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"tEXt", b"a\0b")[:-1] + b"!",
        png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000))),
        png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(5_000_000))),
        png_chunk(b"iTXt", b"a\0\1\0\0\0damaged"),
    ],
)
def test_metadata_of_a_png_is_no_reason_to_reject_it(chunk: bytes) -> None:
    head, data = 8 + 25, png()
    assert distance(decode(data[:head] + chunk + data[head:], "a"), ramp()) == 0


def test_pixels_that_are_not_numbers_are_rejected() -> None:
    hole = np.full((4, 4), np.nan, np.float32)
    with pytest.raises(UnreadableFile, match="not numbers"):
        decode(encoded(Image.fromarray(hole), "TIFF"), "a.tif")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "L", "1"])
def test_transparent_parts_are_white(mode: str) -> None:
    black = Image.new("RGBA", (8, 4), (0, 0, 0, 255))
    black.paste((0, 0, 0, 0), (0, 0, 4, 4))
    if mode in ("RGBA", "LA"):
        data = encoded(black.convert(mode), "PNG")
    elif mode == "P":
        palette = Image.new("P", (8, 4), 1)
        palette.putpalette([0, 0, 0, 0, 0, 0])
        palette.paste(0, (0, 0, 4, 4))
        data = encoded(palette, "PNG", transparency=0)
    else:  # one color of the image is declared transparent
        flat = Image.new("RGB", (8, 4), (0, 0, 0))
        flat.paste((255, 0, 0) if mode == "RGB" else (255, 255, 255), (0, 0, 4, 4))
        key = {"RGB": (255, 0, 0), "L": 255, "1": 255}[mode]
        data = encoded(flat.convert(mode), "PNG", transparency=key)
    pixels = np.asarray(decode(data, "a"))
    assert (pixels[:, :4] == 255).all() and (pixels[:, 4:] == 0).all()


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "YCbCr", "RGBA"])
def test_other_color_modes(mode: str) -> None:
    image = ramp().convert(mode)
    form = "JPEG" if mode == "YCbCr" else "PNG"
    assert distance(decode(encoded(image, form), "a"), image.convert("RGB")) < 3


def test_lab_colors() -> None:
    to_lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(ramp(), *to_lab, outputMode="LAB")
    assert distance(decode(encoded(lab, "TIFF"), "a.tif"), ramp()) < 5


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(form: str) -> None:
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "blue", "lime")]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    assert distance(decode(data, "a"), frames[0]) < 3


def test_a_large_jpeg_may_come_out_smaller_but_never_too_small() -> None:
    data = encoded(ramp(1600, 1200), "JPEG", quality=95)
    assert decode(data, "a").size == (1600, 1200)
    small = decode(data, "a", at_least=300)
    assert small.size == (400, 300)
    assert distance(small, ramp(1600, 1200).resize((400, 300), Image.Resampling.BOX)) < 2
    assert decode(data, "a", at_least=1201).size == (1600, 1200)


def test_threads_decode_as_one_does() -> None:
    files = [encoded(ramp(200, 100, seed), form) for seed, form in enumerate(FORMS * 6)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: decode(data, "a").tobytes(), files))
    assert together == [decode(data, "a").tobytes() for data in files]


@settings(max_examples=150)
@given(
    form=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"]),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_damage_gives_an_image_or_a_message(form: str, edits: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(ramp(), form))
    for at, value in edits:
        data[at % len(data)] = value
    try:
        image = decode(bytes(data), "hurt.x")
    except UnreadableFile as error:
        assert str(error).startswith("hurt.x: ") and str(error).endswith(".")
    else:
        assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((800, 600), (320, 240)),
        ((600, 800), (240, 320)),
        ((40, 30), (40, 30)),
        ((9000, 2), (320, 1)),
    ],
)
def test_a_thumbnail_is_small_and_resembles_its_image(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = ramp(*size)
    with Image.open(io.BytesIO(thumbnail(image))) as small:
        assert (small.format, small.size) == ("WEBP", expected)
        assert distance(small.convert("RGB"), image.resize(expected)) < 4
    assert image.size == size  # the image itself is unchanged


def test_decoding_is_repeatable() -> None:
    assert thumbnail(decode(png(), "a")) == thumbnail(decode(png(), "a"))


@pytest.mark.parametrize(
    ("view", "strength", "colored", "clear"),
    [("whole", 1, (4,), (76,)), ("center", 1, (22,), (4, 76)), ("whole", 0, (), (4, 76))],
)
def test_an_overlay_colors_where_the_values_are_high(
    view: str, strength: float, colored: tuple[int, ...], clear: tuple[int, ...]
) -> None:
    data, heat = encoded(Image.new("RGB", (80, 40), "white")), np.array([[1, 0]], np.float32)
    file = overlay(data, heat, (0.0, 1.0), view=view, strength=strength)
    green = np.asarray(Image.open(io.BytesIO(file)))[20, :, 1]
    assert all(green[x] < 120 for x in colored) and all(green[x] > 240 for x in clear)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_marker_is_whole_only_with_its_last_rows(progressive: bool) -> None:
    data = encoded(ramp(320, 240), "JPEG", progressive=progressive)
    for end in (1, 2):
        assert decode(data[:-end], "a").tobytes() == decode(data, "a").tobytes()
    for missing in (8, 40):
        with pytest.raises(UnreadableFile, match="truncated"):
            decode(data[:-missing], "a")


@pytest.mark.parametrize("at_least", [0, 40])
def test_rows_that_a_jpeg_lacks_before_its_end_marker(at_least: int) -> None:
    data = encoded(ramp(320, 240), "JPEG", quality=95)
    with pytest.raises(UnreadableFile, match="not all of its rows"):
        decode(half(data) + data[-2:], "a", at_least=at_least)
    gray = Image.new("RGB", (320, 240), (128, 128, 128))
    assert distance(decode(encoded(gray, "JPEG"), "a"), gray) == 0


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_fewer_bits_in_a_wider_type_are_scaled_and_noted(bits: int) -> None:
    gray = ramp().convert("L")
    values = np.asarray(gray).astype(np.uint16) << (bits - 8)
    image = decode(encoded(Image.fromarray(values), "PNG"), "a")
    assert distance(image, gray.convert("RGB")) < 1.5
    assert f"{bits} bits" in image.info["note"]
    full = (np.asarray(gray).astype(np.uint16) << 8) + 255
    assert "note" not in decode(encoded(Image.fromarray(full), "PNG"), "a").info


def _profile(*, swapped: bool) -> bytes:
    """An ICC profile of RGB whose red primary is, if swapped, sRGB's blue, and the other way."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    names = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"} if swapped else {}
    table = profile[: 128 + 4 + 12 * int.from_bytes(profile[128:132], "big")]
    for at in range(132, len(table), 12):
        table = table[:at] + names.get(table[at : at + 4], table[at : at + 4]) + table[at + 4 :]
    return (table + profile[len(table) :]).replace(b"s\0R\0G\0B", b"t\0e\0s\0t")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("swapped", "expected"), [(True, (0, 0, 254)), (False, (254, 0, 0))])
def test_colors_of_a_profile_become_srgb(form, swapped, expected):
    file = io.BytesIO()
    red = Image.new("RGB", (32, 32), (254, 0, 0))
    red.save(file, form, icc_profile=_profile(swapped=swapped), **_LOSSLESS.get(form, {}))
    color = decode(file.getvalue(), "red").getpixel((16, 16))
    assert np.abs(np.subtract(color, expected)).max() <= 4


_LOSSLESS = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}


def test_a_gray_image_may_bear_a_color_profile():
    gray = Image.new("L", (8, 8), 100)
    image = decode(encoded(gray, "JPEG", icc_profile=_profile(swapped=False)), "gray.jpg")
    assert np.abs(np.subtract(image.getpixel((4, 4)), 100)).max() <= 2 and image.info == {}


def test_a_damaged_profile_is_ignored_and_noted():
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG", icc_profile=b"not a profile")
    image = decode(file.getvalue(), "red.png")
    assert image.getpixel((4, 4)) == (255, 0, 0)
    assert "color profile" in image.info["note"]
