"""The bundled encoder: weights from two packages, joined by small heads trained for it.

Its towers are those of an OpenCLIP model (`assets/starter/open_clip_config.json`); the heads also
see outputs of earlier layers. Its halves are built separately, so that a text query does not wait
for the image half; pixels and token ids are computed here without torch, so that neither half needs
torch once it is converted.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.encoders import long_texts
from core.encoders.configuration import as_text, flat
from core.encoders.starter_files import (
    HEADS,
    IMAGE_WEIGHTS,
    TEXT_WEIGHTS,
    TOKENIZER,
    config,
    context_length,
    image_size,
    not_here,
)
from core.encoders.token_vectors import WORD
from core.encoders.towers import Longer, Model, Tower
from core.types import Floats, Ints, digest

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn

STRIDE = 32  # pixels from one patch to the next: the stride of the last feature map
EXAMPLES = (
    "dog",
    "a photo of a red bus",
    "two children run along the beach while a dog chases a ball",
    "An old man in a blue jacket, sitting on a bench, reads the newspaper in the rain.",
)
"""Texts of several lengths, for comparing backends."""


def model(heads: Path = HEADS) -> Model:
    """The starter, with nothing heavy loaded yet.

    Args:
        heads: those that come with Sextant, or others of the same form.

    Raises:
        MissingPart: its configuration or its heads are absent.
    """
    size, length = image_size(), context_length()
    weights = sha256(
        "".join([IMAGE_WEIGHTS.digest, TEXT_WEIGHTS.digest, _digest_of(heads)]).encode()
    ).hexdigest()
    preprocessing = f"RGB, bicubic to {size} x {size}, -1..1; {length} word pieces"
    described = as_text(
        flat({**config(), "features_cfg": config("features_cfg")}, {})
        | {"preprocessing": preprocessing, "tokenizer": TOKENIZER.digest[:12]}
    )

    def tower(
        half: str,
        of: str,
        build: str,
        verify: Callable[[], None],
        example: Callable[[], Floats | Ints],
        shape: tuple[int, ...],
    ) -> Tower:
        key = f"starter-{half}-{digest(weights, described)[:12]}"
        return Tower(key, f"starter ({of})", verify, _lazily(build, heads), example, shape)

    of_images = (IMAGE_WEIGHTS.verify, example_pixels, (-1, 3, size, size))
    of_texts = (_verify_text, lambda: tokenize(EXAMPLES), (-1, -1))
    return Model(
        name="starter",
        d=int(config()["embed_dim"]),
        weights=weights,
        configuration=described,
        preprocessing=preprocessing,
        prepare=prepare,
        tokenize=tokenize,
        image=tower("image", "images", "image", *of_images),
        text=tower("text", "texts", "text", *of_texts),
        version=f"open_clip {version('open_clip_torch')}",
        patch_tower=tower("places", "patches", "patches", *of_images),
        grid=(-(-size // STRIDE), -(-size // STRIDE)),
        token_tower=tower("pieces", "text tokens", "tokens", *of_texts),
        words=words,
        additive=True,
        context=length,
        count=count,
        stretch=lambda mode: longer(mode, heads),
    )


def prepare(image: Image) -> Floats:
    """(3, size, size) pixels in -1..1: the whole image, resized to a square.

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
    """(n, length) token ids, padded to the longest text, truncated at the context length.

    >>> tokenize(["a dog", "a dog on a beach"])
    array([[ 101, 1037, 3899,  102,    0,    0,    0],
           [ 101, 1037, 3899, 2006, 1037, 3509,  102]])
    """
    return _token_ids(texts, context_length())


def count(text: str) -> int:
    """Number of tokens of a text, without truncation.

    >>> count("a dog on a beach")
    7
    """
    return len(_tokenizer(None).encode(_clean(text)).ids)


def longer(mode: str, heads: Path = HEADS) -> Longer:
    """The text half with stretched positions; see `long_texts`."""
    length = context_length()
    context = long_texts.stretched_context(mode, length)

    def build() -> nn.Module:
        from core.encoders.modules import stretch

        return stretch(_lazily("text", heads)(), length, mode)

    def longer_ids(texts: Sequence[str]) -> Ints:
        return _token_ids(texts, context)

    key = f"starter-text-{mode}"
    tower = Tower(
        key, "starter (long texts)", _verify_text, build, lambda: longer_ids(EXAMPLES), (-1, -1)
    )
    return Longer(tower, longer_ids, context)


def words(texts: Sequence[str]) -> list[tuple[tuple[str, ...], list[int]]]:
    """Each text's words, and for each of its tokens the number of its word; -1 is none.

    Words may contain apostrophes and hyphens; tokens between words have none.

    >>> words(["a doghouse's door!"])
    [(('a', "doghouse's", 'door'), [-1, 0, 1, 1, 1, 1, 2, -1, -1])]
    """
    result = []
    for text in map(_clean, texts):
        tokens = _tokenizer(context_length()).encode_batch([text])[0]
        spans = [match.span() for match in WORD.finditer(text)]
        starts = [start for start, _ in spans]
        of = []
        for start, end in tokens.offsets:
            at = bisect_right(starts, start) - 1
            of.append(at if at >= 0 and start < end <= spans[at][1] else -1)
        used = spans[: max(of, default=-1) + 1]  # without words beyond the context length
        result.append((tuple(text[start:end] for start, end in used), of))
    return result


def example_pixels() -> Floats:
    """Four smooth patterns that differ in color, direction and scale."""
    size = image_size()
    y, x = np.mgrid[:size, :size].astype(np.float32) / np.float32(size)
    waves = [np.sin(6 * (n + 1) * (x * c + y * (2 - c)) + n) for n in range(4) for c in range(3)]
    return np.array(waves, np.float32).reshape(4, 3, size, size)


def _lazily(half: str, heads: Path) -> Callable[[], nn.Module]:
    """Build a half of `starter_modules`, which imports torch, only when needed."""

    def build() -> nn.Module:
        from core.encoders import lazy

        lazy.open_clip()
        from core.encoders import starter_modules

        module: nn.Module = getattr(starter_modules, half)(heads)
        return module

    return build


def _verify_text() -> None:
    TEXT_WEIGHTS.verify()
    TOKENIZER.verify()


def _clean(text: str) -> str:
    """OpenCLIP's cleaning of a text before tokenization."""
    import ftfy

    return " ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split())


def _token_ids(texts: Sequence[str], most: int) -> Ints:
    encoded = _tokenizer(most).encode_batch([_clean(text) for text in texts])
    return np.array([tokens.ids for tokens in encoded], np.int64)


@cache
def _tokenizer(most: int | None) -> Any:
    """The tokenizer, truncating at a number of tokens or not at all."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER.path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if most:
        tokenizer.enable_truncation(most)
        tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    return tokenizer


def _digest_of(heads: Path) -> str:
    try:
        return sha256(heads.read_bytes()).hexdigest()
    except OSError as error:
        raise not_here(heads) from error
