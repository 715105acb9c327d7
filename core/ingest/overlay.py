"""A map of places laid over its picture, as an image: user text never takes part."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from core.ingest.pictures import decode
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
