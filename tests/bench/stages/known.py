"""Real questions with known answers, and what may be learnt from: pictures with captions."""

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
UNSEEN = 0.2  # share of the Flickr8k pictures that the starter's heads never saw
DATA = Path(__file__).parents[3].parent / "shared" / "data"


@dataclass(frozen=True)
class Task:
    """Questions of one kind, all asked by items of a space and answered by items of it.

    Args:
        name: the collection and the direction.
        space: all of the collection.
        asker: the kind that asks.
        queries: (q,) rows that ask; they are among the judged.
        candidates: (c,) rows that may be found, all judged.
        relevant: (q, c) which of them are right.
        groups: (q,) the picture that a query belongs to: what is resampled.
        judged: (n,) rows that nothing may be learnt from.
        note: what the figures hold for.
    """

    name: str
    space: Space
    asker: Kind
    queries: Ints
    candidates: Ints
    relevant: Bools
    groups: Ints
    judged: Bools
    note: str


def tasks(folder: Path | None = None) -> list[Task]:
    """Captions to pictures and back on both collections, and pictures to pictures of their like.

    Raises:
        InputError: the collections are not there.
    """
    folder = folder or Path(os.environ.get("SEXTANT_TEST_DATA") or DATA)
    flickr, names, _ = encoded(folder / "flickr8k-800")
    coco, _, labels = encoded(folder / "coco-mini")
    seen = "banks from the other 643, which the starter's heads saw"
    own = "the starter's heads saw these pictures; banks from the other half"
    parts = [
        (flickr, _with_captions(flickr, np.array([unseen(name) for name in names])), seen),
        (coco, random_half(coco), own),
    ]
    found = [
        directed(f"{name}, {way}", space, judged, note, way)
        for name, (space, judged, note) in zip(("flickr8k-800", "coco-mini"), parts, strict=True)
        for way in ("text to image", "image to text")
    ]
    return [*found, alike("coco-mini, image to image of the same main object", coco, labels, own)]


def unseen(name: str) -> bool:
    """Whether the starter's heads never saw a Flickr8k picture: as in `assets/starter`."""
    found = hashlib.blake2b(Path(name).name.encode(), digest_size=8).digest()
    return int.from_bytes(found, "big") < UNSEEN * 2**64


def encoded(folder: Path) -> tuple[Space, list[str], list[str]]:
    """A folder of pictures with captions as a space; pictures' file names and first labels."""
    if not (folder / "items.jsonl").is_file():
        raise InputError(
            f"There are no pictures with captions at {folder}. "
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


def directed(name: str, space: Space, judged: Bools, note: str, way: str) -> Task:
    """Pairs asked from one side, among what is judged."""
    pairs = space.pairs[judged[space.pairs].all(axis=1)]
    asks, finds = (1, 0) if way == "text to image" else (0, 1)
    queries, candidates = np.unique(pairs[:, asks]), np.unique(pairs[:, finds])
    relevant = np.zeros((len(queries), len(candidates)), bool)
    at = np.searchsorted(queries, pairs[:, asks]), np.searchsorted(candidates, pairs[:, finds])
    relevant[at] = True
    groups = relevant.argmax(axis=1) if asks else np.arange(len(queries))
    asker: Kind = "text" if asks else "image"
    return Task(name, space, asker, queries, candidates, relevant, groups, judged, note)


def alike(name: str, space: Space, labels: list[str], note: str) -> Task:
    """Pictures that ask for pictures with the same first label; those without any are not asked."""
    judged = random_half(space)
    candidates = np.flatnonzero(judged[: space.n_images])
    code = np.unique(labels, return_inverse=True)[1][candidates]
    same = (code[:, None] == code) & (np.array(labels)[candidates] != "")
    np.fill_diagonal(same, False)
    asked = same.any(axis=1)
    groups = np.arange(int(asked.sum()))
    queries = candidates[asked]
    return Task(name, space, "image", queries, candidates, same[asked], groups, judged, note)


def _with_captions(space: Space, images: Bools) -> Bools:
    """(n,) the pictures and what is paired with them."""
    judged = np.zeros(space.n, bool)
    judged[: space.n_images] = images
    judged[space.pairs[judged[space.pairs[:, 0]], 1]] = True
    return judged
