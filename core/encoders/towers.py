"""An OpenCLIP model as seen by this package: two towers and the functions that make their input."""

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
    """One half of a model, not yet built: a text query need not wait for the image half.

    Args:
        key: Name of the half and the model's identity; a backend stores what it converts under it.
        title: Name of the model and the half, for people.
        verify: Raises an error when the weights on disk are not those of the key.
        build: Builds the module that turns a batch of input into unit rows.
        example: A small batch of input, for conversion, comparison and calibration.
        shape: The input's shape, -1 where it varies.
    """

    key: str
    title: str
    verify: Callable[[], None]
    build: Callable[[], nn.Module]
    example: Callable[[], Floats | Ints]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Longer:
    """A text half with more positions: its tower, its tokenizer, and its context length."""

    tower: Tower
    tokenize: Callable[[Sequence[str]], Ints]
    context: int


@dataclass(frozen=True)
class Model:
    """What an encoder needs of a model.

    Args:
        name: The name it is loaded by.
        d: Number of dimensions.
        weights: Digest of all weights.
        configuration: What decides its vectors beside the weights; see `Passport`.
        preprocessing: Description of the preprocessing of images and texts, part of the passport.
        prepare: Image to (3, h, w) pixels; called from many threads.
        tokenize: Texts to (n, length) token ids.
        image: The image half.
        text: The text half.
        version: The library and model version, for the record.
        patch_tower: Pixels to (n, t, d) patch token rows, where the model has them.
        grid: Rows and columns of the patches.
        token_tower: Token ids to (n, length, d) rows whose mean is the text's row, if there is one.
        words: Each text's words, and for each of its tokens the number of its word (-1: none).
        additive: Whether the mean of the patch tokens is the image's row.
        view: The part of an image that the patches cover; see `Tokens`.
        context: Context length in tokens; 0 when there is no limit.
        count: Number of tokens of a text, without truncation.
        stretch: The text half with more positions, in one of the modes of `long_texts`.
    """

    name: str
    d: int
    weights: str
    configuration: str
    preprocessing: str
    prepare: Callable[[Image], Floats]
    tokenize: Callable[[Sequence[str]], Ints]
    image: Tower
    text: Tower
    version: str
    patch_tower: Tower | None = None
    grid: tuple[int, int] = (0, 0)
    token_tower: Tower | None = None
    words: Callable[[Sequence[str]], Sequence[tuple[tuple[str, ...], Sequence[int]]]] | None = None
    additive: bool = False
    view: str = "whole"
    context: int = 0
    count: Callable[[str], int] = len
    stretch: Callable[[str], Longer] | None = None
