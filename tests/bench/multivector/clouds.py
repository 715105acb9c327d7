"""Bags of parts: real pictures and captions the starter never saw, and made ones in any number."""

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
OTHERS = 30  # pictures whose parts tell the means
TOPICS = 200  # of made items


@dataclass(frozen=True)
class Known:
    """Pictures and captions with their parts, which picture each caption is of, and means.

    `pieces` are the captions again with word pieces in place of whole words, where there are such.
    """

    pictures: Bag
    captions: Bag
    owner: Ints
    places_mean: Floats
    words_mean: Floats
    pieces: Bag | None = None


def real() -> dict[str, Known]:
    """Pictures with all their captions: of flickr8k-800 those that the starter's heads never saw.

    The means are those of other pictures of flickr8k-800.

    Raises:
        InputError: the pictures are not there.
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
    pictures: Bag, captions: Bag, pieces: Bag, lines: Lines, places: Floats, words: Floats
) -> Known:
    owner = np.repeat(np.arange(len(lines)), [len(line["captions"]) for line in lines])
    return Known(pictures, captions, owner, places, words, pieces)


def _lines(name: str) -> Lines:
    file = _folder(name) / "items.jsonl"
    if not file.is_file():
        raise InputError(
            f"There are no pictures with captions at {file.parent}. "
            "Set SEXTANT_TEST_DATA to the folder that holds them."
        )
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _folder(name: str) -> Path:
    return Path(os.environ.get("SEXTANT_TEST_DATA") or DATA) / name


def _read(name: str, lines: Lines) -> tuple[Bag, Bag, Bag]:
    """Pictures, captions in whole words, and captions in word pieces."""
    encoder, apart = load(ENCODER), OpenClip(replace(starter.model(), words=_apart))
    files = [_folder(name) / line["image"] for line in lines]
    said = [caption for line in lines for caption in line["captions"]]
    places = [encoder.image_tokens([Image.open(file)])[0] for file in files]
    return _bag(places), _bag(encoder.text_tokens(said)), _bag(apart.text_tokens(said))


def _apart(texts: Sequence[str]) -> list[tuple[tuple[str, ...], list[int]]]:
    """As `starter.words`, but each piece of a word stands alone."""
    found = []
    for words, of in starter.words(texts):
        own = [word for word in of if word >= 0]
        number = iter(range(len(own)))
        apart = [next(number) if word >= 0 else -1 for word in of]
        found.append((tuple(words[word] for word in own), apart))
    return found


def made(n: int, d: int, parts: int, asked: int, seed: int = 0) -> Known:
    """Items of four topics out of 200, all parts with a large common mean.

    A question names three topics of one item, which is the right answer; others share some.
    """
    rng = np.random.default_rng(seed)
    common = _unit(rng.normal(size=d))
    topics = _unit(rng.normal(size=(TOPICS, d)))[rng.integers(0, TOPICS, (n, 4))]
    of = rng.integers(0, 4, (n, parts))
    places = _unit(common + topics[np.arange(n)[:, None], of] + _noise(rng, (n, parts, d), 0.7))
    owner = rng.choice(n, asked, replace=False)
    words = _unit(common + topics[owner, :3] + _noise(rng, (asked, 3, d), 1.0))
    return Known(
        Bag(_unit(places.mean(axis=1)), list(places)),
        Bag(_unit(words.mean(axis=1)), list(words)),
        owner,
        places.mean(axis=(0, 1)),
        words.mean(axis=(0, 1)),
    )


def _bag(tokens: list[Tokens]) -> Bag:
    """Wholes are the sums of their parts: nothing is encoded twice."""
    whole = np.stack([t.weights @ t.vectors for t in tokens]).astype(np.float32)
    return Bag(whole, [t.content_words().vectors for t in tokens])


def _noise(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Floats:
    found: Floats = rng.normal(size=shape).astype(np.float32) * np.float32(size / shape[-1] ** 0.5)
    return found


def _unit(x: np.ndarray) -> Floats:
    found: Floats = (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)
    return found
