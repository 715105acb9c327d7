"""What an encoder is tried on: random pictures, random texts, and texts long enough to be cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.ingest.transforms import TRANSFORMS
from core.types import Item, Space, digest

FORMAT = "2"  # goes up when probes say something else of the same sample
NATURAL = 400  # texts that are encoded as they are
READ = 5000  # texts that are looked through for long ones
CUT = 200  # texts that are cut
TOPS = (48, 32, 24, 16, 12)  # words of the longest cut; more would not fit into CLIP's 77 tokens
LONG = 24  # words from which a caption need not be joined with others
SHORTEST, CUTS = 4, 5
ENOUGH, LEAST = 50, 16
OWN, JOINED = "texts", "texts (the captions of one picture, joined)"


@dataclass(frozen=True)
class Sample:
    """Ids of pictures, texts as they are, and the same texts cut to several lengths.

    Args:
        key: identity of the sample and of what is done to it.
        pictures: ids, of `of` pictures.
        of: pictures of the collection.
        texts: as they are.
        cut: m texts for each of c lengths, shortest first.
        cut_to: those lengths in words.
        cut_from: what was cut, in words.
    """

    key: str
    pictures: tuple[str, ...]
    of: int
    texts: tuple[str, ...] = ()
    cut: tuple[tuple[str, ...], ...] = ()
    cut_to: tuple[int, ...] = ()
    cut_from: str = OWN


def sample_key(space: Space, pictures: int) -> str:
    """Identity of what a sample would hold: the same items, the same changes, the same key."""
    changes = repr([(name, t.strengths, t.usual) for name, t in TRANSFORMS.items()])
    items = ("\n".join(space.ids), str(space.n_images), space.pairs.tobytes())
    return digest(FORMAT, changes, str(pictures), *items)


def sample(space: Space, pictures: int, items: Callable[[Sequence[str]], list[Item]]) -> Sample:
    """A seeded random sample of a space's items.

    Args:
        space: where the items are.
        pictures: how many pictures at most.
        items: reads items by id.
    """
    rng = np.random.default_rng(0)
    n, total = space.n_images, space.n - space.n_images
    chosen = np.sort(rng.choice(n, min(n, pictures), replace=False))
    rows = n + rng.choice(total, min(total, READ), replace=False)
    texts = {int(r): item.text for r, item in zip(rows, items([space.ids[r] for r in rows]),
                                                  strict=True)}  # fmt: skip
    own = [t for t in texts.values() if t]
    cut_from, cut, cut_to = _cuts(own, list(_joined(space, texts)))
    return Sample(
        sample_key(space, pictures),
        tuple(space.ids[r] for r in chosen),
        n,
        tuple(own[:NATURAL]),
        cut,
        cut_to,
        cut_from,
    )


def _joined(space: Space, texts: dict[int, str]) -> Iterator[str]:
    """All captions of a picture as one text, where all of them are known."""
    by_image: dict[int, list[str]] = {}
    for image, text in space.pairs.tolist():
        by_image.setdefault(image, []).append(texts.get(text, ""))
    for captions in by_image.values():
        if len(captions) > 1 and all(captions):
            yield " ".join(c.strip().rstrip(".") + "." for c in captions)


def _cuts(
    own: Sequence[str], joined: Sequence[str]
) -> tuple[str, tuple[tuple[str, ...], ...], tuple[int, ...]]:
    """Texts cut to lengths evenly spaced by ratio; nothing where too few are long enough.

    Captions of their own are taken before joined ones, unless they are short.
    """
    sources = [(OWN, own, top) for top in TOPS if top >= LONG]
    sources += [(JOINED, joined, top) for top in TOPS]
    sources += [(OWN, own, top) for top in TOPS if top < LONG]
    for needed in (ENOUGH, LEAST):
        for name, texts, top in sources:
            long = [w for w in map(str.split, texts) if len(w) >= top][:CUT]
            if len(long) >= needed:
                to = tuple(int(k) for k in np.geomspace(SHORTEST, top, CUTS).round())
                return name, tuple(tuple(" ".join(w[:k]) for w in long) for k in to), to
    return OWN, (), ()
