"""Pixels of more than 8 bits per channel, scaled to 8.

Cameras, scanners and microscopes store 8, 10, 12 or 14 bits in 16 without declaring it; read as 16
bits, such images are almost black. So the range that is declared or used decides, and is noted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageFile

GRAY_WITH_ALPHA = "LA;16B"  # of PNG; Pillow reads it as RGBA
BITS = (8, 10, 12, 14, 16)
# Tags of TIFF.
_BITS, _PHOTOMETRIC, _MAXIMUM, _SAMPLE_FORMAT = 258, 262, 281, 339
_STRIP_HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 278, 322, 323
_SIGNED, _WHITE_IS_ZERO = 2, 0
_STRIP_PIXELS = 2_000_000
_OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}


def has_wide_colors(image: ImageFile.ImageFile) -> bool:
    """Whether an image that is not loaded yet has colors of 16 bits, of which Pillow keeps 8."""
    return image.mode in ("RGB", "RGBA") and any(";16" in _raw(t) for t in image.tile)


def separate_planes(image: ImageFile.ImageFile) -> None:
    """Let Pillow read the channels of a TIFF one after the other as 16 bits; it assumes 8."""
    tags = _tags(image)
    if tags.get(_BITS, (8,))[0] == 16 and all(len(_raw(t)) == 1 for t in image.tile):
        order = ";16L" if tags.prefix == b"II" else ";16B"
        _change_raw(image, lambda raw: raw + order)


def is_dark(image: Image.Image) -> bool:
    """Whether the colors use at most 14 of 16 bits, as seen from the upper 8."""
    counts = np.reshape(image.histogram(), (-1, 256))[: _colors(image)]
    return not counts[:, 64:].any()


def load_lower(image: ImageFile.ImageFile) -> Image.Image:
    """Load the lower 8 of 16 bits, which Pillow leaves out."""
    separate_planes(image)
    gray_with_alpha = any(_raw(t) == GRAY_WITH_ALPHA for t in image.tile)
    _change_raw(image, lambda raw: "RGBA" if gray_with_alpha else raw[:-1] + _OTHER_ORDER[raw[-1]])
    image.load()
    if not gray_with_alpha:
        return image
    for top, strip in strips(image):
        _, gray, _, alpha = strip.split()  # the four bytes of a pixel
        image.paste(Image.merge("RGBA", (gray, gray, gray, alpha)), (0, top))
    return image


def joined(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """An image from the upper and the lower 8 of its 16 bits, scaled to the range of its colors."""
    n = _colors(upper)
    pairs = zip(strips(upper), strips(lower), strict=True)
    tops = [_both(high, low).max(axis=(0, 1)) for (_, high), (_, low) in pairs]
    most = np.max(tops, axis=0)
    highest = int(most[:n].max())
    bits = _bits_of(highest)
    if not highest or bits is None:
        return upper
    scale = np.minimum(np.arange(2**16) * (255 / (2**bits - 1)), 255)
    scale = np.rint(scale).astype(np.uint8)
    for (top, high), (_, low) in zip(strips(upper), strips(lower), strict=True):
        scaled = scale[_both(high, low)]
        if n < len(most) and most[n] >= 2**bits:
            scaled[..., n] = np.asarray(high)[..., n]  # the transparency does use all 16 bits
        upper.paste(Image.fromarray(scaled, upper.mode), (0, top))
    upper.info["note"] = _note("colors", bits)
    return upper


def _both(upper: Image.Image, lower: Image.Image) -> Any:
    """The 16 bits of each channel."""
    return np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)


def strips(image: Image.Image, step: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Full rows of an image, a few megapixels at a time, with the number of the first.

    Args:
        image: what is cut.
        step: the numbers of first rows are its multiples.
    """
    rows = max(_STRIP_PIXELS // image.width // step, 1) * step
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def strip_bytes(image: ImageFile.ImageFile) -> int:
    """What a TIFF decompresses at a time besides the image: a strip or a tile."""
    tags = _tags(image)
    if not tags:
        return 0
    if _TILE_WIDTH in tags:  # a tile is decoded in full, also where it reaches beyond the image
        pixels = tags[_TILE_WIDTH] * tags.get(_TILE_HEIGHT, image.height)
    else:
        pixels = image.width * min(tags.get(_STRIP_HEIGHT, image.height), image.height)
    return int(pixels * sum(tags.get(_BITS, (8,))) // 8)


def is_number(image: Image.Image) -> bool:
    """Whether the pixels are gray values of another type than 0 to 255."""
    return image.mode.startswith(("I", "F")) or (image.mode == "L" and _is_signed(image))


def gray(image: Image.Image) -> Image.Image:
    """Gray values of 16 or 32 bits, signed or with decimals, as gray of 8 bits.

    Floats from 0 to 1 and integers of at most 16 bits have a known white; all other values are
    stretched from their lowest to their highest.

    Raises:
        ValueError: some are not numbers.
    """
    tags, signed = _tags(image), _is_signed(image)
    ends = [
        (values.min(), values.max())
        for _, strip in strips(image)
        if np.isfinite(values := _values(strip, signed)).all()
    ]
    if len(ends) < sum(1 for _ in strips(image)):
        raise ValueError("it has pixels that are not numbers (NaN or infinite)")
    low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
    floats = image.mode.startswith("F")
    black, white, note = _range(low, high, floats, _declared(tags))
    result = Image.new("L", image.size)
    for top, strip in strips(image):
        kind = np.float64 if floats else np.float32
        scaled = np.subtract(_values(strip, signed), black, dtype=kind)
        scaled *= 255 / max(white - black, 1e-300)
        if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            scaled = 255 - scaled
        result.paste(Image.fromarray(np.rint(scaled).astype(np.uint8)), (0, top))
    result.info = {"note": note} if note else {}
    return result


def _values(image: Image.Image, signed: bool) -> Any:
    """The gray values in their own type."""
    values = np.asarray(image)
    if values.dtype == np.int32 and not signed:
        return values.view(np.uint32)
    return values.view(np.int8) if values.dtype == np.uint8 else values


def _range(low: float, high: float, floats: bool, declared: float) -> tuple[float, float, str]:
    """What becomes black and what white, and a note where that is an assumption."""
    if floats and low >= 0 and high <= 1:
        return 0.0, 1.0, ""
    if not floats and low >= 0 and high <= declared:
        return 0.0, declared, ""
    bits = _bits_of(high) if low >= 0 and not floats else None
    if bits is None:
        return low, high, "gray values without a known white, stretched from lowest to highest"
    return 0.0, 2.0**bits - 1, _note("gray values", bits) if bits < 16 and high else ""


def _declared(tags: Any) -> float:
    """The highest value that a TIFF declares, where that is less than its type can hold; else 0."""
    values = [2 ** tags.get(_BITS, (16,))[0] - 1, *tags.get(_MAXIMUM, ())]
    return float(min((v for v in values if 0 < v < 2**16 - 1), default=0))


def _bits_of(highest: float) -> int | None:
    return next((bits for bits in BITS if highest < 2**bits), None)


def _note(what: str, bits: int) -> str:
    return f"{what} of {bits} bits in a wider type, scaled to that range"


def _colors(image: Image.Image) -> int:
    """Number of channels without the transparency."""
    return len(image.getbands()) - image.getbands().count("A")


def _is_signed(image: Image.Image) -> bool:
    return bool(_tags(image).get(_SAMPLE_FORMAT, (0,))[0] == _SIGNED)


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})


def _raw(tile: Any) -> str:
    """How Pillow's decoder unpacks a tile."""
    return tile.args if isinstance(tile.args, str) else str(tile.args[0])


def _change_raw(image: ImageFile.ImageFile, change: Callable[[str], str]) -> None:
    """Have the decoder unpack the pixels in another way."""
    for at, tile in enumerate(image.tile):
        args = tile.args
        new = (change(args[0]), *args[1:]) if isinstance(args, tuple) else change(args or "")
        image.tile[at] = tile._replace(args=new)
