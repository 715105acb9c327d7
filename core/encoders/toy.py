"""An encoder whose values can be checked by eye: colours of pictures, colour words of texts."""

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


COLOURS = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "purple": (1, 0, 1),
    "cyan": (0, 1, 1),
    "white": (1, 1, 1),
    "black": (0, 0, 0),
}
PASSPORT = Passport("toy", "none", "mean colour", len(COLOURS), backend="numpy")


@dataclass(frozen=True)
class Toy:
    """Eight dimensions: closeness of the mean colour to each of eight colours, in that order.

    >>> toy = Toy()
    >>> toy.encode_texts(["a red ball"]).argmax()
    np.int64(0)
    """

    name: str = "toy"
    d: int = len(COLOURS)
    passport: Passport = PASSPORT
    notes: tuple[str, ...] = ()

    def prepare(self, image: Image) -> Floats:
        """(3, 16, 16) colours in 0..1."""
        pixels = np.asarray(image.convert("RGB").resize((16, 16)), np.float32) / np.float32(255)
        prepared: Floats = pixels.transpose(2, 0, 1)
        return prepared

    def encode_prepared(self, pixels: Floats) -> Floats:
        """Unit rows of prepared pictures, told apart a little by their contrast."""
        mean = pixels.mean(axis=(2, 3))
        colours = np.array(list(COLOURS.values()), np.float32)
        away = np.linalg.norm(mean[:, None] - colours, axis=2)
        return _unit(np.exp(-3 * away) + 0.02 * pixels.std(axis=(1, 2, 3))[:, None])

    def encode_images(self, images: Sequence[Image]) -> Floats:
        """Unit rows of pictures."""
        if not images:
            return np.empty((0, self.d), np.float32)
        return self.encode_prepared(np.stack([self.prepare(i) for i in images]))

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Unit rows of texts: 1 for each colour named, and a little noise of the text's own."""
        rows = np.zeros((len(texts), self.d), np.float32)
        for row, text in zip(rows, texts, strict=True):
            seed = int(digest(text)[:8], 16)
            row += 0.1 * np.random.default_rng(seed).random(self.d, np.float32)
            for i, colour in enumerate(COLOURS):
                row[i] += len(re.findall(rf"\b{colour}\b", text.lower()))
        return _unit(rows)

    def image_tokens(self, images: Sequence[Image]) -> list[Tokens]:
        """Four by four places: each a patch of the picture, encoded like a picture."""
        found = []
        for pixels in map(self.prepare, images):
            patches = pixels.reshape(3, 4, 4, 4, 4).transpose(1, 3, 0, 2, 4).reshape(16, 3, 4, 4)
            found.append(Tokens(self.encode_prepared(patches), (4, 4)))
        return found

    def text_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Each word that shows something, encoded like a text."""
        said = [content_words(text) or ("",) for text in texts]
        return [Tokens(self.encode_texts(words), words=words) for words in said]


def _unit(rows: Floats) -> Floats:
    result: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return result
