"""The training data of the heads: frozen features of images and texts, computed once and cached."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from core.encoders import backends, lazy, starter, starter_files
from core.encoders.starter_files import IMAGE_WEIGHTS, TEXT_WEIGHTS
from core.encoders.towers import Tower
from core.ingest import demo
from core.types.arrays import Floats
from core.types.item import digest
from tests.bench.starter.groups import first_names, groups

HELD_OUT = 0.2
"""Share of the Flickr8k images that the shipped heads never saw."""
PROMPTS = ("{}", "a photo of a {}", "a {}", "a photo of the {} .", "a picture of a {}", "{} .")
VIEWS = ("whole", "mirror", "crop")
"""Views of a photograph of Flickr8k; of other images only the whole one."""


@dataclass(frozen=True)
class Captioned:
    """Images with their captions, as features: (n, views, f) and a (c, t) array for each."""

    names: list[str]
    images: torch.Tensor
    texts: list[torch.Tensor]

    def take(self, keep: Callable[[str], bool]) -> Captioned:
        """Those whose name passes."""
        rows = [i for i, name in enumerate(self.names) if keep(name)]
        return Captioned(
            [self.names[i] for i in rows], self.images[rows], [self.texts[i] for i in rows]
        )

    def join(self, other: Captioned) -> Captioned:
        """Both, one after the other."""
        return Captioned(
            self.names + other.names,
            torch.cat([self.images, other.images]),
            self.texts + other.texts,
        )

    def repeated(self, views: int) -> Captioned:
        """Each image's only view, as often as others have views."""
        return Captioned(self.names, self.images.repeat(1, views, 1), self.texts)


def held_out(name: str) -> bool:
    """Whether a Flickr8k image is held out; depends on its file name alone."""
    code = hashlib.blake2b(Path(name).name.encode(), digest_size=8).digest()
    return int.from_bytes(code, "big") < HELD_OUT * 2**64


def records(folder: Path) -> list[dict[str, Any]]:
    """The lines of a folder's `items.jsonl`."""
    return [json.loads(line) for line in (folder / "items.jsonl").read_text("utf-8").splitlines()]


def captioned(folder: Path, cache: Path, views: Sequence[str] = ("whole",)) -> Captioned:
    """A folder of captioned images; its names are files, or families of drawings."""
    lines = [r for r in records(folder) if r.get("source", "OpenMoji") == "OpenMoji"]
    paths = [folder / r["image"] for r in lines]
    rows = [_images(paths, cache, view) for view in views]
    texts = _texts([c for r in lines for c in r["captions"]], cache)
    ends = np.cumsum([len(r["captions"]) for r in lines])
    return Captioned(
        [r.get("family", r["image"]) for r in lines],
        torch.from_numpy(np.stack(rows, axis=1)),
        [torch.from_numpy(part) for part in np.split(texts, ends[:-1])],
    )


def drawings(cache: Path) -> Captioned:
    """The demo's drawings, without its photographs."""
    parts = [captioned(demo.draw_demo(cache / "demo", p), cache) for p in demo.DEMO_PARTS]
    return reduce(Captioned.join, parts)


def styles(folder: Path, cache: Path) -> Captioned:
    """Drawings of other styles: the views of a concept are its styles."""
    lines = records(folder)
    images = captioned(folder, cache)
    rows: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        rows.setdefault(line["codepoint"], []).append(row)
    most = max(map(len, rows.values()))
    of = torch.tensor([(found * most)[:most] for found in rows.values()])
    return Captioned(
        [images.names[found[0]] for found in rows.values()],
        images.images[of, 0],
        [torch.cat([images.texts[row] for row in found]) for found in rows.values()],
    )


def class_names(cache: Path) -> tuple[torch.Tensor, torch.Tensor, dict[str, list[int]]]:
    """Names of the ImageNet classes and of groups, (n, prompts, t); the members of each group."""
    first = first_names()
    members = groups(first)
    names, words = (
        torch.from_numpy(
            _texts([prompt.format(name) for name in some for prompt in PROMPTS], cache)
        )
        for some in (first, members)
    )
    return (
        names.reshape(len(first), len(PROMPTS), -1),
        words.reshape(len(members), len(PROMPTS), -1),
        members,
    )


def _images(paths: Sequence[Path], cache: Path, view: str) -> Floats:
    """(n, f) features of one view of each image."""

    def compute() -> Floats:
        run = backends.start(_trunk(), "auto")
        rows = []
        for start in range(0, len(paths), 16):
            images = [_view(path, view) for path in paths[start : start + 16]]
            rows.append(run(np.stack([starter.prepare(image) for image in images])))
            sys.stderr.write(f"\r{view} {start + len(images)} of {len(paths)}  ")
        return np.concatenate(rows)

    return _cached(cache, compute, "images", view, *("/".join(p.parts[-3:]) for p in paths))


def _texts(texts: Sequence[str], cache: Path) -> Floats:
    """(n, t) features of texts."""

    def compute() -> Floats:
        run = backends.start(_words(), "auto")
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # saves padding
        parts = [order[start : start + 64] for start in range(0, len(texts), 64)]
        rows = np.concatenate([run(starter.tokenize([texts[i] for i in part])) for part in parts])
        return rows[np.argsort(order)]

    return _cached(cache, compute, "texts", *texts)


def _view(path: Path, view: str) -> Image.Image:
    """The whole image, its mirror image, or a seeded random crop."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    if view == "whole":
        return image
    if view == "mirror":
        return ImageOps.mirror(image)
    rng = np.random.default_rng(int(digest(view, path.name)[:8], 16))
    share, shape = rng.uniform(0.6, 1), np.exp(rng.uniform(-0.1, 0.1))
    width = min(image.width, round(image.width * share**0.5 * shape))
    height = min(image.height, round(image.height * share**0.5 / shape))
    x, y = rng.integers(0, (image.width - width + 1, image.height - height + 1))
    crop = image.crop((x, y, x + width, y + height))
    return ImageOps.mirror(crop) if rng.random() < 0.5 else crop


def _trunk() -> Tower:
    """The image tower without a head."""
    key, size = f"starter-image-features-{IMAGE_WEIGHTS.digest[:12]}", starter_files.image_size()
    return Tower(
        key,
        "image features",
        IMAGE_WEIGHTS.verify,
        _build_trunk,
        starter.example_pixels,
        (-1, 3, size, size),
    )


def _words() -> Tower:
    """The text tower without a head."""
    key = f"starter-text-features-{TEXT_WEIGHTS.digest[:12]}"
    return Tower(
        key,
        "text features",
        TEXT_WEIGHTS.verify,
        _build_words,
        lambda: starter.tokenize(starter.EXAMPLES),
        (-1, -1),
    )


def _build_trunk() -> torch.nn.Module:
    lazy.open_clip()
    from core.encoders import starter_modules

    return starter_modules.ImageFeatures()


def _build_words() -> torch.nn.Module:
    lazy.open_clip()
    from core.encoders import starter_modules

    return starter_modules.TextFeatures()


def _cached(cache: Path, compute: Callable[[], Floats], *what: str) -> Floats:
    """Features from the cache, computed on a miss."""
    file = cache / f"{digest(IMAGE_WEIGHTS.digest, TEXT_WEIGHTS.digest, *what)}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, compute())
    loaded: Floats = np.load(file)
    return loaded
