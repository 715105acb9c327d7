"""A map of places laid over its picture, as an image: user text never takes part."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.errors import UnreadableFile
from core.types import Floats

LONGEST = 900
COLOUR = (211, 63, 97)
"""Red of the palette: warm against most photographs, told from black and white by everyone."""


def overlay(
    data: bytes,
    places: Floats,
    scale: tuple[float, float],
    *,
    view: str = "whole",
    strength: float = 0.6,
    name: str = "the picture",
) -> bytes:
    """The picture as JPEG, washed in colour where the map is high.

    Args:
        data: the picture's file.
        places: (rows, columns) values.
        scale: the value that is not coloured at all, and the one that is coloured most.
        view: which part the map covers: "whole", "centre" (the central square), or "padded" (the
            picture in the middle of a square).
        strength: 0 leaves the picture as it is, 1 paints the highest places over.
        name: for the sentence when the picture cannot be read.

    Raises:
        UnreadableFile: the picture cannot be decoded.
    """
    picture = decode(data, name)
    picture.thumbnail((LONGEST, LONGEST))
    low, high = scale
    share = np.clip((places - low) / max(high - low, 1e-9), 0, 1)
    wash = Image.fromarray((255 * strength * share).astype(np.uint8), "L")
    # Beside the grey layer lies the picture's own size: what the model did not see stays clear.
    mask = Image.new("L", picture.size)
    box = _box(picture.size, view)
    size = (max(box[2] - box[0], 1), max(box[3] - box[1], 1))
    mask.paste(wash.resize(size, Image.Resampling.BICUBIC), box[:2])
    picture.paste(Image.new("RGB", picture.size, COLOUR), mask=mask)
    made = BytesIO()
    picture.save(made, "JPEG", quality=88)
    return made.getvalue()


def _box(size: tuple[int, int], view: str) -> tuple[int, int, int, int]:
    """Where the map lies in the picture, in pixels; it may reach beyond.

    >>> _box((40, 20), "whole"), _box((40, 20), "centre"), _box((40, 20), "padded")
    ((0, 0, 40, 20), (10, 0, 30, 20), (0, -10, 40, 30))
    """
    width, height = size
    if view == "whole":
        return 0, 0, width, height
    side = min(size) if view == "centre" else max(size)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


MAX_PIXELS = 100_000_000
THUMBNAIL_SIDE = 320

# Only formats that hold pixels: EPS and PDF run a program, ICO and ICNS hide a second size inside.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
KNOWN = "JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, JPEG 2000 and PPM"

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
_DAMAGED = "the picture is cut short or damaged; not all of its rows can be decoded"
_CUT_SHORT = ("truncated", "broken data stream", "decoder object", "corrupt exif data")

# What Pillow raises on damaged files of these formats, besides OSError.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Warning,
)

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# The size is checked in `decode`, for every picture and with a sentence. Pillow's own check warns
# through a global that threads share; its remarks on odd metadata help nobody who has no Pillow.
Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(data: bytes, name: str, *, at_least: int = 0) -> Image.Image:
    """The picture as RGB, upright, fully decoded; transparent parts on white, first frame only.

    Args:
        data: the file's bytes.
        name: what to call it in a sentence.
        at_least: 0 decodes every pixel. Otherwise a large JPEG may come out at a half, a quarter
            or an eighth of its size with both sides still at least this long, several times faster.

    Raises:
        UnreadableFile: empty, damaged, cut short, no known format, or above `MAX_PIXELS`.
    """
    if not data:
        raise UnreadableFile(name, "the file is empty (0 bytes)")
    image = _open(data, name)
    try:
        if at_least and image.format in ("JPEG", "MPO"):
            image.draft(None, (at_least, at_least))
        turn = _TURNS.get(_orientation(image))
        image.load()
        rgb = _rgb(image)
        return rgb if turn is None else rgb.transpose(turn)
    except _DAMAGE as error:
        raise UnreadableFile(name, _reason(error)) from error


def thumbnail(image: Image.Image, side: int = THUMBNAIL_SIDE) -> bytes:
    """The picture as WebP with its longest side at most so long; small ones are not enlarged."""
    scale = side / max(image.size)
    if scale < 1:
        size = tuple(max(1, round(length * scale)) for length in image.size)
        image = image.resize((size[0], size[1]), Image.Resampling.HAMMING, reducing_gap=2.0)
    file = BytesIO()
    image.save(file, "WEBP", quality=75, method=0)
    return file.getvalue()


def _open(data: bytes, name: str) -> Image.Image:
    """Read the header only, and refuse by size before any pixel is decoded."""
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableFile(name, _not_a_picture(data)) from error
    except _DAMAGE as error:
        raise UnreadableFile(name, _reason(error)) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        size = f"{width} x {height} pixels"
        raise UnreadableFile(name, f"it has {size}; at most {MAX_PIXELS // 10**6} million")
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 when there is none. Pillow turns TIFF by itself."""
    if image.format == "TIFF":
        return 1
    try:
        return int(image.getexif().get(0x0112, 1))
    except _DAMAGE:  # a damaged note about the picture is no reason to refuse the picture
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _from_numbers(np.asarray(image))
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    page = Image.new("RGB", layer.size, "white")
    page.paste(layer, mask=layer)
    return page


def _from_numbers(values: np.ndarray) -> Image.Image:
    """Grey values beyond 8 bits. 0..65535 and 0..1 have a known white; others are stretched."""
    if not np.isfinite(values).all():
        raise ValueError("it holds pixels that are not numbers (NaN or infinite)")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f":
        black, white = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    else:
        black, white = (0.0, 65535.0) if low >= 0 and high <= 65535 else (low, high)
    grey = (values.astype(np.float64) - black) * (255.0 / max(white - black, 1e-300))
    return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")


def _not_a_picture(data: bytes) -> str:
    """Why Pillow found no format: another kind of file, or a known one with a broken start."""
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"):
        return "HEIC pictures cannot be read here; export it as JPEG or PNG"
    start = data[:512].lstrip().lower()
    if start.startswith((b"<svg", b"<?xml")):
        return f"it is a drawing or XML, not a picture of pixels. Known formats: {KNOWN}"
    if data.startswith(_SIGNATURES) or data[4:12] == b"ftypavif":
        return _DAMAGED
    return f"it is not a picture in a known format ({KNOWN})"


def _reason(error: BaseException) -> str:
    """Pillow's words where they tell the user something, plainer ones where they do not."""
    text = str(error).lower()
    if any(word in text for word in _CUT_SHORT) or isinstance(error, EOFError):
        return _DAMAGED
    if "not numbers" in text:
        return str(error)
    if "conversion from" in text:
        return f"its colours cannot be turned into RGB ({error})"
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    return f"the picture is damaged and cannot be decoded ({text.rstrip('.') or 'no details'})"
