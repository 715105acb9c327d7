"""Evaluate the shipped starter on images its heads never saw: the figures of its model card.

    python -m tests.bench.starter.measure DATA

DATA holds flickr8k-800 and imagenet-600. Intervals are 95 % bootstraps over images, because the
captions of one image are correlated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from core.encoders.encoder import Encoder, load
from core.ingest import demo
from core.types.arrays import Bools, Floats, Ints
from tests.bench.starter.features import held_out, records

KS = (1, 5, 10)


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench.starter.measure", description="Evaluate the shipped starter."
    )
    parser.add_argument("data", type=Path, help="folder with flickr8k-800 and imagenet-600")
    parser.add_argument("--encoder", default="starter", help="another encoder, to compare with")
    given = parser.parse_args()
    encoder = load(given.encoder)
    photographs(encoder, given.data / "flickr8k-800")
    classes(encoder, given.data / "imagenet-600")
    drawings(encoder)


def photographs(encoder: Encoder, folder: Path) -> None:
    """Text to image and back, on the held-out part of Flickr8k."""
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


def classes(encoder: Encoder, folder: Path) -> None:
    """Zero-shot: the nearest of all class names, alone and in a prompt."""
    lines = records(folder)
    images = encode(encoder, [folder / r["image"] for r in lines])
    for prompt in ("{}", "a photo of a {}"):
        names = encoder.encode_texts([prompt.format(r["label"]) for r in lines])
        right = (images @ names.T).argmax(axis=1) == np.arange(len(lines))
        report(f"ImageNet, {len(lines)} classes, zero-shot top-1 with '{prompt}'", right)


def drawings(encoder: Encoder) -> None:
    """Names to drawings, on the demo's held-out families."""
    with TemporaryDirectory() as place:
        folders = [demo.draw_demo(Path(place), part) for part in demo.DEMO_PARTS]
        lines = [(f, r) for f in folders for r in records(f)]
        kept = [(f, r) for f, r in lines if r["split"] == "test" and r["source"] == "OpenMoji"]
        images = encode(encoder, [f / r["image"] for f, r in kept])
    for what, texts in (
        ("names", [r["name"] for _, r in kept]),
        ("captions", [r["captions"][0] for _, r in kept]),
    ):
        scores = encoder.encode_texts(texts) @ images.T
        ranks = (scores > scores.diagonal()[:, None]).sum(axis=1)
        report(f"OpenMoji held out, {len(kept)} drawings, {what} to image R@10", ranks < 10)


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
    sys.stdout.write(f"{title}: {100 * hits.mean():.1f} % ({low:.1f} to {high:.1f})\n")


if __name__ == "__main__":
    main()
