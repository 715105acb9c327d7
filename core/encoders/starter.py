"""The bundled encoder: weights out of two packages, joined by two small heads of our own.

It is an ordinary OpenCLIP model (`assets/starter/open_clip_config.json`). Its halves are built one
by one, so that a query in words does not wait for the picture half; and pixels and word pieces are
made here without torch, so that neither half needs torch once it is converted.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import long_texts
from core.encoders.starter_files import PICTURES, WORD_PIECES, WORDS
from core.encoders.token_vectors import WORD
from core.encoders.towers import Longer, Model, Tower
from core.types import Floats, Ints

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn
from core.encoders.starter_files import HEADS, config, context_length, image_size, not_here

STRIDE = 32  # pixels from one place of the last feature map to the next
EXAMPLES = (
    "dog",
    "a photo of a red bus",
    "two children run along the beach while a dog chases a ball",
    "An old man in a blue jacket, sitting on a bench, reads the newspaper in the rain.",
)
"""Texts of several lengths, for comparing backends."""


def model() -> Model:
    """The starter, with nothing heavy loaded yet.

    Raises:
        MissingPart: its configuration or its heads are not here.
    """
    size, length = image_size(), context_length()
    digest = sha256("".join([PICTURES.digest, WORDS.digest, _heads_digest()]).encode()).hexdigest()
    return Model(
        name="starter",
        d=int(config()["embed_dim"]),
        weights=digest,
        preprocessing=f"RGB, bicubic to {size} x {size}, -1..1; {length} word pieces",
        prepare=prepare,
        tokenize=tokenize,
        image=Tower(
            key=f"starter-image-{digest[:12]}",
            verify=PICTURES.verify,
            build=_lazily("image"),
            example=example_pixels,
            shape=(-1, 3, size, size),
        ),
        text=Tower(
            key=f"starter-text-{digest[:12]}",
            verify=_verify_text,
            build=_lazily("text"),
            example=lambda: tokenize(EXAMPLES),
            shape=(-1, -1),
        ),
        version=f"open_clip {version('open_clip_torch')}",
        places=Tower(
            key=f"starter-places-{digest[:12]}",
            verify=PICTURES.verify,
            build=_lazily("places"),
            example=example_pixels,
            shape=(-1, 3, size, size),
        ),
        grid=(-(-size // STRIDE), -(-size // STRIDE)),
        pieces=Tower(
            key=f"starter-pieces-{digest[:12]}",
            verify=_verify_text,
            build=_lazily("pieces"),
            example=lambda: tokenize(EXAMPLES),
            shape=(-1, -1),
        ),
        words=words,
        additive=True,
        context=length,
        count=count,
        stretch=longer,
    )


def prepare(image: Image) -> Floats:
    """(3, size, size) pixels in -1..1: the whole picture, squashed to a square.

    >>> from PIL import Image
    >>> prepare(Image.new("RGB", (40, 30), "white"))[:, 0, 0].tolist()
    [1.0, 1.0, 1.0]
    """
    from PIL.Image import Resampling

    size = image_size()
    squashed = image.convert("RGB").resize((size, size), Resampling.BICUBIC)
    pixels = np.asarray(squashed, np.float32).transpose(2, 0, 1) / np.float32(255)
    return (pixels - np.float32(0.5)) / np.float32(0.5)


def tokenize(texts: Sequence[str]) -> Ints:
    """(n, length) word pieces, as long as the longest text, cut at the model's limit.

    >>> tokenize(["a dog", "a dog on a beach"])
    array([[ 101, 1037, 3899,  102,    0,    0,    0],
           [ 101, 1037, 3899, 2006, 1037, 3509,  102]])
    """
    pieces = _word_pieces(context_length()).encode_batch([_clean(text) for text in texts])
    return np.array([p.ids for p in pieces], np.int64)


def count(text: str) -> int:
    """Word pieces of a text, nothing cut off.

    >>> count("a dog on a beach")
    7
    """
    return len(_word_pieces(None).encode(_clean(text)).ids)


def longer(mode: str) -> Longer:
    """The text half with stretched positions; see `long_texts`."""
    length = context_length()
    context = long_texts.longer(mode, length)

    def build() -> nn.Module:
        from core.encoders.modules import stretch

        return stretch(_lazily("text")(), length, mode)

    def cut(texts: Sequence[str]) -> Ints:
        found = _word_pieces(context).encode_batch([_clean(text) for text in texts])
        return np.array([p.ids for p in found], np.int64)

    tower = Tower(f"starter-text-{mode}", _verify_text, build, lambda: cut(EXAMPLES), (-1, -1))
    return Longer(tower, cut, context)


def words(texts: Sequence[str]) -> list[tuple[tuple[str, ...], list[int]]]:
    """Each text's words, and for each of its word pieces the word that it is of; -1 is none.

    A word goes on over an apostrophe or a hyphen; what stands between words is of none.

    >>> words(["a doghouse's door!"])
    [(('a', "doghouse's", 'door'), [-1, 0, 1, 1, 1, 1, 2, -1, -1])]
    """
    found = []
    for text in map(_clean, texts):
        pieces = _word_pieces(context_length()).encode_batch([text])[0]
        spans = [match.span() for match in WORD.finditer(text)]
        starts = [start for start, _ in spans]
        of = []
        for piece, end in pieces.offsets:
            at = bisect_right(starts, piece) - 1
            of.append(at if at >= 0 and piece < end <= spans[at][1] else -1)
        read = spans[: max(of, default=-1) + 1]  # the text may go on beyond what is read
        found.append((tuple(text[start:end] for start, end in read), of))
    return found


def example_pixels() -> Floats:
    """Four smooth patterns that differ in colour, direction and scale."""
    size = image_size()
    y, x = np.mgrid[:size, :size].astype(np.float32) / np.float32(size)
    waves = [np.sin(6 * (n + 1) * (x * c + y * (2 - c)) + n) for n in range(4) for c in range(3)]
    return np.array(waves, np.float32).reshape(4, 3, size, size)


def _lazily(half: str) -> Callable[[], nn.Module]:
    """Leave torch unloaded until a half is really built."""

    def build() -> nn.Module:
        from core.encoders import lazy

        lazy.open_clip()
        from core.encoders import starter_modules as starter_towers

        module: nn.Module = getattr(starter_towers, half)()
        return module

    return build


def _verify_text() -> None:
    WORDS.verify()
    WORD_PIECES.verify()


def _clean(text: str) -> str:
    """What OpenCLIP does to a text before it is cut into pieces."""
    import ftfy

    return " ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split())


@cache
def _word_pieces(most: int | None) -> Any:
    """The tokenizer, cutting at a number of word pieces or nowhere."""
    from tokenizers import Tokenizer

    pieces = Tokenizer.from_file(str(WORD_PIECES.path))
    pieces.no_padding()
    pieces.no_truncation()
    if most:
        pieces.enable_truncation(most)
        pieces.enable_padding(pad_id=0, pad_token="[PAD]")
    return pieces


def _heads_digest() -> str:
    try:
        return sha256(HEADS.read_bytes()).hexdigest()
    except OSError as error:
        raise not_here(HEADS) from error
