"""What an OpenCLIP model is to the rest of this package: two towers and what goes into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.types import Floats, Ints

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn


@dataclass(frozen=True)
class Tower:
    """One half of a model, not yet built: a query in words need not wait for the picture half.

    Args:
        key: Names the half and its weights; a backend keeps what it made of it under this name.
        verify: Raises a sentence when the weights on disk are not the ones the key speaks of.
        build: Makes the module that turns a batch of input into unit rows.
        example: Makes a small batch of input, for conversion, comparison and calibration.
        shape: The input's shape, -1 where it varies.
    """

    key: str
    verify: Callable[[], None]
    build: Callable[[], nn.Module]
    example: Callable[[], Floats | Ints]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Longer:
    """A text half that reads more at once: its tower, what goes into it, and how many tokens."""

    tower: Tower
    tokenize: Callable[[Sequence[str]], Ints]
    context: int


@dataclass(frozen=True)
class Model:
    """Everything an encoder needs to know about a model.

    Args:
        name: The name it is loaded by.
        d: Number of dimensions.
        weights: Digest of all weights.
        preprocessing: What is done to a picture and a text, in words that pin it down.
        prepare: Picture to (3, h, w) pixels; called from many threads.
        tokenize: Texts to (n, length) token numbers.
        image: The picture half.
        text: The text half.
        version: The library and model version, for the record.
        places: Pixels to (n, t, d) rows, one for each place of a picture, where the model has them.
        grid: Rows and columns of the places.
        pieces: Token numbers to (n, length, d) rows whose mean is the text, where there are such.
        words: Each text's words, and for each of its pieces which word it is of (-1: of none).
        additive: Whether the mean of the places is the picture.
        view: What of a picture the places cover; see `Tokens`.
        context: Tokens of a text that are read at once; 0 when any number is.
        count: Tokens of a text, nothing cut off.
        stretch: The text half with more positions, in one of the modes of `long_texts`.
    """

    name: str
    d: int
    weights: str
    preprocessing: str
    prepare: Callable[[Image], Floats]
    tokenize: Callable[[Sequence[str]], Ints]
    image: Tower
    text: Tower
    version: str
    places: Tower | None = None
    grid: tuple[int, int] = (0, 0)
    pieces: Tower | None = None
    words: Callable[[Sequence[str]], Sequence[tuple[tuple[str, ...], Sequence[int]]]] | None = None
    additive: bool = False
    view: str = "whole"
    context: int = 0
    count: Callable[[str], int] = len
    stretch: Callable[[str], Longer] | None = None
