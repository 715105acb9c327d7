"""Changes to a picture that leave what it shows alone: what an encoder may be asked to ignore.

Each comes at four strengths, weakest first; one of them is the usual one, which is quoted.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image, ImageEnhance, ImageFilter, ImageOps


@dataclass(frozen=True)
class Augmentation:
    """A change: what does it, at which strengths, and a strength in words."""

    apply: Callable[[Image.Image, float], Image.Image]
    strengths: tuple[float, ...]
    usual: int
    unit: str

    @property
    def words(self) -> tuple[str, ...]:
        """Each strength for a reader.

        >>> AUGMENTATIONS["rotation"].words
        ('5 degrees', '15 degrees', '30 degrees', '45 degrees')
        """
        return tuple(self.unit.format(f"{s:g}") for s in self.strengths)

    def views(self, image: Image.Image) -> list[Image.Image]:
        """The picture at every strength, weakest first."""
        return [self.apply(image, strength) for strength in self.strengths]

    def usually(self, image: Image.Image) -> Image.Image:
        """The picture changed at the usual strength."""
        return self.apply(image, self.strengths[self.usual])


def rotated(image: Image.Image, degrees: float) -> Image.Image:
    """Turned; the corners take the picture's mean colour."""
    colour = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return image.convert("RGB").rotate(degrees, Image.Resampling.BICUBIC, fillcolor=colour)


def cropped(image: Image.Image, percent: float) -> Image.Image:
    """The middle of each side, at the size the picture had; `percent` of the side is cut away."""
    width, height = image.size
    border = int(width * percent / 200), int(height * percent / 200)
    middle = image.crop((border[0], border[1], width - border[0], height - border[1]))
    return middle.resize(image.size, Image.Resampling.BICUBIC)


def blurred(image: Image.Image, percent: float) -> Image.Image:
    """Gaussian blur with a radius in percent of the shorter side."""
    return image.filter(ImageFilter.GaussianBlur(min(image.size) * percent / 100))


def brightened(image: Image.Image, times: float) -> Image.Image:
    """All colours so many times as bright, cut at white."""
    return ImageEnhance.Brightness(image.convert("RGB")).enhance(times)


def greyed(image: Image.Image, percent: float) -> Image.Image:
    """With so much of the colour taken out."""
    colours = image.convert("RGB")
    return Image.blend(colours, ImageOps.grayscale(colours).convert("RGB"), percent / 100)


def coded(image: Image.Image, quality: float) -> Image.Image:
    """Saved as JPEG and read back."""
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=int(quality))
    data.seek(0)
    with Image.open(data) as saved:
        saved.load()
        return saved.convert("RGB")


AUGMENTATIONS: Mapping[str, Augmentation] = {
    "rotation": Augmentation(rotated, (5, 15, 30, 45), 1, "{} degrees"),
    "crop": Augmentation(cropped, (10, 20, 35, 50), 1, "{} % of each side cut away"),
    "blur": Augmentation(blurred, (0.5, 1, 2, 4), 1, "{} % of the shorter side"),
    "brightness": Augmentation(brightened, (1.25, 1.5, 2, 3), 1, "{} times as bright"),
    "grey": Augmentation(greyed, (25, 50, 75, 100), 3, "{} % of the colour taken out"),
    "jpeg": Augmentation(coded, (60, 40, 20, 8), 2, "quality {}"),
}
