"""Evaluate the starter on images its heads never saw: the figures of its model card.

    python -m tests.bench.starter.measure DATA

DATA holds flickr8k-800 and imagenet-600. Intervals are 95% bootstraps over images, because the
captions of one image are correlated.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from core.encoders import starter
from core.encoders.encoder import Encoder, load
from core.encoders.open_clip import OpenClip
from core.ingest import demo
from core.types.arrays import Bools, Floats, Ints
from tests.bench.starter.features import held_out, records
from tests.bench.starter.groups import class_of, classes_of

KS = (1, 5, 10)
FIRST = 20  # results of a query in a mixed collection
WORDS = (
    *("cat", "dog", "horse", "bird", "elephant", "bear", "rabbit", "fish", "snake", "spider"),
    *("butterfly", "car", "bus", "truck", "train", "boat", "guitar", "violin", "pizza", "banana"),
    *("mushroom", "clock", "computer", "camera", "umbrella"),
)
"""Words for a collection of photographs and drawings that shows each in both."""
QUERIES = {
    "a dog": r"\bdog\b|poodle",
    "a cat": r"\bcat\b|chelsea",
    "pizza": r"pizza",
    "a red car": r"automobile|\bcar\b",
    "people": r"\b(people|person|men|women|man|woman|family|child|boy|girl)\b",
    "food": r"food",
    "a flag": r"flag",
    "snow on a mountain": r"mountain",
    "something to play music on": r"music|instrument",
    "a happy face": r"smil|grin|happy|joy",
}
"""Natural queries over the demo, and what the name or group of a right image contains."""


@dataclass(frozen=True)
class Encoded:
    """Records of images with their rows."""

    records: list[dict[str, Any]]
    rows: Floats

    def take(self, keep: Bools) -> Encoded:
        """Those that are kept."""
        return Encoded([self.records[i] for i in np.flatnonzero(keep)], self.rows[keep])


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench.starter.measure", description="Evaluate the starter."
    )
    parser.add_argument("data", type=Path, help="folder with flickr8k-800 and imagenet-600")
    parser.add_argument("--encoder", default="starter", help="another encoder, to compare with")
    parser.add_argument(
        "--heads", type=Path, help="heads of the starter that are not the shipped ones"
    )
    given = parser.parse_args()
    encoder = OpenClip(starter.model(given.heads)) if given.heads else load(given.encoder)
    flickr, named = photographs(encoder, given.data / "flickr8k-800"), given.data / "imagenet-600"
    classes_, drawn = classes(encoder, named), demo_images(encoder)
    drawings(encoder, drawn)
    queries(encoder, drawn)
    mixed(encoder, classes_, flickr, drawn)


def photographs(encoder: Encoder, folder: Path) -> Floats:
    """Text to image and back, on the held-out part of Flickr8k; returns its rows."""
    lines = [r for r in records(folder) if held_out(r["image"])]
    images = encode(encoder, [folder / r["image"] for r in lines])
    texts = encoder.encode_texts([caption for r in lines for caption in r["captions"]])
    owner = np.repeat(np.arange(len(lines)), [len(r["captions"]) for r in lines])
    scores = texts @ images.T
    ranks = (scores > scores[np.arange(len(owner)), owner][:, None]).sum(axis=1)
    for k in KS:
        report(f"Flickr8k held out, {len(lines)} images, text to image R@{k}", ranks < k, owner)
    own = owner == np.arange(len(lines))[:, None]
    best = np.where(own, scores.T, -np.inf).max(axis=1, keepdims=True)
    ranks = (best < scores.T).sum(axis=1)
    for k in KS:
        report(f"Flickr8k held out, {len(texts)} captions, image to text R@{k}", ranks < k)
    return images


def classes(encoder: Encoder, folder: Path) -> Encoded:
    """Zero-shot: the nearest of all class names, alone and in a prompt."""
    lines = records(folder)
    images = encode(encoder, [folder / r["image"] for r in lines])
    for prompt in ("{}", "a photo of a {}"):
        names = encoder.encode_texts([prompt.format(r["label"]) for r in lines])
        right = (images @ names.T).argmax(axis=1) == np.arange(len(lines))
        report(f"ImageNet, {len(lines)} classes, zero-shot top-1 with '{prompt}'", right)
    return Encoded(lines, images)


def demo_images(encoder: Encoder) -> Encoded:
    """Every image of the demo."""
    with TemporaryDirectory() as place:
        folders = [demo.draw_demo(Path(place), part) for part in demo.DEMO_PARTS]
        lines = [(f, r) for f in folders for r in records(f)]
        rows = encode(encoder, [f / r["image"] for f, r in lines])
    return Encoded([r for _, r in lines], rows)


def drawings(encoder: Encoder, images: Encoded) -> None:
    """Names to drawings: those of the demo's held-out families, and all."""
    drawn = images.take(np.array([r["source"] == "OpenMoji" for r in images.records]))
    kept = drawn.take(np.array([r["split"] == "test" for r in drawn.records]))
    for which, some in (("held out", kept), ("all", drawn)):
        for what, texts in (
            ("names", [r["name"] for r in some.records]),
            ("captions", [r["captions"][0] for r in some.records]),
        ):
            scores = encoder.encode_texts(texts) @ some.rows.T
            ranks = (scores > scores.diagonal()[:, None]).sum(axis=1)
            for k in (1, 10):
                title = f"OpenMoji {which}, {len(texts)} drawings, {what} to image R@{k}"
                report(title, ranks < k)


def queries(encoder: Encoder, images: Encoded) -> None:
    """Natural queries over the demo: whether a right image is among the first 1 and 3."""
    scores = encoder.encode_texts(list(QUERIES)) @ images.rows.T
    about = [" ".join([r["name"], r["subgroup"], r["label"]]) for r in images.records]
    right = np.array([[bool(re.search(of, a)) for a in about] for of in QUERIES.values()])
    found = np.take_along_axis(right, np.argsort(-scores), axis=1)
    for k in (1, 3):
        line = f"{found[:, :k].any(axis=1).sum()} of {len(QUERIES)} natural queries over the demo"
        sys.stdout.write(f"{line}: a right image in the top {k}\n")


def mixed(encoder: Encoder, named: Encoded, others: Floats, images: Encoded) -> None:
    """Words over photographs and drawings together: whether both kinds are among the first."""
    classes_ = np.array([class_of(r["wnid"]) for r in named.records])
    names = [set(re.findall(r"\w+", f"{r['name']} {r['family']}")) for r in images.records]
    drawn = np.array([r["source"] == "OpenMoji" for r in images.records])
    rows = np.concatenate([named.rows, others, images.rows[drawn]])
    counts = []
    for word in WORDS:
        photographed = np.isin(classes_, classes_of(word))
        sketched = np.array([word in name for name in names])[drawn]
        first = np.argsort(-rows @ encoder.encode_texts([f"a {word}"])[0])[:FIRST]
        kinds = np.concatenate([photographed, np.zeros(len(others), bool), 2 * sketched])
        counts.append([(kinds[first] == kind).any() for kind in (1, 2)])
    photographs_, drawings_ = np.array(counts).T
    of = f"of {len(WORDS)} words over {len(rows):,} photographs and drawings"
    for what, found in (
        ("a photograph of it", photographs_),
        ("a drawing of it", drawings_),
        ("both", photographs_ & drawings_),
    ):
        sys.stdout.write(f"{found.sum()} {of}: {what} among the first {FIRST}\n")


def encode(encoder: Encoder, paths: Sequence[Path]) -> Floats:
    """Rows of image files."""
    rows = []
    for start in range(0, len(paths), 64):
        images = [Image.open(path) for path in paths[start : start + 64]]
        rows.append(encoder.encode_images(images))
    return np.concatenate(rows)


def report(title: str, hits: Bools, owner: Ints | None = None) -> None:
    """One figure with its interval."""
    owner = np.arange(len(hits)) if owner is None else owner
    counts, right = np.bincount(owner), np.bincount(owner, hits)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(counts), (2000, len(counts)))
    shares = right[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = 100 * np.quantile(shares, (0.025, 0.975))
    sys.stdout.write(f"{title}: {100 * hits.mean():.1f}% ({low:.1f} to {high:.1f})\n")


if __name__ == "__main__":
    main()
