"""Bags of parts: real pictures and captions the starter never saw, and made ones in any number."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core import encoders
from core.bench.multivector.ways import Bag
from core.bench.stages.known import DATA, ENCODER, unseen
from core.errors import InputError
from core.types import Floats, Ints, Tokens

OTHERS = 30  # pictures whose parts tell the means
TOPICS = 200  # of made items


@dataclass(frozen=True)
class Known:
    """Pictures and captions with their parts, which picture each caption is of, and means."""

    pictures: Bag
    captions: Bag
    owner: Ints
    places_mean: Floats
    words_mean: Floats


def real() -> Known:
    """The pictures of flickr8k-800 that the starter's heads never saw, with all their captions.

    Raises:
        InputError: the pictures are not there.
    """
    folder = Path(os.environ.get("SEXTANT_TEST_DATA") or DATA) / "flickr8k-800"
    if not (folder / "items.jsonl").is_file():
        raise InputError(
            f"There are no pictures with captions at {folder}. "
            "Set SEXTANT_TEST_DATA to the folder that holds them."
        )
    lines = [json.loads(line) for line in (folder / "items.jsonl").read_text("utf-8").splitlines()]
    held = [line for line in lines if unseen(line["image"])]
    others = [line for line in lines if not unseen(line["image"])][:OTHERS]
    encoder = encoders.load(ENCODER)

    def read(chosen: list[dict[str, list[str]]]) -> tuple[Bag, Bag]:
        places = [encoder.image_tokens([Image.open(f"{folder}/{r['image']}")])[0] for r in chosen]
        return _bag(places), _bag(encoder.text_tokens([c for r in chosen for c in r["captions"]]))

    pictures, captions = read(held)
    other_pictures, other_captions = read(others)
    return Known(
        pictures,
        captions,
        np.repeat(np.arange(len(held)), [len(line["captions"]) for line in held]),
        np.concatenate(other_pictures.parts).mean(axis=0),
        np.concatenate(other_captions.parts).mean(axis=0),
    )


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
    return Bag(whole, [t.spoken().vectors for t in tokens])


def _noise(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Floats:
    found: Floats = rng.normal(size=shape).astype(np.float32) * np.float32(size / shape[-1] ** 0.5)
    return found


def _unit(x: np.ndarray) -> Floats:
    found: Floats = (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)
    return found
