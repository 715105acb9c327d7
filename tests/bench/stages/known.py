"""Retrieval tasks with known answers from captioned images, and the rows that are held out."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.encoders.encoder import load
from core.errors import InputError
from core.improve.hub_bias import random_half
from core.types.arrays import Bools, Ints, Kind
from core.types.space import Space

ENCODER, BATCH = "starter", 32
UNSEEN = 0.2  # share of the Flickr8k images that the starter's heads never saw
DATA = Path(__file__).parents[3].parent / "shared" / "data"


@dataclass(frozen=True)
class Task:
    """Queries of one modality: items of a space that retrieve other items of it.

    Args:
        name: the collection and the direction.
        space: all of the collection.
        modality: the kind of the queries.
        queries: (q,) rows of the queries, all held out.
        candidates: (c,) rows that may be retrieved, all held out.
        relevant: (q, c) which of them are relevant.
        groups: (q,) the image that a query belongs to: the unit of resampling.
        held_out: (n,) rows that nothing may be fitted on.
        note: the conditions under which the figures hold.
    """

    name: str
    space: Space
    modality: Kind
    queries: Ints
    candidates: Ints
    relevant: Bools
    groups: Ints
    held_out: Bools
    note: str


def tasks(folder: Path | None = None) -> list[Task]:
    """Text to image and back on both collections, and image to image of the same main object.

    Raises:
        InputError: the collections are missing.
    """
    folder = folder or Path(os.environ.get("SEXTANT_TEST_DATA") or DATA)
    flickr, names, _ = encoded(folder / "flickr8k-800")
    coco, _, labels = encoded(folder / "coco-mini")
    rest = "query banks from the other 643, which the starter's heads saw"
    half = "the starter's heads saw these images; query banks from the other half"
    parts = [
        (flickr, with_captions(flickr, np.array([unseen(name) for name in names])), rest),
        (coco, random_half(coco), half),
    ]
    both_ways = [
        directed(f"{name}, {way}", space, held_out, note, way)
        for name, (space, held_out, note) in zip(("flickr8k-800", "coco-mini"), parts, strict=True)
        for way in ("text to image", "image to text")
    ]
    name = "coco-mini, image to image of the same main object"
    return [*both_ways, alike(name, coco, labels, half)]


def unseen(name: str) -> bool:
    """Whether the starter's heads never saw a Flickr8k image; depends on its file name alone."""
    code = hashlib.blake2b(Path(name).name.encode(), digest_size=8).digest()
    return int.from_bytes(code, "big") < UNSEEN * 2**64


def encoded(folder: Path) -> tuple[Space, list[str], list[str]]:
    """A folder of captioned images as a space; the images' file names and first labels."""
    if not (folder / "items.jsonl").is_file():
        raise InputError(
            f"There are no captioned images at {folder}. "
            "Set SEXTANT_TEST_DATA to the folder that holds them."
        )
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in (folder / "items.jsonl").read_text("utf-8").splitlines()
    ]
    encoder = load(ENCODER)
    rows = []
    for start in range(0, len(lines), BATCH):
        files = [folder / line["image"] for line in lines[start : start + BATCH]]
        rows.append(encoder.encode_images([Image.open(file) for file in files]))
    rows.append(encoder.encode_texts([c for line in lines for c in line["captions"]]))
    vectors, n = np.concatenate(rows), len(lines)
    owner = np.repeat(np.arange(n), [len(line["captions"]) for line in lines])
    ids = tuple(f"{i:06}" for i in range(len(vectors)))
    pairs = np.column_stack([owner, n + np.arange(len(owner))])
    labels = [(line.get("labels") or [""])[0] for line in lines]
    return Space(vectors, ids, n, pairs), [line["image"] for line in lines], labels


def directed(name: str, space: Space, held_out: Bools, note: str, way: str) -> Task:
    """Held-out pairs, one side as queries and the other as candidates."""
    pairs = space.pairs[held_out[space.pairs].all(axis=1)]
    source, target = (1, 0) if way == "text to image" else (0, 1)
    queries, candidates = np.unique(pairs[:, source]), np.unique(pairs[:, target])
    relevant = np.zeros((len(queries), len(candidates)), bool)
    at = np.searchsorted(queries, pairs[:, source]), np.searchsorted(candidates, pairs[:, target])
    relevant[at] = True
    groups = relevant.argmax(axis=1) if source else np.arange(len(queries))
    modality: Kind = "text" if source else "image"
    return Task(name, space, modality, queries, candidates, relevant, groups, held_out, note)


def alike(name: str, space: Space, labels: list[str], note: str) -> Task:
    """Images that retrieve other images of the same first label."""
    held_out = random_half(space)
    candidates = np.flatnonzero(held_out[: space.n_images])
    code = np.unique(labels, return_inverse=True)[1][candidates]
    same = (code[:, None] == code) & (np.array(labels)[candidates] != "")
    np.fill_diagonal(same, False)
    some = same.any(axis=1)
    groups = np.arange(int(some.sum()))
    queries = candidates[some]
    return Task(name, space, "image", queries, candidates, same[some], groups, held_out, note)


def with_captions(space: Space, images: Bools) -> Bools:
    """(n,) the images and the texts paired with them."""
    rows = np.zeros(space.n, bool)
    rows[: space.n_images] = images
    rows[space.pairs[rows[space.pairs[:, 0]], 1]] = True
    return rows
