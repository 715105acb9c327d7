"""Images: decoded to upright RGB, as thumbnails, and under a heat map.

Files of users are decoded in full or rejected with a reason; sizes are checked before any pixel is
decoded, and images that are larger than any encoder sees are reduced on the way.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from io import BytesIO
from math import ceil, sqrt

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageFile, PngImagePlugin, UnidentifiedImageError

from core.errors import UnreadableFile
from core.ingest import bit_depth, budget, repairs
from core.types import Floats

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".bmp", ".dib", ".tif"),
    *(".tiff", ".avif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm"),
)
# Images too, but rejected with the reason.
UNSUPPORTED_SUFFIXES = (
    *(".heic", ".heif", ".jxl", ".svg", ".ico", ".psd", ".tga", ".dng", ".cr2", ".nef", ".arw"),
)
MAX_PIXELS = 110_000_000  # cameras of 100 megapixels have up to 102
FULL_PIXELS = 26_000_000  # a half of the sides of 102 megapixels
"""Images with more pixels are reduced to a half, a third ... of their size."""
_SCANNED = 8 * 10**9
"""Values that all scans of a JPEG together may refine: 20 scans of 100 megapixels in CMYK, of which
encoders write 18."""
THUMBNAIL_SIDE = 320
OVERLAY_SIDE = 900
# Red of the palette: warm against most photographs, distinct from black and white.
OVERLAY_COLOR = (211, 63, 97)

# Bytes per pixel inside the decoder of a format, with the image that it returns; measured. WebP has
# 16, but is done with 4 of them when the image is copied; AVIF has 13 with 8 bits, more with 10.
_DECODER = {"WEBP": 15, "AVIF": 15, "JPEG": 8, "MPO": 8, "GIF": 6, "TIFF": 5}
_JPEG2000 = 6.2  # of each channel; it is done with most of it when the image is copied
_PIXEL = 4  # bytes of a pixel in Pillow
_COPIES = 3  # of the image, as its colors are converted

# Raster formats only: EPS and PDF run a program, ICO and ICNS hide a second size inside.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
SUPPORTED = "JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, JPEG 2000 and PPM"

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n": "PNG",
    b"GIF8": "GIF",
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TIFF"),
}
# What a failed download leaves in place of an image.
_NO_IMAGES = {
    b"<!doctype html": "it is a web page (HTML), not an image; download the image again",
    b"<html": "it is a web page (HTML), not an image; download the image again",
    b"version https://git-lfs": "it is a Git LFS pointer, not an image; get it with: git lfs pull",
    b"<svg": f"it is an SVG drawing or XML, not a raster image. Supported formats: {SUPPORTED}",
    b"<?xml": f"it is an SVG drawing or XML, not a raster image. Supported formats: {SUPPORTED}",
}
_DAMAGED = "the image is truncated or damaged; not all of its rows can be decoded"
_TRUNCATED = ("truncated", "broken data stream", "decoder object", "corrupt exif data", "only got")
# Parts of Pillow's messages, in lower case, and what they mean.
_REASONS = {
    "unknown pixel mode": "its kind of pixels (such as 64-bit numbers, color with decimals, or "
    "more than 4 channels) is not supported; save it as PNG, or as TIFF of 8 or 16 bits",
    "bit layers": "it is a JPEG of more than 8 bits per channel, which is not supported; save it "
    "with 8 bits, or as PNG",
    "decoder error -2": "it is damaged, or compressed in a way that is not supported",
}

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

_OWN_SPACE = {"CMYK": "CMYK", "GRAY": "L"}  # modes by color space of a profile; others are RGB

_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")  # of JPEG, with a length or at the end
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# `decode` checks the size of every image. Pillow's own check warns through a global that threads
# share, and its warnings about odd metadata mean nothing to users.
Image.MAX_IMAGE_PIXELS = None
# Of blocks of 16 MB, Pillow's usual ones, glibc keeps those that were freed, in each thread; these
# are more than it keeps, and go back to the system at once.
Image.core.set_block_size(48 << 20)  # type: ignore[attr-defined]
PngImagePlugin.MAX_TEXT_CHUNK = 16 << 20  # texts and profiles beyond Pillow's megabyte are normal
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(data: bytes, name: str, *, at_least: int = 0) -> Image.Image:
    """The image as upright RGB, fully decoded; transparent parts white, first frame only.

    Its `info["note"]`, if any, states what was assumed about its values.

    Args:
        data: the file's bytes.
        name: its name in messages.
        at_least: 0 decodes every pixel of an image up to `FULL_PIXELS`. Otherwise a large JPEG may
            be decoded at a half, a quarter or an eighth of its size, several times faster, with no
            side shorter than this.

    Raises:
        UnreadableFile: empty, damaged, truncated, not in a supported format, above `MAX_PIXELS`, or
            beyond the memory that may be used; see `core.ingest.budget`.
    """
    if not data:
        raise UnreadableFile(name, "the file is empty (0 bytes)")
    try:
        return _decoded(data, name, at_least)
    except UnreadableFile:
        if data.startswith(repairs.PNG):
            return _decoded(repairs.png_without_metadata(data), name, at_least)
        if data.startswith(repairs.JPEG) and not data.endswith(repairs.JPEG_END):
            one, other = (_decoded(d, name, at_least) for d in repairs.jpeg_endings(data))
            if one.tobytes() == other.tobytes():
                return one
        raise


def _decoded(data: bytes, name: str, at_least: int) -> Image.Image:
    header = _open(data, name)
    _must_have_few_scans(data, header, name)
    try:
        cost = _cost(header) + len(data)
        del header  # a decoder of WebP has its own copy of the file
        with budget.hold(name, cost):
            image = _loaded(data, name, at_least)
            turn = _TURNS.get(_orientation(image))
            rgb = _reduced(image)
            notes = [i.info["note"] for i in (image, rgb) if "note" in i.info]
            del image  # others may decode as soon as the block ends
        upright = rgb if turn is None else rgb.transpose(turn)
        upright.info = {"note": notes[-1]} if notes else {}
        return upright
    except _DAMAGE as error:
        raise UnreadableFile(name, _reason(error)) from error


def _loaded(data: bytes, name: str, at_least: int) -> Image.Image:
    """Every pixel decoded, and the values of wide types scaled to what is used of them."""
    image = _open(data, name)
    full = image.width * image.height <= FULL_PIXELS
    least = (at_least, at_least) if at_least else _small(image)
    jpeg = image.format in ("JPEG", "MPO")
    if jpeg and (at_least or not full):
        image.draft(None, least)
    bit_depth.separate_planes(image)
    wide = bit_depth.has_wide_colors(image)
    image.load()  # before anything asks for EXIF data: Pillow would load it, and pass over damage
    if jpeg and _ends_gray(image):
        longer = _open(repairs.jpeg_with_more(data), name)
        longer.draft(None, least if at_least or not full else image.size)
        if ImageChops.difference(longer, image).getbbox():
            raise UnreadableFile(name, _DAMAGED)
    if not wide or not bit_depth.is_dark(image):
        return image
    return bit_depth.joined(image, bit_depth.load_lower(_open(data, name)))


def _must_have_few_scans(data: bytes, image: ImageFile.ImageFile, name: str) -> None:
    """Reject a JPEG with more scans than decode in seconds; each goes over the whole image."""
    if image.format not in ("JPEG", "MPO"):
        return
    most = max(_SCANNED // (image.width * image.height * len(image.getbands())), 1)
    if (scans := _scans(data)) > most:
        reason = f"it has {scans:,} scans; allowed for its size: {most:,}"
        raise UnreadableFile(name, f"{reason}. Save it again as an ordinary JPEG")


def _scans(data: bytes) -> int:
    """How many scans the first image of a JPEG has."""
    at, scans = 2, 0
    while (marker := _MARKER.search(data, at)) and (kind := marker[0][1:]) != b"\xd9":
        scans += kind == b"\xda"
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return scans


def _small(image: Image.Image) -> tuple[int, int]:
    """The size that an image is reduced to."""
    times = _times(image)
    return image.width // times, image.height // times


def _times(image: Image.Image) -> int:
    """How many times shorter its sides become.

    >>> _times(Image.new("1", (5000, 5000))), _times(Image.new("1", (10_000, 10_000)))
    (1, 2)
    """
    return ceil(sqrt(image.width * image.height / FULL_PIXELS))


def _cost(image: ImageFile.ImageFile) -> int:
    """Bytes that decoding takes at most, by the header alone."""
    pixels, times = image.width * image.height, _times(image)
    own: float = _DECODER.get(image.format or "", _PIXEL)
    if image.format == "JPEG2000":
        own = _JPEG2000 * len(image.getbands())
    if bit_depth.has_wide_colors(image):
        own += _PIXEL  # the lower bits are decoded to an image of their own
    copies = _COPIES if times == 1 else 1 / times**2  # a larger one is converted in strips
    return int((own + _PIXEL * copies) * pixels) + bit_depth.strip_bytes(image)


def _reduced(image: Image.Image) -> Image.Image:
    """RGB of at most `FULL_PIXELS`; the colors of a larger image are converted strip by strip."""
    if bit_depth.is_number(image):
        image = bit_depth.gray(image)
    times = _times(image)
    if times == 1:
        return _srgb(image)
    small = Image.new("RGB", (-(-image.width // times), -(-image.height // times)))
    for top, strip in bit_depth.strips(image, times):
        rgb = _srgb(strip)
        small.paste(rgb.reduce(times), (0, top // times))
        small.info |= rgb.info
    return small


def _ends_gray(image: Image.Image) -> bool:
    """Whether the last pixels of a JPEG are the gray that stands in for missing rows."""
    width, height = image.size
    last = image.crop((max(width - 8, 0), max(height - 8, 0), width, height))
    return all(band.getextrema() == (128, 128) for band in last.split())


def pixel_bytes(data: bytes, name: str) -> int:
    """Bytes of the pixels of an image, by its header alone; 0 where it cannot be decoded."""
    try:
        image = _open(data, name)
    except UnreadableFile:
        return 0
    return image.width * image.height * len(image.getbands())


def thumbnail(image: Image.Image, side: int = THUMBNAIL_SIDE) -> bytes:
    """The image as WebP, its longest side at most `side` pixels; small images are not enlarged."""
    scale = side / max(image.size)
    if scale < 1:
        size = tuple(max(1, round(length * scale)) for length in image.size)
        image = image.resize((size[0], size[1]), Image.Resampling.HAMMING, reducing_gap=2.0)
    file = BytesIO()
    image.save(file, "WEBP", quality=75, method=0)
    return file.getvalue()


def overlay(
    data: bytes,
    heat: Floats,
    scale: tuple[float, float],
    *,
    view: str = "whole",
    strength: float = 0.6,
    name: str = "the image",
) -> bytes:
    """The image as JPEG under a heat map: colored where the values are high.

    Args:
        data: the bytes of its file.
        heat: (rows, columns) values, such as the similarity of each patch.
        scale: the value without any color, and the one with the most.
        view: the part of the image that the values cover; see `Tokens`.
        strength: opacity of the color at the highest values, 0 to 1.
        name: its name in messages.

    Raises:
        UnreadableFile: the image cannot be decoded.
    """
    image = decode(data, name)
    image.thumbnail((OVERLAY_SIDE, OVERLAY_SIDE))
    low, high = scale
    share = np.clip((heat - low) / max(high - low, 1e-9), 0, 1)
    layer = Image.fromarray((255 * strength * share).astype(np.uint8), "L")
    # The mask has the image's size: what the encoder did not see stays clear.
    mask = Image.new("L", image.size)
    box = _box(image.size, view)
    size = (max(box[2] - box[0], 1), max(box[3] - box[1], 1))
    mask.paste(layer.resize(size, Image.Resampling.BICUBIC), box[:2])
    image.paste(Image.new("RGB", image.size, OVERLAY_COLOR), mask=mask)
    file = BytesIO()
    image.save(file, "JPEG", quality=88)
    return file.getvalue()


def _open(data: bytes, name: str) -> ImageFile.ImageFile:
    """Read only the header, and reject by size before any pixel is decoded."""
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableFile(name, _no_format(data)) from error
    except _DAMAGE as error:
        raise UnreadableFile(name, _reason(error)) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        size = f"{width} x {height} pixels"
        raise UnreadableFile(name, f"it has {size}; allowed: {MAX_PIXELS // 10**6} million")
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 when there is none. Pillow itself turns TIFF."""
    if image.format == "TIFF":
        return 1
    try:
        return int(image.getexif().get(0x0112, 1))
    except _DAMAGE:  # damaged metadata is no reason to reject the image
        return 1


def _srgb(image: Image.Image) -> Image.Image:
    """RGB, with the colors of an embedded ICC profile converted to sRGB."""
    profile = image.info.get("icc_profile")
    if not profile:
        return _rgb(image)
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        flat = image if image.mode == _OWN_SPACE.get(space) else _rgb(image)
        if "srgb" in (source.profile.profile_description or "").lower():
            return _rgb(image)
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(flat, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        rgb = _rgb(image)
        rgb.info["note"] = "a color profile that cannot be applied, read as sRGB"
        return rgb
    return converted if converted is not None else _rgb(image)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    page = Image.new("RGB", layer.size, "white")
    page.paste(layer, mask=layer)
    return page


def _no_format(data: bytes) -> str:
    """Why Pillow recognized no format: another type of file, or a header it rejects."""
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"):
        return "HEIC images are not supported; export it as JPEG or PNG"
    start = data[:512].lstrip().lower()
    for mark, reason in _NO_IMAGES.items():
        if start.startswith(mark):
            return reason
    for mark, form in _SIGNATURES.items():
        if data.startswith(mark):
            return _header_reason(data, form)
    if data[4:12] == b"ftypavif" or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return _DAMAGED
    return f"it is not an image in a supported format ({SUPPORTED})"


def _header_reason(data: bytes, form: str) -> str:
    """What Pillow says of the header; `Image.open` keeps it to itself."""
    try:
        Image.OPEN[form][0](BytesIO(data), "")
    except _DAMAGE as error:
        return next((_REASONS[m] for m in _REASONS if m in str(error).lower()), _DAMAGED)
    return _DAMAGED


def _reason(error: BaseException) -> str:
    """Pillow's message where it helps the user, else a plainer one."""
    text = str(error).lower()
    if any(word in text for word in _TRUNCATED) or isinstance(error, EOFError):
        return _DAMAGED
    if "not numbers" in text:
        return str(error)
    if "conversion from" in text:
        return f"its colors cannot be converted to RGB ({error})"
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    details = f"the image is damaged and cannot be decoded ({text.rstrip('.') or 'no details'})"
    return next((_REASONS[m] for m in _REASONS if m in text), details)


def _box(size: tuple[int, int], view: str) -> tuple[int, int, int, int]:
    """The pixels of the image that a view covers; a padded view reaches beyond it.

    >>> _box((40, 20), "whole"), _box((40, 20), "center"), _box((40, 20), "padded")
    ((0, 0, 40, 20), (10, 0, 30, 20), (0, -10, 40, 30))
    """
    width, height = size
    if view == "whole":
        return 0, 0, width, height
    side = max(size) if view == "padded" else min(size)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side
