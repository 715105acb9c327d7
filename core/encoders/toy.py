"""An encoder whose values can be checked by eye: colors of images, color words of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.encoders.token_vectors import content_words
from core.types import Floats, Passport, Tokens, digest

if TYPE_CHECKING:
    from PIL.Image import Image


COLORS = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "purple": (1, 0, 1),
    "cyan": (0, 1, 1),
    "white": (1, 1, 1),
    "black": (0, 0, 0),
}
# The preprocessing is part of the stored key of vectors, so its spelling stays.
PASSPORT = Passport("toy", "none", "mean colour", len(COLORS), backend="numpy", configuration="{}")


@dataclass(frozen=True)
class Toy:
    """Eight dimensions: similarity of the mean color to each of eight colors, in that order.

    >>> toy = Toy()
    >>> toy.encode_texts(["a red ball"]).argmax()
    np.int64(0)
    """

    name: str = "toy"
    d: int = len(COLORS)
    passport: Passport = PASSPORT
    notes: tuple[str, ...] = ()

    def prepare(self, image: Image) -> Floats:
        """(3, 16, 16) colors in 0..1."""
        pixels = np.asarray(image.convert("RGB").resize((16, 16)), np.float32) / np.float32(255)
        prepared: Floats = pixels.transpose(2, 0, 1)
        return prepared

    def encode_prepared(self, pixels: Floats) -> Floats:
        """Unit rows of prepared images; contrast makes images of one color differ a little."""
        mean = pixels.mean(axis=(2, 3))
        colors = np.array(list(COLORS.values()), np.float32)
        away = np.linalg.norm(mean[:, None] - colors, axis=2)
        return _unit(np.exp(-3 * away) + 0.02 * pixels.std(axis=(1, 2, 3))[:, None])

    def encode_images(self, images: Sequence[Image]) -> Floats:
        """Unit rows of images."""
        if not images:
            return np.empty((0, self.d), np.float32)
        return self.encode_prepared(np.stack([self.prepare(i) for i in images]))

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Unit rows of texts: 1 for each color word, and a little noise seeded by the text."""
        rows = np.zeros((len(texts), self.d), np.float32)
        for row, text in zip(rows, texts, strict=True):
            seed = int(digest(text)[:8], 16)
            row += 0.1 * np.random.default_rng(seed).random(self.d, np.float32)
            for i, color in enumerate(COLORS):
                row[i] += len(re.findall(rf"\b{color}\b", text.lower()))
        return _unit(rows)

    def image_tokens(self, images: Sequence[Image]) -> list[Tokens]:
        """Four by four patches, each encoded like an image."""
        result = []
        for pixels in map(self.prepare, images):
            patches = pixels.reshape(3, 4, 4, 4, 4).transpose(1, 3, 0, 2, 4).reshape(16, 3, 4, 4)
            result.append(Tokens(self.encode_prepared(patches), (4, 4)))
        return result

    def text_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Each content word, encoded like a text."""
        words_of = [content_words(text) or ("",) for text in texts]
        return [Tokens(self.encode_texts(words), words=words) for words in words_of]


def _unit(rows: Floats) -> Floats:
    result: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return result
