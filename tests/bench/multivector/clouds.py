"""Items as bags of token vectors: real images with captions, and synthetic ones in any number."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.encoders import starter
from core.encoders.encoder import load
from core.encoders.open_clip import OpenClip
from core.errors import InputError
from core.types.arrays import Floats, Ints
from core.types.tokens import Tokens
from tests.bench.multivector.ways import Bag
from tests.bench.stages.known import DATA, ENCODER, unseen

Lines = list[dict[str, Any]]
OTHERS = 30  # images from which the mean tokens are estimated
TOPICS = 200  # of synthetic items


@dataclass(frozen=True)
class Known:
    """Images and captions with their tokens, the image of each caption, and the mean tokens.

    `pieces` are the captions by word pieces in place of whole words, where available.
    """

    images: Bag
    captions: Bag
    owner: Ints
    patch_mean: Floats
    text_mean: Floats
    pieces: Bag | None = None


def real() -> dict[str, Known]:
    """Images with all their captions: of flickr8k-800 those held out from the starter's training.

    The means are those of other images of flickr8k-800.

    Raises:
        InputError: the images are not there.
    """
    lines = _lines("flickr8k-800")
    held = [line for line in lines if unseen(line["image"])]
    others = [line for line in lines if not unseen(line["image"])][:OTHERS]
    means = [np.concatenate(bag.parts).mean(axis=0) for bag in _read("flickr8k-800", others)[:2]]
    named = {"flickr8k-800 held out": held, "coco-mini": _lines("coco-mini")}
    return {
        name: _known(*_read(name.partition(" ")[0], lines), lines, *means)
        for name, lines in named.items()
    }


def _known(
    images: Bag, captions: Bag, pieces: Bag, lines: Lines, patch_mean: Floats, text_mean: Floats
) -> Known:
    owner = np.repeat(np.arange(len(lines)), [len(line["captions"]) for line in lines])
    return Known(images, captions, owner, patch_mean, text_mean, pieces)


def _lines(name: str) -> Lines:
    file = _folder(name) / "items.jsonl"
    if not file.is_file():
        raise InputError(
            f"There are no images with captions at {file.parent}. "
            "Set SEXTANT_TEST_DATA to the folder that holds them."
        )
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _folder(name: str) -> Path:
    return Path(os.environ.get("SEXTANT_TEST_DATA") or DATA) / name


def _read(name: str, lines: Lines) -> tuple[Bag, Bag, Bag]:
    """Images, captions by whole words, and captions by word pieces."""
    encoder, apart = load(ENCODER), OpenClip(replace(starter.model(), words=_apart))
    files = [_folder(name) / line["image"] for line in lines]
    texts = [caption for line in lines for caption in line["captions"]]
    patches = [encoder.image_tokens([Image.open(file)])[0] for file in files]
    return _bag(patches), _bag(encoder.text_tokens(texts)), _bag(apart.text_tokens(texts))


def _apart(texts: Sequence[str]) -> list[tuple[tuple[str, ...], list[int]]]:
    """As `starter.words`, but each piece of a word stands alone."""
    found = []
    for words, of in starter.words(texts):
        own = [word for word in of if word >= 0]
        number = iter(range(len(own)))
        apart = [next(number) if word >= 0 else -1 for word in of]
        found.append((tuple(words[word] for word in own), apart))
    return found


def synthetic(n: int, d: int, parts: int, queries: int, seed: int = 0) -> Known:
    """Items of four topics out of 200, all tokens with a large common mean.

    A query has three topics of one item, which is the correct result; others share some.
    """
    rng = np.random.default_rng(seed)
    common = _unit(rng.normal(size=d))
    topics = _unit(rng.normal(size=(TOPICS, d)))[rng.integers(0, TOPICS, (n, 4))]
    of = rng.integers(0, 4, (n, parts))
    places = _unit(common + topics[np.arange(n)[:, None], of] + _noise(rng, (n, parts, d), 0.7))
    owner = rng.choice(n, queries, replace=False)
    words = _unit(common + topics[owner, :3] + _noise(rng, (queries, 3, d), 1.0))
    return Known(
        Bag(_unit(places.mean(axis=1)), list(places)),
        Bag(_unit(words.mean(axis=1)), list(words)),
        owner,
        places.mean(axis=(0, 1)),
        words.mean(axis=(0, 1)),
    )


def _bag(tokens: list[Tokens]) -> Bag:
    """The one vector is the sum of the tokens: nothing is encoded twice."""
    whole = np.stack([t.weights @ t.vectors for t in tokens]).astype(np.float32)
    return Bag(whole, [t.content_words().vectors for t in tokens])


def _noise(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Floats:
    noise: Floats = rng.normal(size=shape).astype(np.float32) * np.float32(size / shape[-1] ** 0.5)
    return noise


def _unit(x: np.ndarray) -> Floats:
    rows: Floats = (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)
    return rows
