"""Changes to a picture that leave what it shows alone: what an encoder may be asked to ignore."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

Transform = Callable[[Image.Image], Image.Image]


def rotated(image: Image.Image) -> Image.Image:
    """Turned by 15 degrees; the corners take the picture's mean colour."""
    colour = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return image.convert("RGB").rotate(15, Image.Resampling.BICUBIC, fillcolor=colour)


def cropped(image: Image.Image) -> Image.Image:
    """The middle 80 % of each side, at the size it had."""
    width, height = image.size
    border = width // 10, height // 10
    middle = image.crop((border[0], border[1], width - border[0], height - border[1]))
    return middle.resize(image.size, Image.Resampling.BICUBIC)


def blurred(image: Image.Image) -> Image.Image:
    """Gaussian blur with a radius of 1 % of the shorter side."""
    return image.filter(ImageFilter.GaussianBlur(min(image.size) / 100))


def brightened(image: Image.Image) -> Image.Image:
    """All colours 1.5 times as bright, cut at white."""
    return ImageEnhance.Brightness(image.convert("RGB")).enhance(1.5)


def grey(image: Image.Image) -> Image.Image:
    """Without colour."""
    return ImageOps.grayscale(image).convert("RGB")


def jpeg(image: Image.Image) -> Image.Image:
    """Saved as JPEG at quality 20 and read back."""
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=20)
    data.seek(0)
    with Image.open(data) as coded:
        coded.load()
        return coded.convert("RGB")


TRANSFORMS: Mapping[str, Transform] = {
    "rotation": rotated,
    "crop": cropped,
    "blur": blurred,
    "brightness": brightened,
    "grey": grey,
    "jpeg": jpeg,
}
