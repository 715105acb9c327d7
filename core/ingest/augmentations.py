"""Augmentations: changes of an image that keep its content, to which an encoder may be invariant.

Each has four strengths, weakest first; one of them is the default, which is reported.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image, ImageEnhance, ImageFilter, ImageOps


@dataclass(frozen=True)
class Augmentation:
    """A change of an image, its strengths, the index of the default one, and their unit."""

    apply: Callable[[Image.Image, float], Image.Image]
    strengths: tuple[float, ...]
    usual: int
    unit: str

    @property
    def words(self) -> tuple[str, ...]:
        """Each strength with its unit.

        >>> AUGMENTATIONS["rotation"].words
        ('5 degrees', '15 degrees', '30 degrees', '45 degrees')
        """
        return tuple(self.unit.format(f"{s:g}") for s in self.strengths)

    def views(self, image: Image.Image) -> list[Image.Image]:
        """The image at every strength, weakest first."""
        return [self.apply(image, strength) for strength in self.strengths]

    def usually(self, image: Image.Image) -> Image.Image:
        """The image changed at the default strength."""
        return self.apply(image, self.strengths[self.usual])


def rotated(image: Image.Image, degrees: float) -> Image.Image:
    """Rotated; the corners get the image's mean color."""
    color = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return image.convert("RGB").rotate(degrees, Image.Resampling.BICUBIC, fillcolor=color)


def cropped(image: Image.Image, percent: float) -> Image.Image:
    """The center at the size of the image; `percent` of each side is cropped."""
    width, height = image.size
    border = int(width * percent / 200), int(height * percent / 200)
    middle = image.crop((border[0], border[1], width - border[0], height - border[1]))
    return middle.resize(image.size, Image.Resampling.BICUBIC)


def blurred(image: Image.Image, percent: float) -> Image.Image:
    """Gaussian blur with a radius in percent of the shorter side."""
    return image.filter(ImageFilter.GaussianBlur(min(image.size) * percent / 100))


def brightened(image: Image.Image, times: float) -> Image.Image:
    """All colors `times` as bright, clipped at white."""
    return ImageEnhance.Brightness(image.convert("RGB")).enhance(times)


def desaturated(image: Image.Image, percent: float) -> Image.Image:
    """`percent` of the saturation removed."""
    rgb = image.convert("RGB")
    return Image.blend(rgb, ImageOps.grayscale(rgb).convert("RGB"), percent / 100)


def compressed(image: Image.Image, quality: float) -> Image.Image:
    """Saved as JPEG and read back."""
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=int(quality))
    data.seek(0)
    with Image.open(data) as saved:
        saved.load()
        return saved.convert("RGB")


AUGMENTATIONS: Mapping[str, Augmentation] = {
    "rotation": Augmentation(rotated, (5, 15, 30, 45), 1, "{} degrees"),
    "crop": Augmentation(cropped, (10, 20, 35, 50), 1, "{}% of each side cropped"),
    "blur": Augmentation(blurred, (0.5, 1, 2, 4), 1, "{}% of the shorter side"),
    "brightness": Augmentation(brightened, (1.25, 1.5, 2, 3), 1, "{} times as bright"),
    # Named as in stored reports.
    "grey": Augmentation(desaturated, (25, 50, 75, 100), 3, "{}% of the saturation removed"),
    "jpeg": Augmentation(compressed, (60, 40, 20, 8), 2, "quality {}"),
}
